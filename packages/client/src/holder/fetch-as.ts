/** A fetch that carries a grant's access token: to the origins it is for, with a proof where it is bound, renewed once. */

import { isLoopbackUrl } from '@pawl/protocol'
import type { Held } from './held.ts'
import type { AccessToken, FetchTarget, Holder } from './holder.ts'
import { type Inside, issuerNowMs } from './inside.ts'
import { proverFor } from './refresh.ts'
import { platformFetch } from './server.ts'

export type FetchAs = ReturnType<Holder['fetchAs']>

/** See `Holder.fetchAs`. */
export function makeFetchAs(
  inside: Inside,
  held: () => Held,
  holder: Pick<Holder, 'accessToken'>,
  target: FetchTarget,
): FetchAs {
  const { origins: named, ...wanted } = target
  const origins = new Set((named ?? originsOf(target)).map(each => new URL(each).origin))
  return async (input, init = {}) => {
    const url = new URL(input)
    if (!origins.has(url.origin))
      throw new TypeError(`no access token goes to ${url.origin}: it is none of this fetch's origins`)
    if (url.protocol !== 'https:' && !isLoopbackUrl(url)) throw new TypeError('no access token goes over plain http')
    const name = held().name
    const token = await holder.accessToken(name, wanted)
    const first = await sendWithNonce(inside, held(), { url, init, token })
    if (!blamesToken(first) || !isRepeatable(init)) return first
    // Nobody reads this answer any more; what is left of it must not keep the connection.
    await first.body?.cancel()
    const next = await holder.accessToken(name, { ...wanted, ifNot: token.token })
    return sendWithNonce(inside, held(), { url, init, token: next })
  }
}

function originsOf({ resource }: FetchTarget): readonly string[] {
  if (resource === undefined)
    throw new TypeError('fetchAs takes a resource, or the origins that the token may be sent to')
  return [resource]
}

interface Sending {
  readonly url: URL
  readonly init: RequestInit
  readonly token: AccessToken
}

/** Once more with the nonce that the API asked for (RFC 9449 §9); the body must allow it. */
async function sendWithNonce(inside: Inside, held: Held, sending: Sending): Promise<Response> {
  const response = await send(inside, held, sending)
  if (!errorsOf(response).includes('use_dpop_nonce') || !isRepeatable(sending.init)) return response
  await response.body?.cancel()
  return send(inside, held, sending)
}

async function send(inside: Inside, held: Held, { url, init, token }: Sending): Promise<Response> {
  const { fetch: through = platformFetch } = inside.custody
  // A proof names the method as it is sent, and fetch sends most of them in capitals whatever it is given.
  const method = (init.method ?? 'GET').toUpperCase()
  const prover = token.type === 'DPoP' && held.kept !== null ? proverFor(held, held.kept) : null
  const headers = new Headers(init.headers)
  headers.set('authorization', `${token.type} ${token.token}`)
  if (prover !== null) {
    const nowMs = issuerNowMs(inside)
    headers.set('dpop', await prover.proofFor({ method, url: url.href, nowMs, accessToken: token.token }))
  }
  const response = await through(url.href, { redirect: 'manual', ...init, method, headers })
  prover?.learn(url.href, response)
  return response
}

/** The error codes of the challenges of a 401 (RFC 6750 §3, RFC 9449 §7.1). */
function errorsOf(response: Response): readonly string[] {
  if (response.status !== 401) return []
  const challenges = response.headers.get('www-authenticate') ?? ''
  return [...challenges.matchAll(/[\s,]error="?([^",\s]*)/g)].map(([, code = '']) => code)
}

/** A 401 that says nothing more, or that the token is no good (RFC 6750 §3.1): a new one may help. */
function blamesToken(response: Response): boolean {
  const errors = errorsOf(response)
  return response.status === 401 && (errors.length === 0 || errors.includes('invalid_token'))
}

function isRepeatable({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream)
}
