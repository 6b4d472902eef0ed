/**
 * A JWT that somebody else made and signed (RFC 7515 compact form, RFC 8725): an assertion, an attestation, a request
 * object. Taken apart strictly, and believed only after a key of its maker has verified it under an algorithm we allow.
 * A key that the token brings or points to (`jwk`, `jku`, `x5u`, `x5c`) is not looked at.
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import { type ClientKey, mayVerify } from '../client/client-key.ts'
import { type JsonObject, parseJsonObject } from '../strict-json.ts'

export const foreignJwtCharactersMax = 16_384
/** A token that names no key is tried with so many of those that fit. */
export const keysTriedMax = 4

/** Nothing of it has been verified. */
export interface ForeignJwt {
  readonly text: string
  readonly algorithm: string
  readonly kid: string | null
  /** In lower case and without `application/` (RFC 7515 §4.1.9); null where there is none. */
  readonly type: string | null
  readonly claims: JsonObject
}

/** The parts, or null on anything but three canonical parts with a header we understand all of. */
export function parseForeignJwt(text: string, charactersMax = foreignJwtCharactersMax): ForeignJwt | null {
  if (text.length > charactersMax) return null
  const parts = text.split('.', 4)
  if (parts.length !== 3 || !parts.every(isCanonical)) return null
  const [header, claims] = [objectOf(parts[0] ?? ''), objectOf(parts[1] ?? '')]
  if (header === null || claims === null) return null
  const { alg, kid, typ } = header
  // We know no critical extension (RFC 7515 §4.1.11), and an unencoded payload (RFC 7797) is one.
  if ('crit' in header || 'b64' in header || typeof alg !== 'string') return null
  if ((kid !== undefined && typeof kid !== 'string') || (typ !== undefined && typeof typ !== 'string')) return null
  const type = typ === undefined ? null : typ.toLowerCase().replace(/^application\//, '')
  return { text, algorithm: alg, kid: kid ?? null, type, claims }
}

/** True where one of the keys has signed it and that key is for its algorithm. Costs the same where there is no such key. */
export async function isSignedByOneOf(jwt: ForeignJwt, keys: readonly ClientKey[]): Promise<boolean> {
  const fitting = keys.filter(key => mayVerify(key, jwt.algorithm)).slice(0, keysTriedMax)
  if (fitting.length === 0) return isSignedByNobody(jwt)
  for (const { publicKey } of fitting) if (await verifies(jwt, publicKey)) return true
  return false
}

/** False, after the work of one verification: where nobody is known who could have signed. */
export async function isSignedByNobody(jwt: ForeignJwt): Promise<false> {
  if (jwt.algorithm === 'ES256') await verifies(jwt, nobodysKey)
  return false
}

/** The base point of P-256 as a public key. Its private key is 1, so what it verifies counts for nothing. */
const nobodysKey = createPublicKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
    y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
  },
})

/** True where the secret has signed it under that very algorithm, which must be an HMAC. */
export function isSignedWithSecret(jwt: ForeignJwt, secret: string, algorithm: string): Promise<boolean> {
  return jwt.algorithm === algorithm ? verifies(jwt, Buffer.from(secret)) : Promise.resolve(false)
}

/** RFC 7519 §2: seconds, perhaps with a fraction. What is no number, or none that a clock could tell, is null. */
export function numericDateMs(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null
  const atMs = Math.floor(value * 1000)
  return Number.isSafeInteger(atMs) ? atMs : null
}

/** The one audience it is meant for, alone or in a list of one; null for anything else. */
export function soleAudienceOf({ claims: { aud } }: ForeignJwt): string | null {
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  return typeof audience === 'string' ? audience : null
}

async function verifies(jwt: ForeignJwt, key: KeyObject | Uint8Array): Promise<boolean> {
  try {
    await compactVerify(jwt.text, key, { algorithms: [jwt.algorithm] })
    return true
  } catch (error) {
    // jose says "not genuine" by throwing its own errors; anything else is a fault of ours and must be seen.
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

/** Encoding what it decodes to gives it back: no padding, white space, foreign alphabet or stray bits. Never empty. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part
}

function objectOf(part: string): JsonObject | null {
  const read = parseJsonObject(Buffer.from(part, 'base64url').toString('utf8'))
  return 'object' in read ? read.object : null
}
