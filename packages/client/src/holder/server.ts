/**
 * The metadata of the server, fetched when first needed and kept for an hour; and the options that every request to it
 * shares. What is fetched must name the issuer it was fetched for (RFC 8414 §3.3), so a token goes to nobody else.
 */

import { isLoopbackUrl } from '@pawl/protocol'
import {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  clockSkew,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi'
import { machineClock } from './clock.ts'
import type { Custody, Fetch } from './holder.ts'

/** So long metadata is used before it is fetched again; what was fetched last stands while the server is away. */
export const metadataSeconds = 3600
export const requestSecondsDefault = 10

/** The issuer as configured, in one spelling. */
export function issuerOf({ server }: Pick<Custody, 'server'>): string {
  return new URL(typeof server === 'string' ? server : server.issuer).href
}

/** Answers the metadata, or rejects when it was never fetched and cannot be fetched now. */
export function serverOf(custody: Custody): () => Promise<AuthorizationServer> {
  const { server, clock = machineClock } = custody
  if (typeof server !== 'string') return async () => server
  let known: { readonly server: AuthorizationServer; readonly fetchedAtMs: number } | null = null
  let running: Promise<AuthorizationServer> | null = null
  return async () => {
    if (known !== null && clock.nowMs() - known.fetchedAtMs < metadataSeconds * 1000) return known.server
    running ??= discover(custody, server)
      .then(found => {
        known = { server: found, fetchedAtMs: clock.nowMs() }
        return found
      })
      .finally(() => {
        running = null
      })
    const stale = known?.server
    return stale === undefined ? running : running.catch(() => stale)
  }
}

async function discover(custody: Custody, server: string): Promise<AuthorizationServer> {
  const issuer = new URL(server)
  const options = requestOptions(custody, requestSecondsDefault)
  const openid = await discoveryRequest(issuer, options)
  if (openid.status !== 404) return processDiscoveryResponse(issuer, openid)
  return processDiscoveryResponse(issuer, await discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }))
}

/** A request as `oauth4webapi` makes it. */
export interface MadeRequest {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: BodyInit | null | undefined
}

export interface RequestOptions {
  readonly [customFetch]: (url: string, made: MadeRequest) => Promise<Response>
  readonly [allowInsecureRequests]: boolean
}

/** Options for `oauth4webapi`: the custody's own fetch, given up after `seconds`; plain http on this machine alone. */
export function requestOptions(custody: Custody, seconds: number): RequestOptions {
  return {
    [customFetch]: (url, { method, headers, body = null }) =>
      // No redirect is followed: a token goes where the metadata says, and nowhere else.
      fetchWithin(custody, seconds, url, { method, headers, body, redirect: 'manual' }),
    [allowInsecureRequests]: isLoopbackUrl(new URL(issuerOf(custody))),
  }
}

/** Sends the request and reads the whole answer, or rejects after `seconds` by the custody's clock. */
async function fetchWithin(custody: Custody, seconds: number, url: string, init: RequestInit): Promise<Response> {
  const { fetch: send = platformFetch, clock = machineClock } = custody
  const deadline = new AbortController()
  const answered = new AbortController()
  const late = clock.wait(seconds * 1000, answered.signal).then(() => {
    if (answered.signal.aborted) return new Promise<never>(() => {})
    const error = new Error(`no answer within ${seconds} s`)
    deadline.abort(error)
    throw error
  })
  try {
    return await Promise.race([readWhole(send, url, { ...init, signal: deadline.signal }), late])
  } finally {
    answered.abort()
  }
}

/** An answer longer than this is none of a token endpoint's. */
export const answerBytesMax = 262_144

async function readWhole(send: Fetch, url: string, init: RequestInit): Promise<Response> {
  const response = await send(url, init)
  const { status, statusText, headers } = response
  if (response.body === null) return response
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
    if (bytes > answerBytesMax) {
      await reader.cancel()
      throw new RangeError(`the answer has more than ${answerBytesMax} bytes`)
    }
    chunks.push(value)
  }
  return new Response(bytes === 0 ? null : new Blob(chunks), { status, statusText, headers })
}

/** Called as a method of nothing, as browsers want it. */
export const platformFetch: Fetch = (url, init) => fetch(url, init)

/** The client as `oauth4webapi` takes it, told what its clock must be put forward by to be the issuer's. */
export function clientAt(custody: Custody, skewMs: number): Client {
  const { client, clock = machineClock } = custody
  const aheadMs = clock.nowMs() + skewMs - machineClock.nowMs()
  return { ...client, [clockSkew]: Math.round(aheadMs / 1000) }
}
