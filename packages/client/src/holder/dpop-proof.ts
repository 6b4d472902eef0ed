/**
 * Proofs of possession of a grant's key (RFC 9449 §4.2), one for each request, with the nonce that its origin gave last
 * (§8, §9). A nonce is no secret; it is kept as long as the holder has the grant in memory.
 */

import { encodeBase64Url } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'

export interface Provable {
  readonly method: string
  readonly url: string
  /** By the clock of whoever reads the proof. */
  readonly nowMs: number
  /** The access token that goes along (§4.3); none goes to the token endpoint. */
  readonly accessToken?: string
}

export interface Prover {
  /** Rejects with `TypeError` when the key is of no kind that DPoP has a name for here. */
  proofFor(request: Provable): Promise<string>
  /** Takes the nonce out of an answer, if there is one. */
  learn(url: string, response: Response): void
}

/** So many origins give nonces to one grant; beyond them the oldest is forgotten, and asked for again. */
const originsMax = 16
const tokenIdBytes = 16

export function proverOf({ privateKey, publicKey }: CryptoKeyPair): Prover {
  const nonces = new Map<string, string>()
  return {
    async proofFor({ method, url, nowMs, accessToken }) {
      const { origin, pathname } = new URL(url)
      const { alg, signing } = algorithmOf(privateKey)
      const header = { typ: 'dpop+jwt', alg, jwk: await publicJwk(publicKey) }
      const nonce = nonces.get(origin)
      const claims = {
        htm: method,
        htu: origin + pathname,
        iat: Math.floor(nowMs / 1000),
        jti: encodeBase64Url(drawBytes(tokenIdBytes)),
        ...(nonce === undefined ? {} : { nonce }),
        ...(accessToken === undefined ? {} : { ath: await hashOf(accessToken) }),
      }
      const text = `${encoded(header)}.${encoded(claims)}`
      const signature = await crypto.subtle.sign(signing, privateKey, encoder.encode(text))
      return `${text}.${encodeBase64Url(new Uint8Array(signature))}`
    },
    learn(url, response) {
      const nonce = response.headers.get('dpop-nonce')
      if (nonce === null) return
      const { origin } = new URL(url)
      nonces.delete(origin)
      nonces.set(origin, nonce)
      for (const oldest of nonces.keys()) {
        if (nonces.size <= originsMax) break
        nonces.delete(oldest)
      }
    },
  }
}

const encoder = new TextEncoder()

function encoded(value: object): string {
  return encodeBase64Url(encoder.encode(JSON.stringify(value)))
}

async function hashOf(accessToken: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(accessToken))))
}

/** The members that make the key, and no other (RFC 7638 §3.2). */
async function publicJwk(key: CryptoKey): Promise<object> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key)
  return y === undefined ? { kty, crv, x } : { kty, crv, x, y }
}

const curves: { readonly [name: string]: readonly [alg: string, hash: string] } = {
  'P-256': ['ES256', 'SHA-256'],
  'P-384': ['ES384', 'SHA-384'],
  'P-521': ['ES512', 'SHA-512'],
}

function algorithmOf({ algorithm }: CryptoKey): { alg: string; signing: AlgorithmIdentifier | EcdsaParams } {
  if (algorithm.name === 'Ed25519') return { alg: 'Ed25519', signing: { name: 'Ed25519' } }
  const curve = 'namedCurve' in algorithm ? curves[String(algorithm.namedCurve)] : undefined
  if (curve === undefined) throw new TypeError('a DPoP key is an elliptic curve key or Ed25519')
  return { alg: curve[0], signing: { name: 'ECDSA', hash: curve[1] } }
}
