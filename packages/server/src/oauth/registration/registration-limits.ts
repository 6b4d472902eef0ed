/** How many clients may come by themselves: from one network in an hour, and in all. Bounds, not defences (I13). */

import type { ClientId } from '@pawl/family'
import { networkOf } from '../../domain/throttle/network.ts'
import { secondsUntil } from '../../domain/throttle/throttle.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'

/** Of clients nobody vouches for. An office behind one address, or a test suite, stays far below. */
export const registrationsPerHourMax = 200
/** Fetches of documents that failed: whoever makes us fetch what is not there is not let to go on. */
export const documentFailuresPerHourMax = 60
/** Fetches of documents that are not known yet from one host, whoever asked: nobody is to be hit through us. */
export const documentFetchesPerHostPerMinuteMax = 60
/** Fetches of one document that is known: it is wanted again when it is old, and until that has succeeded. */
export const documentFetchesPerMinuteMax = 10
const hourSeconds = 3600
const minuteSeconds = 60

/** Throws `too_many_requests` (429) where this network has registered too many. */
export async function chargeRegistration(server: AuthorizationServer, address: string): Promise<void> {
  const key = server.hasher.keyOf('registration', networkOf(address))
  await chargeOrThrow(server, key, { max: registrationsPerHourMax, seconds: hourSeconds })
}

/** Throws `too_many_requests` where there are as many clients as the operator allows. */
export async function refuseWhenFull(server: AuthorizationServer): Promise<void> {
  const max = server.rules.registeredClientsMax
  if ((await server.store.registrations.countClients(max)) < max) return
  throw new OAuthError('too_many_requests', `there are ${max} clients that came by themselves`, {
    retryAfterSeconds: hourSeconds,
  })
}

/** Throws `too_many_requests`. A client that is known is not kept out by what strangers ask of its host, or its neighbours of us. */
export async function chargeKnownDocument(server: AuthorizationServer, id: ClientId): Promise<void> {
  const limit = { max: documentFetchesPerMinuteMax, seconds: minuteSeconds }
  await chargeOrThrow(server, server.hasher.keyOf('document', id), limit)
}

/** Throws `too_many_requests` where this network has had too many failures, or the host too many fetches. */
export async function chargeNewDocument(server: AuthorizationServer, host: string, address: string): Promise<void> {
  const failures = await server.store.throttles.look(failuresKey(server, address))
  if (failures !== null && failures.count >= documentFailuresPerHourMax) throw await tooMany(server, failures)
  const key = server.hasher.keyOf('document host', host)
  await chargeOrThrow(server, key, { max: documentFetchesPerHostPerMinuteMax, seconds: minuteSeconds })
}

export async function noteFailedFetch(server: AuthorizationServer, address: string): Promise<void> {
  await server.store.throttles.charge(failuresKey(server, address), hourSeconds)
}

function failuresKey(server: AuthorizationServer, address: string): string {
  return server.hasher.keyOf('document failures', networkOf(address))
}

async function chargeOrThrow(
  server: AuthorizationServer,
  key: string,
  limit: { readonly max: number; readonly seconds: number },
): Promise<void> {
  const charged = await server.store.throttles.charge(key, limit.seconds)
  if (charged.count > limit.max) throw await tooMany(server, charged)
}

async function tooMany(
  server: AuthorizationServer,
  { count, windowEndsAtMs }: { readonly count: number; readonly windowEndsAtMs: number },
): Promise<OAuthError> {
  const retryAfterSeconds = secondsUntil(windowEndsAtMs, await server.store.now())
  return new OAuthError('too_many_requests', `${count} within the window`, { retryAfterSeconds })
}
