/**
 * Which web pages may read our answers. Token, revocation and userinfo answer to the origins of registered redirect URIs;
 * metadata and keys to everyone; authorization to none, because it is a place to go, not to call. No answer ever allows
 * credentials: cookies have no meaning at any of them (Fetch §3.2, OAuth 2.1 §10.3).
 */

import type { HttpRequest, HttpResponse } from './exchange.ts'

export type CorsRule = 'none' | 'token' | 'public'

/** True where the origin is that of a registered redirect URI of an enabled client. */
export type IsAllowedOrigin = (origin: string) => Promise<boolean>

export const preflightSeconds = 600
/** An origin is a scheme, a host and a port: longer is none. */
export const originCharactersMax = 512

/** The headers that let the page read the answer; none where it may not, or did not ask. */
export function corsHeaders(
  rule: CorsRule,
  request: HttpRequest,
  isAllowedOrigin: IsAllowedOrigin,
): CorsHeaders | Promise<CorsHeaders> {
  if (rule === 'none') return noHeaders
  if (rule === 'public') return publicHeaders
  const origin = request.headers['origin']
  return origin === undefined ? noHeaders : originHeaders(origin, isAllowedOrigin)
}

async function originHeaders(origin: string, isAllowedOrigin: IsAllowedOrigin): Promise<CorsHeaders> {
  const isAllowed = isOrigin(origin) && (await isAllowedOrigin(origin))
  return isAllowed ? { 'Access-Control-Allow-Origin': origin, ...forOrigin } : refusedOrigin
}

/** The answer to a preflight. Without the headers of an allowed origin it is a refusal (Fetch §4.8). */
export function preflightResponse(allow: string, cors: CorsHeaders): HttpResponse {
  if (cors['Access-Control-Allow-Origin'] === undefined)
    return { status: 204, headers: { Allow: allow, ...cors }, body: '' }
  return {
    status: 204,
    headers: { ...preflightHeaders, Allow: allow, 'Access-Control-Allow-Methods': allow, ...cors },
    body: '',
  }
}

export interface CorsHeaders {
  readonly [name: string]: string
}

/** `Date` too: a page whose clock is wrong dates its DPoP proofs by it. */
const exposed = 'Pawl-Request-Id, WWW-Authenticate, Retry-After, DPoP-Nonce, Date'

const noHeaders: CorsHeaders = {}
const publicHeaders: CorsHeaders = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': exposed }
const forOrigin: CorsHeaders = { 'Access-Control-Expose-Headers': exposed, Vary: 'Origin' }
const refusedOrigin: CorsHeaders = { Vary: 'Origin' }

const preflightHeaders: CorsHeaders = {
  'Access-Control-Allow-Headers': 'authorization, content-type, idempotency-key, dpop',
  'Access-Control-Max-Age': String(preflightSeconds),
  'Cache-Control': 'no-store',
}

/** A serialised origin; `null` (sandboxed pages, files) is not one. */
function isOrigin(text: string): boolean {
  return text.length <= originCharactersMax && /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#,@\\]+$/.test(text)
}
