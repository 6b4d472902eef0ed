/** The DPoP key of a grant (RFC 9449): made at sign-in, kept as long as the grant, never replaced. */

/** A new ES256 key pair; extractable only where the store cannot keep key objects. */
export async function generateDpopKey(store: { readonly keepsKeys: boolean }): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, !store.keepsKeys, ['sign', 'verify'])
}

/** Rejects when the key is not extractable: then only a store that keeps keys can have it. */
export function exportDpopKey({ privateKey }: CryptoKeyPair): Promise<JsonWebKey> {
  return crypto.subtle.exportKey('jwk', privateKey)
}

/** The pair out of its private half. */
export async function dpopKeyOf(jwk: JsonWebKey | null): Promise<CryptoKeyPair | null> {
  if (jwk === null) return null
  const { d: _, key_ops: __, ...publicHalf } = jwk
  const algorithm = algorithmOf(jwk)
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', jwk, algorithm, true, ['sign']),
    crypto.subtle.importKey('jwk', publicHalf, algorithm, true, ['verify']),
  ])
  return { privateKey, publicKey }
}

function algorithmOf({ kty, crv }: JsonWebKey): EcKeyImportParams | Algorithm {
  if (kty === 'EC' && crv !== undefined) return { name: 'ECDSA', namedCurve: crv }
  if (kty === 'OKP' && crv === 'Ed25519') return { name: 'Ed25519' }
  throw new TypeError('a DPoP key is an elliptic curve key or Ed25519')
}
