/**
 * One request that presents the refresh token, and what came of it. Nothing here decides what is kept: an answer is read
 * just far enough to be stored, and validated afterwards, because by then the old token is spent.
 */

import { type AuthorizationServer, customFetch, genericTokenEndpointRequest, None } from 'oauth4webapi'
import { formatRetryKey, retryKeyHeader, retryKeyVersion } from '@pawl/protocol'
import { machineClock, parseInstantMs } from './clock.ts'
import type { Prover } from './dpop-proof.ts'
import type { Custody, TokenAnswer } from './holder.ts'
import { clientAt, platformFetch, type RequestOptions, requestOptions } from './server.ts'

/** What is asked of the token endpoint with the refresh token in hand. */
export interface Ask {
  readonly refreshToken: string
  readonly retryKey: string | null
  readonly prover: Prover | null
  /** By how much the issuer's clock is ahead of ours. */
  readonly skewMs: number
  readonly requestSeconds: number
  /** Another grant type than `refresh_token`: the token then goes as `subject_token` (RFC 8693). */
  readonly exchange: Exchange | null
  readonly parameters: { readonly [name: string]: string }
}

export interface Exchange {
  readonly grantType: string
}

export type Answer =
  /**
   * Tokens, with the time of the issuer's clock from which their lives count, and what is against using them, if anything.
   * An ID token that comes along is neither used nor kept, so it is not validated.
   */
  | {
      readonly kind: 'answered'
      readonly tokens: TokenAnswer
      readonly atMs: number
      readonly skewMs: number
      readonly fault: TypeError | null
    }
  /** The server understood, and said no. Nothing was spent, unless it is `invalid_grant`. */
  | { readonly kind: 'refused'; readonly code: string; readonly cause: unknown; readonly skewMs?: number }
  /** A new proof with the nonce that came along is all it takes (RFC 9449 §8). */
  | { readonly kind: 'nonce' }
  /** Nobody knows whether the token was spent; `isUnspent` where the server said that it did nothing. */
  | {
      readonly kind: 'unknown'
      readonly isUnspent: boolean
      readonly retryAfterMs: number | null
      readonly cause: unknown
    }

/** Sends once. Never rejects because of the server or the network. */
export async function askOnce(custody: Custody, server: AuthorizationServer, ask: Ask): Promise<Answer> {
  const { clock = machineClock } = custody
  const sentAtMs = clock.nowMs()
  const sending = { began: false }
  let response: Response
  try {
    response = await send(watched(custody, sending), server, ask)
  } catch (cause) {
    // What fails before anything was sent is the configuration: metadata without the endpoint, a key that does not sign.
    if (!sending.began) return { kind: 'refused', code: misconfigured, cause }
    return { kind: 'unknown', isUnspent: false, retryAfterMs: null, cause }
  }
  const skewMs = skewOf(response, sentAtMs, clock.nowMs(), ask.skewMs) ?? ask.skewMs
  const text = await response.text()
  if (response.status === 200) return answered(text, sentAtMs, skewMs)
  const answer = refused(response, text)
  return answer.kind === 'refused' ? { ...answer, skewMs } : answer
}

/** The code of `RefreshRefused` for what this side got wrong. */
export const misconfigured = 'invalid_configuration'

function watched(custody: Custody, sending: { began: boolean }): Custody {
  const { fetch: through = platformFetch } = custody
  return {
    ...custody,
    fetch: (url, init) => {
      sending.began = true
      return through(url, init)
    },
  }
}

function send(custody: Custody, server: AuthorizationServer, ask: Ask): Promise<Response> {
  const { authentication = None() } = custody
  const options = {
    ...provenRequests(custody, ask),
    headers: takesRetryKeys(server) && ask.retryKey !== null ? { [retryKeyHeader]: formatRetryKey(ask.retryKey) } : {},
  }
  const [grantType, token] =
    ask.exchange === null ? ['refresh_token', 'refresh_token'] : [ask.exchange.grantType, 'subject_token']
  const parameters = { ...ask.parameters, [token]: ask.refreshToken }
  return genericTokenEndpointRequest(
    server,
    clientAt(custody, ask.skewMs),
    authentication,
    grantType,
    parameters,
    options,
  )
}

/** The proof is made for the address that the request goes to, whichever of the metadata that is. */
function provenRequests(custody: Custody, { prover, requestSeconds, skewMs }: Ask): RequestOptions {
  const options = requestOptions(custody, requestSeconds)
  if (prover === null) return options
  const { clock = machineClock } = custody
  return {
    ...options,
    async [customFetch](url, made) {
      const proof = await prover.proofFor({ method: made.method, url, nowMs: clock.nowMs() + skewMs })
      const response = await options[customFetch](url, { ...made, headers: { ...made.headers, dpop: proof } })
      prover.learn(url, response)
      return response
    },
  }
}

/** Whether the server repeats an answer to whoever sends the same retry key again. */
export function takesRetryKeys(server: AuthorizationServer): boolean {
  const versions: unknown = server['refresh_token_retry_keys_supported']
  return Array.isArray(versions) && versions.includes(retryKeyVersion)
}

function answered(text: string, sentAtMs: number, skewMs: number): Answer {
  const body = parsedObject(text)
  // A proxy or a captive portal answers 200 too: whether the server was asked at all, nobody knows.
  if (body === null || typeof body['access_token'] !== 'string') {
    const cause = new TypeError('the answer has no tokens in it')
    return { kind: 'unknown', isUnspent: false, retryAfterMs: null, cause }
  }
  const tokens = body as unknown as TokenAnswer
  return { kind: 'answered', tokens, atMs: sentAtMs + skewMs, skewMs, fault: faultOf(body) }
}

/** What RFC 6749 §5.1 asks of an answer and this one has not. Token exchanges may bring no access token at all (RFC 8693 §2.2.1). */
function faultOf(body: { readonly [name: string]: unknown }): TypeError | null {
  const { token_type: type, expires_in: seconds, scope } = body
  if (typeof type !== 'string' || !tokenTypes.includes(type.toLowerCase()))
    return new TypeError('token_type is unknown')
  if (seconds !== undefined && !(Number(seconds) > 0)) return new TypeError('expires_in is no lifetime')
  if (scope !== undefined && typeof scope !== 'string') return new TypeError('scope is no text')
  return null
}

const tokenTypes = ['bearer', 'dpop']

/** What an answer that is no 200 says: a refusal, or nothing for certain. Also for codes and device codes. */
export function refused(response: Response, text: string): Exclude<Answer, { kind: 'answered' }> {
  const { status } = response
  const code = parsedObject(text)?.['error']
  const cause = new Error(`status ${status}${typeof code === 'string' ? `, ${printable(code)}` : ''}`)
  const retryAfterMs = retryAfterOf(response)
  if (
    status >= 500 ||
    status === 408 ||
    status === 425 ||
    code === 'temporarily_unavailable' ||
    code === 'server_error'
  ) {
    return { kind: 'unknown', isUnspent: false, retryAfterMs, cause }
  }
  if (status === 429 || code === 'slow_down') return { kind: 'unknown', isUnspent: true, retryAfterMs, cause }
  if (code === 'use_dpop_nonce') return { kind: 'nonce' }
  return { kind: 'refused', code: typeof code === 'string' ? printable(code) : 'invalid_response', cause }
}

/** What a server says is shown to people: the characters of RFC 6749 §5.2, and not many. */
function printable(code: string): string {
  return /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(code) ? code : 'invalid_response'
}

/** The members of a JSON object, or null for anything else. */
export function parsedObject(text: string): { readonly [name: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    // No JSON is an answer too: it says nothing.
    return null
  }
}

function retryAfterOf(response: Response): number | null {
  const header = response.headers.get('retry-after')
  if (header === null) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const untilMs = parseInstantMs(header)
  const nowMs = parseInstantMs(response.headers.get('date'))
  return untilMs === null || nowMs === null ? null : Math.max(untilMs - nowMs, 0)
}

/** Clocks that differ by less are taken for one: `Date` has whole seconds, and the way takes its time. */
export const skewMsMin = 2000

/**
 * By how much the server's clock is ahead of ours; null where it does not say. An answer that was long on its way, because
 * the machine slept perhaps, says little: what does not contradict `knownMs` confirms it.
 */
export function skewOf(response: Response, sentAtMs: number, receivedAtMs: number, knownMs = 0): number | null {
  const serverMs = parseInstantMs(response.headers.get('date'))
  if (serverMs === null) return null
  const skewMs = serverMs + 500 - (sentAtMs + receivedAtMs) / 2
  const blurMs = skewMsMin + (receivedAtMs - sentAtMs) / 2
  if (Math.abs(skewMs - knownMs) < blurMs) return knownMs
  return Math.abs(skewMs) < blurMs ? 0 : Math.round(skewMs)
}
