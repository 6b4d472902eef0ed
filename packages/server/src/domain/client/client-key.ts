/**
 * A public key that a client, or who vouches for one, told us of (RFC 7517). Every key is judged before anything is
 * believed with it: a private or symmetric one has been given away, a weak one proves nothing, and the algorithm comes
 * from the kind of key and our own table, never from what was signed (RFC 8725 §3.1).
 */

import { createPublicKey, type KeyObject } from 'node:crypto'

/** A JSON Web Key as it was written. */
export type Jwk = { readonly [member: string]: unknown }

/** What others may sign for us with. Asymmetric only: a MAC proves nothing to a third party and mixes up with public keys. */
export const clientSignatureAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const
export type ClientSignatureAlgorithm = (typeof clientSignatureAlgorithms)[number]

export interface ClientKey {
  readonly kid: string | null
  /** The only algorithm it is for; null where its owner did not say. */
  readonly algorithm: string | null
  /** Null: for signatures and encryption alike. */
  readonly use: 'sig' | 'enc' | null
  readonly publicKey: KeyObject
  /** What may be kept and shown: public members only. */
  readonly jwk: Jwk
  /** The certificate it came with, in DER: the first of `x5c`. */
  readonly certificate: Uint8Array | null
}

/** The half sentence says what is wrong with a key. */
export interface RefusedKey {
  readonly refusal: string
  /** Of a kind we do not know: in a published set it may stand beside others (RFC 7517 §5). */
  readonly isUnknown: boolean
}

export const rsaModulusBitsMin = 2048
/** Above it a verification costs more than a request is worth. */
export const rsaModulusBitsMax = 8192
const rsaExponentMin = 65_537n
const rsaExponentMax = 2n ** 32n
const textCharactersMax = 256

export function judgeKey(value: unknown): ClientKey | RefusedKey {
  if (!isObject(value)) return refused('it is no JSON object')
  if (value['kty'] === 'oct' || 'k' in value) return refused('it is a symmetric key')
  if (privateMembers.some(name => name in value)) return refused('it is a private key')
  if (!keyTypes.includes(String(value['kty']))) return refused('its key type is not known', true)
  const { kid, alg, use } = value
  if (!isName(kid) || !isName(alg)) return refused('its kid or alg is no short text')
  if (use !== undefined && use !== 'sig' && use !== 'enc') return refused('its use is not known', true)
  const publicKey = publicKeyOf(value)
  if (publicKey === null) return refused('its members make no public key')
  const weakness = weaknessOf(publicKey)
  if (weakness !== null) return weakness
  if (isSigning(alg) && !fitsAlgorithm(publicKey, alg)) return refused(`it is no key for ${alg}`)
  return keyOf({ publicKey, kid: kid ?? null, algorithm: alg ?? null, use: use ?? null }, value)
}

export function isKey(judged: ClientKey | RefusedKey): judged is ClientKey {
  return 'publicKey' in judged
}

/** True of a key that may verify what is signed with the algorithm. */
export function mayVerify(key: ClientKey, algorithm: string): boolean {
  if (key.use === 'enc' || (key.algorithm !== null && key.algorithm !== algorithm)) return false
  return isSigning(algorithm) && fitsAlgorithm(key.publicKey, algorithm)
}

/** RFC 7518 §6 and §7.6, RFC 8037 §2, RFC 9964 §3: whatever stands here makes or gives away a private key. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv']
const keyTypes = ['EC', 'RSA', 'OKP', 'AKP']

function isName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '' && value.length <= textCharactersMax)
}

function isSigning(algorithm: string | undefined): algorithm is ClientSignatureAlgorithm {
  return clientSignatureAlgorithms.some(each => each === algorithm)
}

function publicKeyOf(jwk: Jwk): KeyObject | null {
  try {
    // Members named one by one: OpenSSL then checks that a point is on its curve.
    return createPublicKey({ key: jwkMembers(jwk), format: 'jwk' })
  } catch {
    // Members that make no key are refused with one sentence; what OpenSSL says of them helps nobody.
    return null
  }
}

function jwkMembers({ kty, crv, x, y, n, e, pub, alg }: Jwk): { [member: string]: string } {
  const members = kty === 'AKP' ? { kty, alg, pub } : { kty, crv, x, y, n, e }
  const texts = Object.entries(members).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts)
}

function weaknessOf(key: KeyObject): RefusedKey | null {
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: details } = key
  if (type === 'rsa') return rsaWeakness(key)
  if (type === 'ec') return curves.has(details?.namedCurve ?? '') ? null : refused('its curve is not known', true)
  if (type === 'ed25519' && isSmallOrder(key)) {
    return refused('it is a point of small order, under which anything verifies')
  }
  return soundTypes.has(type) ? null : refused('its kind is not known', true)
}

/** Kinds of one strength. */
const soundTypes: ReadonlySet<string> = new Set(['ed25519', 'x25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'])
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function rsaWeakness(key: KeyObject): RefusedKey | null {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < rsaModulusBitsMin) return refused(`its modulus has fewer than ${rsaModulusBitsMin} bits`)
  if (modulusLength > rsaModulusBitsMax) return refused(`its modulus has more than ${rsaModulusBitsMax} bits`)
  // FIPS 186-5 §5.4 wants more than 2^16; a huge one only makes verification dear.
  const isSound = publicExponent >= rsaExponentMin && publicExponent <= rsaExponentMax && publicExponent % 2n === 1n
  return isSound ? null : refused('its exponent is not an odd number from 65537 to 2^32')
}

/** Every encoding of the eight points of small order on edwards25519, the sign bit taken off, with those above the prime. */
const smallOrderPoints: ReadonlySet<string> = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
])

function isSmallOrder(key: KeyObject): boolean {
  const point = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  const last = point.length - 1
  point[last] = (point[last] ?? 0) & 0x7f
  return smallOrderPoints.has(point.toString('hex'))
}

function fitsAlgorithm(key: KeyObject, algorithm: ClientSignatureAlgorithm): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  switch (algorithm) {
    case 'ES256':
      return details?.namedCurve === 'prime256v1'
    case 'ES384':
      return details?.namedCurve === 'secp384r1'
    case 'ES512':
      return details?.namedCurve === 'secp521r1'
    case 'PS256':
    case 'PS384':
    case 'PS512':
    case 'RS256':
    case 'RS384':
    case 'RS512':
      return type === 'rsa'
    case 'EdDSA':
    case 'Ed25519':
      return type === 'ed25519'
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return type === algorithm.toLowerCase()
  }
}

type Named = Pick<ClientKey, 'publicKey' | 'kid' | 'algorithm' | 'use'>

function keyOf(named: Named, { x5c, ...members }: Jwk): ClientKey | RefusedKey {
  const { kid, algorithm, use } = named
  const jwk = {
    ...jwkMembers(members),
    ...(kid === null ? {} : { kid }),
    ...(algorithm === null ? {} : { alg: algorithm }),
    ...(use === null ? {} : { use }),
  }
  if (x5c === undefined) return { ...named, jwk, certificate: null }
  const certificate = certificateOf(x5c)
  if (certificate === null) return refused('its x5c is no list of certificates')
  return { ...named, jwk: { ...jwk, x5c: [certificate.toString('base64')] }, certificate }
}

/** Standard base64, as RFC 7517 §4.7 has it for certificates alone. */
function certificateOf(x5c: unknown): Buffer | null {
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined
  if (typeof first !== 'string' || first.length > 16_384) return null
  const der = Buffer.from(first, 'base64')
  return der.length > 0 && der.toString('base64') === first ? der : null
}

function refused(refusal: string, isUnknown = false): RefusedKey {
  return { refusal, isUnknown }
}

function isObject(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
