/**
 * Checks a JWT that claims to be ours (RFC 8725). Nothing in the token chooses how it is checked: its kid names one of
 * our keys, that key's algorithm is the only one allowed, and its header must be the very text we put on every token of
 * that key and type. So `none`, another algorithm, `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` have nowhere to stand.
 */

import type { SigningKeys } from '../keys/signing-keys.ts'
import type { JwtTyp } from '../keys/signing-key.ts'
import { verifiesJwt } from './sign-jwt.ts'

/** No token we make comes near it; a longer text is refused unread. */
export const jwtCharactersMax = 16_384

export interface Expectation {
  readonly typ: JwtTyp
  readonly issuer: string
  readonly nowMs: number
  /** `allowed` for an `id_token_hint` at logout (OIDC RP-Initiated Logout §4), `refused` for everything else. */
  readonly expired: 'refused' | 'allowed'
}

/** The claims of a genuine token. Only what is typed here has been looked at. */
export interface JwtClaims {
  readonly iss: string
  readonly iat: number
  readonly exp: number
  readonly [name: string]: unknown
}

/** The claims, or null on anything that is not a token of ours, of this type, now. */
export async function verifyJwt(keys: SigningKeys, text: string, expected: Expectation): Promise<JwtClaims | null> {
  const parts = partsOf(text)
  const kid = parts === null ? null : kidOf(parts.header)
  if (parts === null || kid === null) return null
  const { header, payload, signature } = parts
  const key = await keys.find(kid, expected.nowMs)
  if (key === null || key.encodedHeaders[expected.typ] !== header) return null
  if (!verifiesJwt(key, `${header}.${payload}`, Buffer.from(signature, 'base64url'))) return null
  const claims = claimsOf(Buffer.from(payload, 'base64url'))
  return claims !== null && meets(claims, expected) ? claims : null
}

interface Parts {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** The three parts, if they are canonical base64url and there is nothing else. */
function partsOf(text: string): Parts | null {
  if (text.length > jwtCharactersMax) return null
  const [header = '', payload = '', signature = '', more] = text.split('.', 4)
  if (more !== undefined || ![header, payload, signature].every(isCanonical)) return null
  return { header, payload, signature }
}

/** Encoding what it decodes to gives it back: no padding, white space, foreign alphabet or stray bits. Never empty. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part
}

function kidOf(header: string): string | null {
  const kid = objectOf(Buffer.from(header, 'base64url'))?.['kid']
  return typeof kid === 'string' ? kid : null
}

/** Every time a claim tells must be a whole, exact number of seconds: what we write, and nothing that rounds. */
function claimsOf(payload: Uint8Array): JwtClaims | null {
  const claims = objectOf(payload)
  if (claims === null || typeof claims['iss'] !== 'string') return null
  if (!isSeconds(claims['iat']) || !isSeconds(claims['exp'])) return null
  for (const name of ['nbf', 'auth_time']) if (claims[name] !== undefined && !isSeconds(claims[name])) return null
  return claims as unknown as JwtClaims
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function meets(claims: JwtClaims, expected: Expectation): boolean {
  if (claims.iss !== expected.issuer) return false
  const notBefore = claims['nbf']
  if (typeof notBefore === 'number' && expected.nowMs < notBefore * 1000) return false
  return expected.expired === 'allowed' || expected.nowMs < claims.exp * 1000
}

function objectOf(bytes: Uint8Array): { readonly [name: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    // Text that is no JSON is no token; what exactly is wrong with it helps nobody.
    return null
  }
}
