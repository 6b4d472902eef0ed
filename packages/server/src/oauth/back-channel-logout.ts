/**
 * Telling applications, server to server, that a session has ended (OIDC Back-Channel Logout 1.0). Who took part in a
 * session is known from the families that were opened in it; whatever ended it, each of their clients that has an address
 * for it is told once.
 */

import type { CutOffs, Family, Grant, SessionId, Subject } from '@pawl/family'
import type { Client, ClientStore } from '../domain/client/client.ts'
import type { ClientKeys } from '../domain/client/client-keys.ts'
import type { Entropy } from '../domain/entropy.ts'
import type { FamilyReading } from '../domain/family/family-store.ts'
import type { SigningKeys } from '../domain/keys/signing-keys.ts'
import { isOutboundError, type Outbound, OutboundRefused } from '../domain/outbound/outbound.ts'
import { cutOffKey } from '../domain/cut-off/cut-off.ts'
import type { Attempt } from '../domain/outbox/attempt.ts'
import { attemptSecondsMax, type Channel } from '../domain/outbox/courier.ts'
import type { Delivery, Notice } from '../domain/outbox/outbox.ts'
import { issueLogoutToken } from '../domain/token/logout-token.ts'
import { encryptedFor } from './encrypted-for.ts'
import { OAuthError } from './oauth-error.ts'

export interface BackChannelParts {
  readonly issuer: string
  readonly clients: Pick<ClientStore, 'read'>
  readonly signingKeys: SigningKeys
  readonly entropy: Entropy
  readonly outbound: Outbound
  readonly clientKeys: ClientKeys
  /** The name under which this client knows the user. */
  readonly nameFor: (client: Client, subject: Subject) => string
  /** The store's time. */
  readonly nowMs: () => Promise<number>
}

export function backChannelLogout(parts: BackChannelParts): Channel {
  return {
    plan: async (notice, readings) => {
      const nowMs = await parts.nowMs()
      const deliveries: Delivery[] = []
      for (const told of toldBy(notice, readings)) {
        const client = (await parts.clients.read(told.clientId))?.client ?? null
        if (client !== null && wantsToHear(client, told)) deliveries.push(deliveryOf(notice, told, nowMs))
      }
      return deliveries
    },
    send: delivery => send(parts, delivery),
  }
}

/** One client, and one of its user's sessions, or the user alone where what the client has belongs to no session. */
interface Told {
  readonly clientId: Grant['clientId']
  readonly subject: Subject
  readonly sessionId: SessionId | null
}

function toldBy(notice: Notice, readings: readonly FamilyReading[]): readonly Told[] {
  const told = new Map<string, Told>()
  for (const { family, cutOffs } of readings) {
    const { clientId, subject, sessionId } = family.grant
    if (subject === null || !tookPart(family) || !isConcerned(notice, family, cutOffs)) continue
    told.set(`${clientId} ${sessionId ?? subject}`, { clientId, subject, sessionId })
  }
  return [...told.values()]
}

/** A code that nobody redeemed has told its client of no session. */
export function tookPart({ generation }: Family): boolean {
  return generation > 0
}

/** A session that is over does not come back, so whatever was opened in it is concerned. */
function isConcerned({ target }: Notice, { grant, createdAtMs }: Family, cutOffs: CutOffs): boolean {
  switch (target.kind) {
    case 'session':
    case 'logout':
      return true
    case 'user':
      return grant.authTimeMs < cutOffs.userMs
    case 'everyone':
      return createdAtMs < cutOffs.everyoneMs
  }
}

/** §2.2: a client may want to hear of sessions alone. */
function wantsToHear({ logout }: Client, { sessionId }: Told): boolean {
  return logout.backChannelUri !== null && (sessionId !== null || !logout.backChannelSessionRequired)
}

/** A session ends once, so one delivery for it and a client is enough, whatever else ends it afterwards. */
function deliveryOf(notice: Notice, { clientId, subject, sessionId }: Told, nowMs: number): Delivery {
  const what = sessionId ?? `${notice.target.kind} ${cutOffKey(notice.target)} ${notice.atMs} ${subject}`
  return {
    id: `backchannel_logout ${what} ${clientId}`,
    channel: 'backchannel_logout',
    clientId,
    subject,
    sessionId,
    reason: notice.reason,
    createdAtMs: nowMs,
    state: 'pending',
    attempts: 0,
    nextAtMs: nowMs,
    lastAtMs: null,
    lastResult: null,
  }
}

/** Of the answer; its body says nothing that we would act on. */
const answerBytesMax = 65_536

async function send(parts: BackChannelParts, { clientId, subject, sessionId }: Delivery): Promise<Attempt> {
  const client = (await parts.clients.read(clientId))?.client ?? null
  const url = client?.logout.backChannelUri ?? null
  if (client === null || url === null) return { kind: 'pointless', result: 'no_address' }
  try {
    const token = await logoutTokenFor(parts, client, { subject, sessionId })
    const { status } = await parts.outbound.send({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }).toString(),
      bytesMax: answerBytesMax,
      secondsMax: attemptSecondsMax,
    })
    // §2.8: 200, for which frameworks put 204 where there is no body.
    return { kind: status === 200 || status === 204 ? 'taken' : 'not_taken', result: String(status) }
  } catch (error) {
    const result = failureIn(error)
    if (result === null) throw error
    return { kind: 'not_taken', result }
  }
}

/** What went wrong on the other side, in a word; null where it was on ours. */
function failureIn(error: unknown): string | null {
  if (error instanceof OutboundRefused) return `refused_${error.reason}`
  if (isOutboundError(error)) return 'unreachable'
  return error instanceof OAuthError ? 'no_key' : null
}

async function logoutTokenFor(
  parts: BackChannelParts,
  client: Client,
  { subject, sessionId }: Pick<Delivery, 'subject' | 'sessionId'>,
): Promise<string> {
  const { id: clientId, idTokenAlgorithm: algorithm } = client
  const encryption = client.tokens.idTokenEncryption
  const nowMs = await parts.nowMs()
  // Nothing else may have been signed for a long while.
  await parts.signingKeys.prepare(algorithm, nowMs)
  const about = { clientId, subject: parts.nameFor(client, subject), sessionId, algorithm, nowMs }
  const token = issueLogoutToken(parts, about)
  // Whoever gets encrypted ID tokens should refuse a logout token that is not (§2.6).
  return encryption === null ? token : encryptedFor(parts, client, encryption, { text: token, isJwt: true })
}
