/**
 * Pushed authorization requests (RFC 9126). A `request_uri` is good for a minute and for one answer: until then it may be
 * followed again, as a browser does that loads the page anew. Whoever has begun with it has the time every sign-in has.
 */

import { hash } from 'node:crypto'
import { isSameRedirectUri } from '@pawl/protocol'
import { type Client, isPublicClient } from '../../domain/client/client.ts'
import { newFamilyId } from '../../domain/identifiers.ts'
import type { PushedRequest } from '../../domain/pushed-request/pushed-request.ts'
import { networkOf } from '../../domain/throttle/network.ts'
import { charge, secondsUntil } from '../../domain/throttle/throttle.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import type { Pushed } from './authorization-response.ts'
import { interactionSeconds, ridesAlong } from './interaction.ts'

/** RFC 9126 §2.2: how long a client has from the push to the redirect. */
export const requestUriSeconds = 60
/** Of the checked request as JSON. */
export const pushedRequestBytesMax = 32_768
/** Of one confidential client. It bounds the table: a row is gone soon after its minute. */
export const pushesPerMinuteMax = 60_000
/** Of one network, for public clients: anybody can push for those. */
export const anonymousPushesPerMinuteMax = 600
/** Of one network: anybody can start at such length without a push, and what is kept for that is kept an hour. */
export const longRequestsPerHourMax = 600

const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'
const nameBytes = 32
const minuteSeconds = 60
const hourSeconds = 3600

export function isRequestUriOfOurs(requestUri: string): boolean {
  return requestUri.startsWith(requestUriPrefix)
}

export interface Pushing {
  readonly client: Client
  readonly request: AuthorizationRequest
  /** The address it came from. */
  readonly address: string
}

/** Keeps the request and answers its address, which is guessed by nobody. It was counted before (`limitPushes`). */
export async function pushRequest(
  server: AuthorizationServer,
  { client, request }: Omit<Pushing, 'address'>,
): Promise<string> {
  const nowMs = await server.store.now()
  const opensUntilMs = nowMs + requestUriSeconds * 1000
  const name = newName(server)
  const endsAtMs = opensUntilMs + interactionSeconds * 1000
  const pushed = { id: idOf(name), familyId: newFamilyId(nowMs, server.entropy), endsAtMs }
  await save(server, client, { ...request, pushed }, { opensUntilMs, expiresAtMs: opensUntilMs })
  return requestUriPrefix + name
}

/** The request behind a `request_uri`. Throws `invalid_request_uri` for one that is unknown, over, used or another's. */
export async function openPushedRequest(
  server: AuthorizationServer,
  client: Client,
  requestUri: string,
): Promise<AuthorizationRequest> {
  const row = await server.store.pushedRequests.read(idOf(requestUri.slice(requestUriPrefix.length)))
  if (row === null || row.clientId !== client.id || (await server.store.now()) >= row.opensUntilMs) {
    throw unusable(client, 'the request_uri is unknown, over, used, or of another client')
  }
  // What only we can have written has the shape we gave it.
  const request = JSON.parse(row.request) as AuthorizationRequest
  // It was checked when it was pushed, and the client may have changed since.
  if (client.redirectUris.some(registered => isSameRedirectUri(registered, request.redirectUri))) return request
  throw unusable(client, 'the redirect URI of the pushed request is registered no longer')
}

/** A request that can be carried through sign-in: what is too long, and was not pushed, is kept until it is over. */
export async function keepLongRequest(server: AuthorizationServer, keeping: Pushing): Promise<AuthorizationRequest> {
  const { client, request, address } = keeping
  if (request.pushed !== null || ridesAlong(request)) return request
  await limitLong(server, client, address)
  const nowMs = await server.store.now()
  const endsAtMs = nowMs + interactionSeconds * 1000
  const pushed = { id: idOf(newName(server)), familyId: newFamilyId(nowMs, server.entropy), endsAtMs }
  const kept = { ...request, pushed }
  await save(server, client, kept, { opensUntilMs: 0, expiresAtMs: endsAtMs })
  return kept
}

async function save(
  server: AuthorizationServer,
  client: Client,
  request: AuthorizationRequest & { readonly pushed: Pushed },
  times: Pick<PushedRequest, 'opensUntilMs' | 'expiresAtMs'>,
): Promise<void> {
  const text = JSON.stringify(request)
  if (Buffer.byteLength(text) > pushedRequestBytesMax) {
    const description = `The request takes more than ${pushedRequestBytesMax} bytes to keep.`
    throw new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
  }
  await server.store.pushedRequests.save({ id: request.pushed.id, clientId: client.id, request: text, ...times })
}

/**
 * Counts a push before anything is written for it; throws 429 where there are too many. A confidential client answers for
 * what it pushes; for a public one anybody pushes, and long ones may be kept an hour.
 */
export async function limitPushes(server: AuthorizationServer, { client, request, address }: Pushing): Promise<void> {
  if (!isPublicClient(client)) {
    const byClient = { name: 'pushes_client', of: client.id, max: pushesPerMinuteMax, seconds: minuteSeconds }
    return limit(server, client, byClient)
  }
  const of = networkOf(address)
  const byNetwork = { name: 'pushes_network', of, max: anonymousPushesPerMinuteMax, seconds: minuteSeconds }
  await limit(server, client, byNetwork)
  if (!ridesAlong(request)) await limitLong(server, client, address)
}

function limitLong(server: AuthorizationServer, client: Client, address: string): Promise<void> {
  const of = networkOf(address)
  return limit(server, client, { name: 'long_requests', of, max: longRequestsPerHourMax, seconds: hourSeconds })
}

interface PushLimit {
  readonly name: string
  readonly of: string
  readonly max: number
  readonly seconds: number
}

async function limit(
  server: AuthorizationServer,
  client: Client,
  { name, of, max, seconds }: PushLimit,
): Promise<void> {
  const key = server.hasher.keyOf('pushed requests', `${name} ${of}`)
  const charged = await charge(server.store.throttles, [{ name, key, failuresMax: max, windowSeconds: seconds }])
  if (charged.kind === 'within') return
  throw new OAuthError('too_many_requests', `more than ${max} requests to keep (${name})`, {
    context: { clientId: client.id },
    retryAfterSeconds: secondsUntil(charged.endsAtMs, await server.store.now()),
  })
}

function unusable(client: Client, detail: string): OAuthError {
  const description =
    'This request has run out or was answered before. Please go back to the application and start again.'
  return new OAuthError('invalid_request_uri', detail, { description, context: { clientId: client.id } })
}

function newName(server: AuthorizationServer): string {
  return Buffer.from(server.entropy.bytes(nameBytes)).toString('base64url')
}

/** The table opens nothing to whoever reads it. */
function idOf(name: string): string {
  return hash('sha256', name, 'base64url')
}
