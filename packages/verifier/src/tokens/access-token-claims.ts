/**
 * What an access token says, judged (RFC 9068 §4 for a JWT, RFC 7662 §2.2 for the answer to introspection). Pure: the
 * signature, or the server's word, comes before; who holds the token, and what the request needs, after.
 */

import { isObject } from '../bounded-fetch.ts'
import { type Fault, fault } from '../fault.ts'
import type { Claims } from '../verdict.ts'

/** Clocks may differ by so much: a token is good for so long after its end and before its beginning. */
export const clockSkewSecondsUsual = 30
export const clockSkewSecondsMax = 60
/** Scopes in one token. */
export const tokenScopesMax = 256

export interface TokenExpectation {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly clockSkewSeconds: number
  readonly nowMs: number
  /** An answer to introspection may leave out `iss` and `iat`. */
  readonly source: 'jwt' | 'introspection'
}

export interface AccessTokenClaims {
  readonly subject: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly expiresAtMs: number
  /** Null where an answer to introspection does not say. */
  readonly issuedAtMs: number | null
  readonly authenticatedAtMs: number | null
  readonly acr: string | null
  readonly confirmation: Confirmation
  readonly claims: Claims
}

/** What the token is bound to (RFC 7800); null: not by that. */
export interface Confirmation {
  readonly keyThumbprint: string | null
  readonly certificateThumbprint: string | null
}

export function readAccessTokenClaims(claims: Claims, expected: TokenExpectation): AccessTokenClaims | Fault {
  const { sub, client_id: clientId, scope = '', exp, auth_time: authTime, acr } = claims
  const fits = judgeOrigin(claims, expected) ?? judgeTimes(claims, expected)
  if (fits !== null) return invalid(fits)
  if (!isText(sub) || !isText(clientId)) return invalid('sub or client_id is missing')
  if (typeof scope !== 'string') return invalid('scope is no text')
  const scopes = scope.split(' ').filter(each => each !== '')
  if (scopes.length > tokenScopesMax) return invalid('it has too many scopes')
  const confirmation = readConfirmation(claims['cnf'])
  if (confirmation === null) return invalid('it is bound to something this guard cannot check')
  return {
    subject: sub,
    clientId,
    scopes,
    expiresAtMs: Number(exp) * 1000,
    issuedAtMs: isSeconds(claims['iat']) ? claims['iat'] * 1000 : null,
    authenticatedAtMs: isSeconds(authTime) ? authTime * 1000 : null,
    acr: typeof acr === 'string' ? acr : null,
    confirmation,
    claims,
  }
}

function judgeOrigin({ iss, aud }: Claims, { issuer, audiences, source }: TokenExpectation): string | null {
  const saysIssuer = source === 'jwt' || iss !== undefined
  if (saysIssuer && iss !== issuer) return 'it is of another issuer'
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return named.some(each => audiences.some(audience => audience === each)) ? null : 'it is for another audience'
}

/** Every time must be a plain number of seconds: text, infinity and what is beyond exact numbers is none. */
function judgeTimes(claims: Claims, { nowMs, clockSkewSeconds, source }: TokenExpectation): string | null {
  const { exp, nbf, iat } = claims
  const skewMs = clockSkewSeconds * 1000
  if (!isSeconds(exp)) return 'exp is no time'
  if (exp * 1000 + skewMs <= nowMs) return 'it is over'
  if (nbf !== undefined && !isSeconds(nbf)) return 'nbf is no time'
  if (nbf !== undefined && nbf * 1000 - skewMs > nowMs) return 'it is not good yet'
  if (iat === undefined && source === 'introspection') return null
  if (!isSeconds(iat)) return 'iat is no time'
  return iat * 1000 - skewMs > nowMs ? 'it was issued later than now' : null
}

/** Null where the token is bound, but by nothing that is known here: it must not pass as one that is not. */
function readConfirmation(cnf: unknown): Confirmation | null {
  if (cnf === undefined) return { keyThumbprint: null, certificateThumbprint: null }
  if (!isObject(cnf)) return null
  const { jkt = null, 'x5t#S256': certificate = null } = cnf
  if (jkt === null && certificate === null) return null
  if ((jkt !== null && !isText(jkt)) || (certificate !== null && !isText(certificate))) return null
  return { keyThumbprint: jkt, certificateThumbprint: certificate }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** RFC 7519 §2 allows fractions. */
function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 99_999_999_999
}

function invalid(reason: string): Fault {
  return fault('invalid_token', reason)
}
