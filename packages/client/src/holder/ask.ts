/**
 * One request that presents the refresh token, and what came of it. Nothing here decides what is kept: an answer is read
 * just far enough to be stored, and validated afterwards, because by then the old token is spent.
 */

import {
  type AuthorizationServer,
  type DPoPHandle,
  genericTokenEndpointRequest,
  None,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { formatRetryKey, retryKeyHeader, retryKeyVersion } from '@pawl/protocol'
import { machineClock, parseInstantMs } from './clock.ts'
import type { Custody, TokenAnswer } from './holder.ts'
import { clientAt, platformFetch, requestOptions } from './server.ts'

/** What is asked of the token endpoint with the refresh token in hand. */
export interface Ask {
  readonly refreshToken: string
  readonly retryKey: string | null
  readonly dpop: DPoPHandle | null
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
  /** Tokens, with the time of the issuer's clock from which their lives count. Not validated yet. */
  | {
      readonly kind: 'answered'
      readonly tokens: TokenAnswer
      readonly atMs: number
      readonly skewMs: number
      validate(): Promise<void>
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
  const skewMs = skewOf(response, sentAtMs, clock.nowMs()) ?? ask.skewMs
  const text = await response.text()
  if (response.status === 200) return answered(custody, server, { ask, response, text, sentAtMs, skewMs })
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
  const client = clientAt(custody, ask.skewMs)
  const options = {
    ...requestOptions(custody, ask.requestSeconds),
    ...(ask.dpop === null ? {} : { DPoP: ask.dpop }),
    headers: takesRetryKeys(server) && ask.retryKey !== null ? { [retryKeyHeader]: formatRetryKey(ask.retryKey) } : {},
  }
  if (ask.exchange === null) {
    const additionalParameters = { ...ask.parameters }
    return refreshTokenGrantRequest(server, client, authentication, ask.refreshToken, {
      ...options,
      additionalParameters,
    })
  }
  const parameters = { ...ask.parameters, subject_token: ask.refreshToken }
  return genericTokenEndpointRequest(server, client, authentication, ask.exchange.grantType, parameters, options)
}

/** Whether the server repeats an answer to whoever sends the same retry key again. */
export function takesRetryKeys(server: AuthorizationServer): boolean {
  const versions: unknown = server['refresh_token_retry_keys_supported']
  return Array.isArray(versions) && versions.includes(retryKeyVersion)
}

interface Arrived {
  readonly ask: Ask
  readonly response: Response
  readonly text: string
  readonly sentAtMs: number
  readonly skewMs: number
}

function answered(custody: Custody, server: AuthorizationServer, arrived: Arrived): Answer {
  const { response, text, sentAtMs, skewMs } = arrived
  const body = parsedObject(text)
  // A proxy or a captive portal answers 200 too: whether the server was asked at all, nobody knows.
  if (body === null || typeof body['access_token'] !== 'string') {
    return {
      kind: 'unknown',
      isUnspent: false,
      retryAfterMs: null,
      cause: new TypeError('the answer has no tokens in it'),
    }
  }
  const tokens = body as unknown as TokenAnswer
  return {
    kind: 'answered',
    tokens,
    atMs: sentAtMs + skewMs,
    skewMs,
    async validate() {
      if (arrived.ask.exchange !== null) return
      const { headers } = response
      await processRefreshTokenResponse(server, clientAt(custody, skewMs), new Response(text, { headers }))
    },
  }
}

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

/** By how much the server's clock is ahead of ours; null where it does not say. */
export function skewOf(response: Response, sentAtMs: number, receivedAtMs: number): number | null {
  const serverMs = parseInstantMs(response.headers.get('date'))
  if (serverMs === null) return null
  const skewMs = serverMs + 500 - (sentAtMs + receivedAtMs) / 2
  return Math.abs(skewMs) < skewMsMin + (receivedAtMs - sentAtMs) / 2 ? 0 : Math.round(skewMs)
}
