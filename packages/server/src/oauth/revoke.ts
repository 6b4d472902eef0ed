/**
 * Revocation by the client (RFC 7009). A refresh token, however old, ends its family with every access token of it; an
 * access token ends itself. The family that a grant began with takes its branches along, a branch goes alone. A token that
 * is not the caller's gets the same 200 as one that never was, and lives on.
 */

import { cutOffOf, endFamily, expiryOf, type Family } from '@pawl/family'
import type { Client } from '../domain/client/client.ts'
import { countedEvent, newEvent } from '../domain/event/new-event.ts'
import { branchesWith } from '../domain/family/branches.ts'
import type { FamilyReading } from '../domain/family/family-store.ts'
import type { Attempt } from '../domain/family/step.ts'
import { StoreUnavailable } from '../domain/store.ts'
import { kindOf, type Presented } from '../domain/token/codec.ts'
import { genuineAccessToken } from './access-token.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { authenticateClient } from './client-authentication.ts'
import { OAuthError } from './oauth-error.ts'

/** Resolves once the revocation is durable: from then on no refresh that starts later succeeds (I3). */
export async function revoke(server: AuthorizationServer, request: ProtocolRequest): Promise<void> {
  const client = await authenticateClient(server, request)
  const token = valueOf(request.parameters, 'token')
  if (token === undefined)
    throw new OAuthError('invalid_request', 'token is missing', { context: { clientId: client.id } })
  if (kindOf(token) !== 'refresh_token') return revokeAccessToken(server, client, request, token)
  const presented = server.codec.parse('refresh_token', token)
  if (presented === null) return
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await server.stepFamily(presented.familyId, reading =>
      decideRevocation(server, { client, request, presented }, reading),
    )
    if (found === 'judged' || (await server.store.families.isGone(presented.familyId))) return
  }
  throw new StoreUnavailable(`family ${presented.familyId} comes and goes`)
}

/** How often a family that was gone is looked at again because it is there after all, as after a failover. */
const attemptsMax = 5

interface Revocation {
  readonly client: Client
  readonly request: ProtocolRequest
  readonly presented: Presented
}

async function decideRevocation(
  server: AuthorizationServer,
  revocation: Revocation,
  reading: FamilyReading | null,
): Promise<Attempt<'judged' | 'gone'>> {
  const nothing = { change: null, result: 'judged' } as const
  const { client, request, presented } = revocation
  if (reading === null) return { change: null, result: 'gone' }
  if (!server.codec.provesSeed(presented, reading.family.seed)) return nothing
  const { family, nowMs } = reading
  const { caller } = request
  if (family.grant.clientId !== client.id) {
    const detail = { presented_by: client.id, endpoint: 'revoke' }
    const event = countedEvent('wrong_client', family, {
      generation: presented.generation,
      caller,
      atMs: nowMs,
      detail,
    })
    server.background.run(() => server.store.events.record([event]))
    return nothing
  }
  // Time may have ended it before the client did; then that is what the log says.
  const over = cutOffOf(family, reading.cutOffs) ?? expiryOf(family, nowMs)
  const reason = over ?? 'revoked_by_client'
  const ended = endFamily(family, reason, over === null ? client.id : 'rule', nowMs)
  // That it has ended was only read, and the write that ended it may not have reached a copy that takes over one day. It
  // is written again, and with that answer everything before it is durable too.
  const { count, cutOffs } = await branchesWith(server.store.families, family, client.id)
  const about = { ...aboutOf(family), caller, atMs: nowMs }
  if (ended === family) {
    // Time may have ended it and not its branches: that these end now is news.
    const detail = { target: 'grant', reason: 'revoked_by_client', before: null, families: count, by: client.id }
    const events = count === 0 ? [] : [newEvent('cut_off_set', { ...about, detail }, server.entropy)]
    return { change: { family, events, cutOffs }, result: 'judged' }
  }
  const ends = count === 0 ? {} : { ends: 'grant', branches: count }
  const detail = { reason, ...ends, generation: presented.generation, current: family.generation }
  const events = [newEvent('family_ended', { ...about, detail }, server.entropy)]
  return { change: { family: ended, events, cutOffs }, result: 'judged' }
}

function aboutOf({ id: familyId, grant }: Family) {
  const { clientId, subject, sessionId } = grant
  return { familyId, clientId, subject, sessionId }
}

async function revokeAccessToken(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
  token: string,
): Promise<void> {
  const genuine = await genuineAccessToken(server, token)
  if (genuine === null || genuine.claims.client_id !== client.id) return
  const { claims, familyId } = genuine
  // Sent again and again, a revocation is one: the log does not grow by it. It is written each time, as above.
  const wasDenied = await server.store.deniedAccessTokens.isDenied(claims.jti)
  await server.store.deniedAccessTokens.deny(claims.jti, claims.exp * 1000)
  if (wasDenied) return
  const about = {
    familyId,
    clientId: client.id,
    caller: request.caller,
    atMs: await server.store.now(),
    detail: { token_id: claims.jti },
  }
  await server.store.events.record([newEvent('access_token_revoked', about, server.entropy)])
}
