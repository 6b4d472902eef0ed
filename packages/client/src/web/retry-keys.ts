/**
 * Retry keys for OAuth libraries that know nothing of them. The fetch made here adds one to a request that presents a
 * code, a device code or a refresh token, so that the answer can be asked for again when it got lost on the way.
 */

import { formatRetryKey, retryKeyHeader } from '@pawl/protocol'
import type { CustodyKey } from '../custody/custody-key.ts'

/** What the libraries hand to a fetch of one's own, and what every fetch takes. */
export interface SentWith {
  readonly method?: string | undefined
  readonly headers?: RequestInit['headers'] | undefined
  readonly body?: unknown
}

/** The fetch of the platform, or one that answers like it. */
export type Answering = (input: string | URL | Request, init: RequestInit) => Promise<Response>

/** Where each grant type carries what it presents. */
const credentialOf: { readonly [grantType: string]: string } = {
  authorization_code: 'code',
  refresh_token: 'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code': 'device_code',
}

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const refreshTokenType = 'urn:ietf:params:oauth:token-type:refresh_token'
const form = 'application/x-www-form-urlencoded'

/**
 * A fetch for `customFetch` of openid-client and oauth4webapi, or in the place of the platform's own. Token requests of
 * the code, device code and refresh grants, and those that branch a refresh token (RFC 8693 §2.1), get a retry key, the
 * same whenever the same credential is presented; all else, and what has an `Idempotency-Key` already, goes out as it
 * came. It repeats nothing and keeps nothing: whoever presents the credential again asks alike.
 *
 * A body that can be read once, a stream or a form with files, goes out unread and without a key: no library sends a
 * token request so. Rejects as `answering` does.
 */
export function fetchWithRetryKeys(
  custodyKey: CustodyKey,
  answering: Answering = (input, init) => fetch(input, init),
): (input: string | URL | Request, init?: SentWith) => Promise<Response> {
  return async (input, init = {}) => {
    // The types of bodies differ from library to library; what `fetch` takes of them does not.
    const sent = init as RequestInit
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}))
    const credential = headers.has(retryKeyHeader) ? null : presentedIn(await textOf(input, init, headers))
    if (credential === null) return answering(input, sent)
    headers.set(retryKeyHeader, formatRetryKey(await custodyKey.retryKeyFor(credential)))
    // A plain record, because a fetch that wraps this one may look into it.
    return answering(input, { ...sent, headers: Object.fromEntries(headers) })
  }
}

/** The credential that a form presents, or null where it is no token request of ours. */
function presentedIn(text: string | null): string | null {
  if (text === null) return null
  const parameters = new URLSearchParams(text)
  const grantType = parameters.get('grant_type') ?? ''
  if (Object.hasOwn(credentialOf, grantType)) return parameters.get(credentialOf[grantType] ?? '')
  const isBranch = grantType === tokenExchange && parameters.get('subject_token_type') === refreshTokenType
  return isBranch ? parameters.get('subject_token') : null
}

/** The body of a form that is posted, where it can be read and sent all the same. */
async function textOf(input: string | URL | Request, init: SentWith, headers: Headers): Promise<string | null> {
  const request = input instanceof Request ? input : null
  const method = init.method ?? request?.method ?? 'GET'
  if (method.toUpperCase() !== 'POST') return null
  const { body } = init
  if (body instanceof URLSearchParams) return body.toString()
  if (!(headers.get('content-type') ?? '').toLowerCase().startsWith(form)) return null
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array || body instanceof ArrayBuffer) return new TextDecoder().decode(body)
  return (body === undefined || body === null) && request !== null ? request.clone().text() : null
}
