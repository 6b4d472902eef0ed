/**
 * What is kept of a grant: the record that is sealed. It is written after every refresh and read by every process that
 * shares the store, so it carries all that the next refresh needs, and its times are those of the issuer's clock.
 */

export interface KeptGrant {
  readonly format: 1
  /** Who issued the tokens: they go to nobody else (RFC 9700 §4.4). */
  readonly issuer: string
  readonly clientId: string
  /** Drawn at sign-in: tells a grant that was refreshed from another one of the same name. */
  readonly grantId: string
  /** Null where the server gave none: then the grant lives as long as its access token. */
  readonly refreshToken: string | null
  /** The retry key that goes with this refresh token, made when the token was stored; null without one. */
  readonly retryKey: string | null
  /** 1 for what sign-in brought; one more with each answer that was stored. */
  readonly generation: number
  readonly createdAtMs: number
  readonly refreshedAtMs: number
  /** By how much the issuer's clock was ahead of the writer's: a process that has not asked yet believes it. */
  readonly skewMs: number
  /** When an unused refresh token runs out, where the server says so (`refresh_token_timeout`). */
  readonly idleExpiresAtMs: number | null
  /** When the user must sign in again whatever happens, where the server says so (`authorization_expires_in`). */
  readonly absoluteExpiresAtMs: number | null
  /** All that was granted, as the server wrote it; null where it never said. */
  readonly scope: string | null
  readonly subject: string | null
  readonly sessionId: string | null
  /** As it came with the sign-in, for `id_token_hint`. */
  readonly idToken: string | null
  /** The latest per resource and scope, newest first; at most `accessTokensMax`. */
  readonly accessTokens: readonly KeptAccessToken[]
  /** The private DPoP key, where the store keeps no key objects. */
  readonly dpopJwk: JsonWebKey | null
  /** Set when the grant is over; then nothing secret is left in the record. */
  readonly end: GrantEnd | null
}

export interface KeptAccessToken {
  /** What was asked for: null is what the grant gives by default. */
  readonly resource: string | null
  readonly scope: string | null
  readonly token: string
  readonly type: 'Bearer' | 'DPoP'
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** Why nobody can refresh any more: the server refused the token, its time was over, or the application ended it. */
export type EndReason = 'refused' | 'expired' | 'signed_out'

export interface GrantEnd {
  readonly reason: EndReason
  readonly atMs: number
}

export const accessTokensMax = 8

/** The record out of what was sealed. What opens was written by us; only which of us is asked here. */
export function readKeptGrant(text: string): KeptGrant {
  const grant = JSON.parse(text) as KeptGrant
  if (grant.format !== 1) throw new TypeError('the record is of a newer version of this library')
  return grant
}
