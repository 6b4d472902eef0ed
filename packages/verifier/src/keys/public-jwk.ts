/** Whether a JSON Web Key is one to believe signatures by (RFC 7517): public, asymmetric, and of a size that makes sense. */

export type Jwk = { readonly [member: string]: unknown }

/** Below it a key proves nothing (RFC 7518 §3.3). */
export const rsaModulusBitsMin = 2048
/** Above it a verification costs more than a request is worth. */
export const rsaModulusBitsMax = 8192
export const keyIdCharactersMax = 256
const memberCharactersMax = 8192

/** RFC 7518 §6, RFC 8037 §2, RFC 9964 §3: whatever stands here makes or gives away a private key. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv', 'k']

/** True of a key that must never have been sent: private, or symmetric. */
export function isSecretJwk(jwk: Jwk): boolean {
  return jwk['kty'] === 'oct' || privateMembers.some(name => name in jwk)
}

/** Half a sentence, or null of a key that may be imported. */
export function weaknessOf(jwk: Jwk): string | null {
  const texts = ['kty', 'crv', 'x', 'y', 'n', 'e', 'pub'].map(name => jwk[name])
  if (texts.some(text => text !== undefined && !isShort(text))) return 'its members are no short texts'
  const { kty, n } = jwk
  if (kty !== 'RSA' || typeof n !== 'string') return null
  const bits = Math.floor((n.length * 6) / 8) * 8
  if (bits < rsaModulusBitsMin) return `it has less than ${rsaModulusBitsMin} bits`
  return bits > rsaModulusBitsMax ? `it has more than ${rsaModulusBitsMax} bits` : null
}

/** The members that make the key, and no others: what else stands in it chooses nothing. */
export function plainJwk({ kty, crv, x, y, n, e, alg, pub }: Jwk): { readonly [member: string]: string } {
  const members = kty === 'AKP' ? { kty, alg, pub } : { kty, crv, x, y, n, e }
  const texts = Object.entries(members).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts)
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= memberCharactersMax
}
