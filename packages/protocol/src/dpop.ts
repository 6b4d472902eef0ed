/**
 * DPoP proofs (RFC 9449 §4): what one says, and whether it fits the request it came with. Pure: whoever calls brings the
 * time, decodes base64url, and verifies the signature with the key in the header, for none of which there is one best
 * way in a browser, at a server and at an API alike.
 */

export const dpopHeader = 'dpop'
export const dpopNonceHeader = 'DPoP-Nonce'
export const dpopTyp = 'dpop+jwt'
/** A proof with a 4096-bit RSA key has about 2,500 characters. */
export const dpopProofCharactersMax = 4096
export const dpopTextCharactersMax = 512
export const dpopUrlCharactersMax = 2048

/** Asymmetric algorithms alone (RFC 9449 §4.3), of those that clients have in practice. */
export const dpopAlgorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
export type DpopAlgorithm = (typeof dpopAlgorithms)[number]

/** A proof is good for so long after it was made, by the clocks of both sides. */
export const proofAgeSecondsMax = 60
/** So far ahead of ours a client's clock may be. */
export const proofAheadSecondsMax = 30
/** With a nonce of ours the proof is fresh whatever the client's clock says, within reason. */
export const clockErrorSecondsMax = 900
/** The clock of a client that runs on a server is right; FAPI 2.0 §5.3.2.1 refuses what is further ahead. */
export const serverAheadSecondsMax = 60

export interface DpopHeader {
  readonly algorithm: DpopAlgorithm
  /** As sent: whose public key it is, and whether it is one, is not judged here. */
  readonly jwk: { readonly [member: string]: unknown }
}

export interface DpopClaims {
  readonly tokenId: string
  readonly method: string
  readonly url: string
  readonly issuedAtMs: number
  readonly notBeforeMs: number | null
  readonly expiresAtMs: number | null
  readonly nonce: string | null
  readonly accessTokenHash: string | null
}

/** A sentence for a log: never sent, and without anything of the proof that could be used. */
export interface DpopFault {
  readonly fault: string
  /** True where the same request would be taken with a nonce of ours (RFC 9449 §8). */
  readonly wantsNonce: boolean
}

/** The three parts of the compact form, still encoded, or null. Two headers arrive joined by a comma, and are no proof. */
export function splitDpopProof(text: string): readonly [header: string, claims: string, signature: string] | null {
  if (text.length > dpopProofCharactersMax || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return null
  const [header = '', claims = '', signature = ''] = text.split('.')
  return [header, claims, signature]
}

/** Reads the decoded header (RFC 9449 §4.2). Nothing in it may lead elsewhere or change how it is read. */
export function readDpopHeader(value: unknown): DpopHeader | DpopFault {
  if (!isObject(value)) return fault('the header is no JSON object')
  const { typ, alg, jwk } = value
  if (typ !== dpopTyp) return fault('typ is not dpop+jwt')
  const algorithm = dpopAlgorithms.find(each => each === alg)
  if (algorithm === undefined) return fault('alg is none of ours')
  const pointer = ['crit', 'b64', 'jku', 'x5u', 'x5c'].find(name => name in value)
  if (pointer !== undefined) return fault(`the header has ${pointer} in it`)
  if (!isObject(jwk)) return fault('jwk is missing')
  return 'jku' in jwk || 'x5u' in jwk ? fault('jwk leads elsewhere') : { algorithm, jwk }
}

/** Reads the decoded claims (RFC 9449 §4.2). */
export function readDpopClaims(value: unknown): DpopClaims | DpopFault {
  if (!isObject(value)) return fault('the claims are no JSON object')
  const { jti, htm, htu, iat, nbf = null, exp = null, nonce = null, ath = null } = value
  if (!isText(jti, dpopTextCharactersMax)) return fault('jti is missing')
  if (!isText(htm, dpopTextCharactersMax)) return fault('htm is missing')
  if (!isText(htu, dpopUrlCharactersMax)) return fault('htu is missing')
  if (!isInstant(iat)) return fault('iat is missing')
  if (nbf !== null && !isInstant(nbf)) return fault('nbf is no instant')
  if (exp !== null && !isInstant(exp)) return fault('exp is no instant')
  if (nonce !== null && !isText(nonce, dpopTextCharactersMax)) return fault('nonce is no text')
  if (ath !== null && !isText(ath, dpopTextCharactersMax)) return fault('ath is no text')
  return {
    tokenId: jti,
    method: htm,
    url: htu,
    issuedAtMs: iat * 1000,
    notBeforeMs: nbf === null ? null : nbf * 1000,
    expiresAtMs: exp === null ? null : exp * 1000,
    nonce,
    accessTokenHash: ath,
  }
}

export interface DpopExpectation {
  readonly method: string
  /** The URLs this endpoint is known by, without query and fragment. */
  readonly urls: readonly string[]
  readonly nowMs: number
  /** Base64url SHA-256 of the access token that came along, or null where none did (RFC 9449 §4.3, number 12). */
  readonly accessTokenHash: string | null
  readonly nonceIsRequired: boolean
  readonly isLivingNonce: (nonce: string) => boolean
  /** How far ahead a proof with a nonce may be: `clockErrorSecondsMax` or less. */
  readonly aheadSecondsMax: number
}

/** What is wrong with a proof whose signature is right, or null (RFC 9449 §4.3, numbers 8 to 12). */
export function judgeDpopClaims(claims: DpopClaims, expected: DpopExpectation): DpopFault | null {
  if (claims.method !== expected.method) return fault('htm is not the method of the request')
  if (!isOneOf(claims.url, expected.urls)) return fault('htu is not the URL of the request')
  if (claims.accessTokenHash !== expected.accessTokenHash && expected.accessTokenHash !== null) {
    return fault('ath is not the hash of the access token')
  }
  const { nonce } = claims
  if (nonce !== null && !expected.isLivingNonce(nonce)) return nonceWanted('the nonce is not ours, or no longer')
  if (nonce === null && expected.nonceIsRequired) return nonceWanted('there is no nonce')
  return judgeTimes(claims, expected)
}

/** The members that RFC 7638 §3.2 hashes, in its order: SHA-256 of this text, base64url, is the thumbprint. */
export function thumbprintText(jwk: { readonly [member: string]: unknown }): string {
  const { kty, crv, x, y, n, e, alg, pub } = jwk
  switch (kty) {
    case 'EC':
      return JSON.stringify({ crv, kty, x, y })
    case 'OKP':
      return JSON.stringify({ crv, kty, x })
    case 'AKP':
      return JSON.stringify({ alg, kty, pub })
    default:
      return JSON.stringify({ e, kty, n })
  }
}

/** True of what a SHA-256 thumbprint looks like: `dpop_jkt` (RFC 9449 §10). */
export function isThumbprint(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

function judgeTimes(claims: DpopClaims, { nowMs, aheadSecondsMax }: DpopExpectation): DpopFault | null {
  const { issuedAtMs, notBeforeMs, expiresAtMs } = claims
  const aheadMs = issuedAtMs - nowMs
  if (aheadMs > aheadSecondsMax * 1000) return fault('iat is too far ahead')
  if (-aheadMs > clockErrorSecondsMax * 1000) return fault('iat is too long ago')
  if (expiresAtMs !== null && expiresAtMs + proofAheadSecondsMax * 1000 <= nowMs) return fault('exp is over')
  if (notBeforeMs !== null && notBeforeMs - proofAheadSecondsMax * 1000 > nowMs) return fault('nbf is not reached')
  const hasNonce = claims.nonce !== null
  if (hasNonce || (aheadMs <= proofAheadSecondsMax * 1000 && -aheadMs <= proofAgeSecondsMax * 1000)) return null
  return nonceWanted('iat is too far from now without a nonce')
}

/** RFC 9449 §4.3: without query and fragment, and after the normalisation of RFC 3986 §6.2.2 and §6.2.3. */
function isOneOf(url: string, urls: readonly string[]): boolean {
  if (urls.includes(url)) return true
  if (!URL.canParse(url)) return false
  const { origin, username, password, pathname } = new URL(url)
  const isPlain = username === '' && password === '' && origin !== 'null'
  return isPlain && urls.some(each => origin + pathname === plainUrl(each))
}

function plainUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown, charactersMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= charactersMax
}

/** Seconds since the epoch; RFC 7519 §2 allows fractions. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 99_999_999_999
}

function fault(sentence: string): DpopFault {
  return { fault: sentence, wantsNonce: false }
}

function nonceWanted(sentence: string): DpopFault {
  return { fault: sentence, wantsNonce: true }
}
