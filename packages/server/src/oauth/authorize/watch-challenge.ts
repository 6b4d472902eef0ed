/**
 * A code challenge should be used once (RFC 9700 §2.1.1). A client that sends the same one again and again is not
 * refused, because it may be an honest fault; it is flagged in the audit log, once the count passes the limit.
 */

import type { Family } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

export const sameChallengePerHourMax = 5
const hourSeconds = 3600

export async function watchChallenge(
  server: AuthorizationServer,
  opened: { readonly family: Family; readonly client: Client; readonly caller: Caller },
): Promise<void> {
  const { family, client, caller } = opened
  const challenge = family.redemption?.codeChallenge ?? null
  if (challenge === null) return
  const key = server.hasher.keyOf('code challenge', `${client.id} ${challenge}`)
  const { count } = await server.store.throttles.charge(key, hourSeconds)
  if (count !== sameChallengePerHourMax + 1) return
  const detail = { same_challenge_within_the_hour: count }
  const about = { familyId: family.id, clientId: client.id, caller, atMs: family.createdAtMs, detail }
  await server.store.events.record([newEvent('suspicious_pkce', about, server.entropy)])
}
