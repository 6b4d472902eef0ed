/**
 * The revocation feed: what resource servers are told so that they can refuse a JWT whose family has ended without asking
 * about it. An entry says what to compare with the claims of a token and nothing else; families go by the names that tokens
 * carry. Only confidential clients that are a resource server read it.
 */

import type { Client } from '../domain/client/client.ts'
import type { FeedAnswer } from '../domain/revocation/revocation-feed.ts'
import {
  type PlacedRevocation,
  placedAtMs,
  revocationSlackSeconds,
  revocationToldSeconds,
} from '../domain/revocation/revocation-store.ts'
import type { FamilyHandle } from '../domain/token/family-handle.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { authenticateConfidentialClient } from './client-authentication.ts'
import { OAuthError } from './oauth-error.ts'

export const feedWaitSecondsMax = 30
export const feedWaitSecondsDefault = 20
/** Registered resources that are looked through for one that names a client which has no audience of its own. */
export const feedResourcesMax = 1_000
/** For who has too many requests here: by then some of them are over. */
const seatRetrySeconds = 5

export interface FeedDocument {
  readonly cursor: string
  readonly entries: readonly FeedEntry[]
  readonly more: boolean
  readonly as_of_ms: number | null
  readonly age_ms: number | null
  readonly reset: boolean
}

/** What an access token is compared with; docs/protocol.md says how. */
export type FeedEntry = { readonly until_ms: number } & (
  | { readonly kind: 'family'; readonly fam: string }
  | {
      readonly kind: 'exchanged'
      readonly fam: string
      readonly client_id: string
      readonly before_ms: number
    }
  | { readonly kind: 'client'; readonly client_id: string; readonly before_ms: number }
  | { readonly kind: 'everyone'; readonly before_ms: number }
  | { readonly kind: 'token'; readonly jti: string }
)

/** Resolves when there is news behind the cursor, at once where there is no cursor that counts, or when the time is over. */
export async function readRevocationFeed(server: AuthorizationServer, request: ProtocolRequest): Promise<FeedDocument> {
  const client = await authenticateConfidentialClient(server, request)
  await refuseOthers(server, client)
  const waitMs = waitSecondsOf(request, client) * 1000
  const { feed, cursors } = server.revocations
  const cursor = valueOf(request.parameters, 'cursor')
  const leave = takeSeat(server, client)
  try {
    const answer = await feed.read(cursor === undefined ? null : cursors.open(client.id, cursor), waitMs)
    return documentOf(answer, server.handles, cursors.make(client.id, answer.place))
  } finally {
    leave()
  }
}

/** Whoever is the audience of tokens, or is named by the register of resources to ask about them. */
async function refuseOthers({ store }: AuthorizationServer, client: Client): Promise<void> {
  if (client.audiences.length > 0) return
  const resources = await store.resources.list(feedResourcesMax)
  if (resources.some(({ introspectors }) => introspectors.includes(client.id))) return
  throw new OAuthError('unauthorized_client', `client ${client.id} is no resource server`, {
    status: 403,
    description: 'The client is no resource server: it has no audience, and no resource names it as introspector.',
    context: { clientId: client.id },
  })
}

function waitSecondsOf({ parameters }: ProtocolRequest, client: Client): number {
  const text = valueOf(parameters, 'wait_seconds') ?? String(feedWaitSecondsDefault)
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= feedWaitSecondsMax) return seconds
  throw new OAuthError('invalid_request', `wait_seconds is no whole number from 0 to ${feedWaitSecondsMax}`, {
    context: { clientId: client.id },
  })
}

function takeSeat({ revocations }: AuthorizationServer, client: Client): () => void {
  const leave = revocations.seats.take(client.id)
  if (typeof leave === 'function') return leave
  const isOwn = leave === 'too many of this client'
  throw new OAuthError(isOwn ? 'slow_down' : 'temporarily_unavailable', `${leave} read the revocation feed`, {
    retryAfterSeconds: seatRetrySeconds,
    context: { clientId: client.id },
  })
}

function documentOf(answer: FeedAnswer, handles: FamilyHandle, cursor: string): FeedDocument {
  const { more, reset, asOfMs, ageMs } = answer
  return {
    cursor,
    entries: answer.revocations.flatMap(each => entriesOf(each, handles)),
    more,
    as_of_ms: more ? null : asOfMs,
    age_ms: more ? null : ageMs,
    reset,
  }
}

/** A family has a name under each master key, and its tokens may carry any of them. */
function entriesOf({ place, revoked }: PlacedRevocation, handles: FamilyHandle): readonly FeedEntry[] {
  const until = { until_ms: placedAtMs(place) + revocationToldSeconds * 1000 }
  const { kind } = revoked
  switch (kind) {
    case 'family':
      return handles.all(revoked.familyId).map(fam => ({ kind, fam, ...until }))
    case 'exchanged': {
      const { clientId: client_id, beforeMs: before_ms } = revoked
      return handles.all(revoked.familyId).map(fam => ({ kind, fam, client_id, before_ms, ...until }))
    }
    case 'client':
      return [{ kind, client_id: revoked.clientId, before_ms: revoked.beforeMs, ...until }]
    case 'everyone':
      return [{ kind, before_ms: revoked.beforeMs, ...until }]
    case 'token':
      return [{ kind, jti: revoked.tokenId, until_ms: revoked.expiresAtMs + revocationSlackSeconds * 1000 }]
  }
}
