/**
 * The one exception of the protocol rings: what the client is told, what the log is told, and the status both stand
 * under. `http/oauth-failure.ts` alone turns it into a response.
 */

import type { ClientId, FamilyId } from '@pawl/family'

export type OAuthErrorCode =
  // RFC 6749 §4.1.2.1 and §5.2
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'server_error'
  | 'temporarily_unavailable'
  // RFC 6750 §3.1
  | 'invalid_token'
  | 'insufficient_scope'
  // RFC 7009 §2.2.1
  | 'unsupported_token_type'
  // RFC 8628 §3.5
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  // RFC 8707 §2
  | 'invalid_target'
  // RFC 9396 §5
  | 'invalid_authorization_details'
  // RFC 9449 §5 and §8
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  // draft-ietf-oauth-attestation-based-client-auth-10 §6.2
  | 'use_attestation_challenge'
  // RFC 9101 §7 and RFC 9126 §2.3
  | 'invalid_request_uri'
  | 'invalid_request_object'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  // OIDC Core §3.1.2.6
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'account_selection_required'
  | 'registration_not_supported'
  // OpenID Connect Core Unmet Authentication Requirements 1.0 §2
  | 'unmet_authentication_requirements'
  // RFC 9470 §3
  | 'insufficient_user_authentication'
  // RFC 7591 §3.2.2
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'invalid_software_statement'
  | 'unapproved_software_statement'
  // Ours: a limit was passed and nothing was judged (429).
  | 'too_many_requests'

/** Whom and what the refusal was about, as far as the checks got: for the refusal log, never for the client. */
export interface RefusalContext {
  readonly clientId: ClientId | null
  readonly familyId: FamilyId | null
  readonly generation: number | null
}

export interface OAuthErrorOptions {
  /** Fixed, safe text for the client. Ignored for `invalid_grant`, whose body never varies (I10). */
  readonly description?: string
  readonly context?: Partial<RefusalContext>
  /** Replaces the status that goes with the code. */
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/**
 * How long a client waits after 429 or 503 unless told otherwise. It has to stay far below the repeat window (60 s), or
 * a client that obeys it would come back with a token that may no longer be repeated.
 */
export const retryAfterSecondsDefault = 1

/** A refusal the client is told about. `detail` is a sentence for our log, without a secret; it is never sent. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode
  readonly detail: string
  readonly status: number
  readonly description: string
  readonly headers: { readonly [name: string]: string }
  readonly context: RefusalContext

  constructor(code: OAuthErrorCode, detail: string, options: OAuthErrorOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'OAuthError'
    this.code = code
    this.detail = detail
    this.status = options.status ?? statusOf(code)
    this.description = code === 'invalid_grant' ? descriptionOf(code) : (options.description ?? descriptionOf(code))
    this.headers = headersOf(this.status, code, options)
    this.context = { clientId: null, familyId: null, generation: null, ...options.context }
  }
}

function statusOf(code: OAuthErrorCode): number {
  return statuses[code] ?? 400
}

const statuses: { readonly [code in OAuthErrorCode]?: number } = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_user_authentication: 401,
  insufficient_scope: 403,
  slow_down: 429,
  too_many_requests: 429,
  server_error: 500,
  temporarily_unavailable: 503,
}

function headersOf(
  status: number,
  code: OAuthErrorCode,
  options: OAuthErrorOptions,
): { readonly [name: string]: string } {
  const headers: { [name: string]: string } = {}
  if (status === 429 || status === 503) {
    headers['Retry-After'] = String(options.retryAfterSeconds ?? retryAfterSecondsDefault)
  }
  // RFC 9110 §15.5.2: a 401 names a challenge, whether or not the client tried one. RFC 6750 §3: so does a lack of scope.
  if (status === 401 || code === 'insufficient_scope') {
    headers['WWW-Authenticate'] = code === 'invalid_client' ? 'Basic realm="pawl"' : `Bearer error="${code}"`
  }
  return { ...headers, ...options.headers }
}

function descriptionOf(code: OAuthErrorCode): string {
  return descriptions[code] ?? 'The request was refused.'
}

const descriptions: { readonly [code in OAuthErrorCode]?: string } = {
  invalid_request: 'The request is missing a parameter, repeats one, or is malformed.',
  invalid_client: 'Client authentication failed.',
  invalid_grant: 'The grant or token is invalid, expired, revoked, or belongs to another client.',
  unauthorized_client: 'The client may not use this grant type.',
  unsupported_grant_type: 'The grant type is not supported.',
  unsupported_response_type: 'The response type is not supported.',
  unsupported_token_type: 'The token type is not supported.',
  invalid_scope: 'The scope is unknown, malformed, or more than was granted.',
  invalid_target: 'The resource is unknown, malformed, or more than was granted.',
  invalid_token: 'The access token is invalid, expired, or revoked.',
  insufficient_scope: 'The access token does not allow this.',
  invalid_dpop_proof: 'The DPoP proof is missing, invalid, or was used before.',
  use_dpop_nonce: 'Send the request again with the nonce of the DPoP-Nonce header in its proof.',
  access_denied: 'The request was denied.',
  authorization_pending: 'Nobody has answered yet. Ask again when the interval is over.',
  expired_token: 'The code has run out. Start again.',
  slow_down: 'Too many requests. Try again later.',
  too_many_requests: 'Too many requests. Try again later.',
  server_error: 'The server met an unexpected condition. The same request may be sent again.',
  temporarily_unavailable: 'The server cannot answer now. The same request may be sent again.',
}
