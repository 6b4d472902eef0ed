/** What the guard makes of a request: access, or a refusal that says how to ask. Both are plain data. */

export interface Access {
  readonly granted: true
  /** `sub`: the user, or the client where it acts for itself. */
  readonly subject: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly expiresAtMs: number
  /** What the caller has shown that it holds the token for. */
  readonly binding: 'none' | 'dpop' | 'certificate' | 'both'
  /**
   * What was revoked longer ago than this was known when access was granted; what was revoked since may not have been.
   * Where nothing is followed it is the age of the token.
   */
  readonly staleMs: number
  /** Every claim of the token, or every member of the answer to introspection. */
  readonly claims: Claims
}

export type Claims = { readonly [name: string]: unknown }

export interface Refusal {
  readonly granted: false
  readonly status: 400 | 401 | 403 | 503
  /** As the specifications name it (RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3); null where nothing was shown at all. */
  readonly code: RefusalCode | null
  /** A sentence for the log of the API. It holds nothing of the token; callers are not told. */
  readonly reason: string
  /** `WWW-Authenticate` and whatever else the answer needs, names in lower case. */
  readonly headers: { readonly [name: string]: string }
}

export type RefusalCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'temporarily_unavailable'

export type Verdict = Access | Refusal

/** The answer to a request that was refused: the status, the challenge, and a JSON body with the code alone. */
export function refusalResponse(refusal: Refusal): Response {
  return new Response(refusalBody(refusal), { status: refusal.status, headers: refusalHeaders(refusal) })
}

/** For answers that are no `Response`. */
export function refusalBody({ code }: Refusal): string {
  return JSON.stringify({ error: code ?? 'unauthorized' })
}

export function refusalHeaders({ headers }: Refusal): { readonly [name: string]: string } {
  return { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }
}
