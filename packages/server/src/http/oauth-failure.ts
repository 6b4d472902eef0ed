/**
 * The one place that turns an error into a response. What the client learns is the code, a fixed sentence and the request
 * id in a header; the reason, the cause and the stack stay here (RFC 6749 §5.2, I10, I11).
 */

import { OAuthError, retryAfterSecondsDefault } from '../oauth/oauth-error.ts'
import { FamilyBusy } from '../domain/family/family-busy.ts'
import { StoreUnavailable } from '../domain/store.ts'
import type { HttpResponse } from './exchange.ts'

/** The answer to a thrown error. Never throws itself, and never tells more than the three shapes below. */
export function failureResponse(error: unknown): HttpResponse {
  if (error instanceof OAuthError) return oauthFailure(error)
  // A 5xx means "unknown": the same request may be sent again and is never punished for it (I14).
  if (isForNow(error)) return storeFailure
  return jsonResponse(500, { error: 'server_error' })
}

/** True of what may go well a moment later: the store is away, or too many wait for one family. */
export function isForNow(error: unknown): boolean {
  return error instanceof StoreUnavailable || error instanceof FamilyBusy
}

/** A small JSON answer that nothing may cache, frame or sniff. */
export function jsonResponse(
  status: number,
  body: object,
  headers: { readonly [name: string]: string } = noHeaders,
): HttpResponse {
  return {
    status,
    headers: headers === noHeaders ? uncached : { ...uncached, ...headers },
    body: JSON.stringify(body),
  }
}

function oauthFailure(error: OAuthError): HttpResponse {
  return jsonResponse(error.status, { error: error.code, error_description: error.description }, error.headers)
}

const noHeaders = {}
const uncached = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
} as const

const storeFailure = jsonResponse(
  503,
  { error: 'temporarily_unavailable' },
  { 'Retry-After': String(retryAfterSecondsDefault) },
)
