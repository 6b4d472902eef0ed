/** A fetch that carries a grant's access token: to the origins it is for, with a proof where it is bound, renewed once. */

import { isLoopbackUrl } from '@pawl/protocol'
import {
  allowInsecureRequests,
  customFetch,
  isDPoPNonceError,
  protectedResourceRequest,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import type { Held } from './held.ts'
import type { AccessToken, FetchTarget, Holder } from './holder.ts'
import type { Inside } from './inside.ts'
import { dpopOf } from './refresh.ts'
import { type MadeRequest, platformFetch } from './server.ts'

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
    const name = held().name
    const token = await holder.accessToken(name, wanted)
    const first = await sendWithNonce(inside, held(), { url, init, token })
    if (!blamesToken(first) || !isRepeatable(init)) return answerOf(first)
    // Nobody reads this answer any more; what is left of it must not keep the connection.
    await answerOf(first).body?.cancel()
    const next = await holder.accessToken(name, { ...wanted, ifNot: token.token })
    return answerOf(await sendWithNonce(inside, held(), { url, init, token: next }))
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

/** The answer, or the challenge that came instead of one. */
type Sent = Response | WWWAuthenticateChallengeError

/** Once more with the nonce that the API asked for (RFC 9449 §9); the body must allow it. */
async function sendWithNonce(inside: Inside, held: Held, sending: Sending): Promise<Sent> {
  const sent = await send(inside, held, sending)
  return isDPoPNonceError(sent) && isRepeatable(sending.init) ? send(inside, held, sending) : sent
}

async function send({ custody, ...inside }: Inside, held: Held, { url, init, token }: Sending): Promise<Sent> {
  const { fetch: through = platformFetch } = custody
  const { method = 'GET', headers, body = null, ...rest } = init
  const dpop = token.type === 'DPoP' && held.kept !== null ? dpopOf({ custody, ...inside }, held, held.kept) : null
  const options = {
    [customFetch]: (to: string, made: Pick<MadeRequest, 'headers'>) =>
      through(to, { ...rest, method, headers: made.headers, body, redirect: rest.redirect ?? 'manual' }),
    [allowInsecureRequests]: isLoopbackUrl(url),
    ...(dpop === null ? {} : { DPoP: dpop }),
  }
  try {
    return await protectedResourceRequest(token.token, method, url, new Headers(headers), null, options)
  } catch (error) {
    if (error instanceof WWWAuthenticateChallengeError) return error
    throw error
  }
}

function answerOf(sent: Sent): Response {
  return sent instanceof WWWAuthenticateChallengeError ? sent.response : sent
}

/** A 401 that says nothing more, or that the token is no good (RFC 6750 §3.1): a new one may help. */
function blamesToken(sent: Sent): boolean {
  if (answerOf(sent).status !== 401) return false
  if (!(sent instanceof WWWAuthenticateChallengeError)) return true
  const codes = sent.cause.map(({ parameters }) => parameters['error'])
  return codes.includes('invalid_token') || codes.every(code => code === undefined)
}

function isRepeatable({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream)
}
