/** Signatures of compact JWTs, by WebCrypto: the algorithm is what the key was imported for, and never what a header says. */

import { base64url } from 'jose'
import type { SignatureAlgorithm } from '../algorithms.ts'

/** RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2, RFC 9964: what a signature of each algorithm is verified with. */
const parameters: { readonly [algorithm in SignatureAlgorithm]: EcdsaParams | RsaPssParams | Algorithm } = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  PS384: { name: 'RSA-PSS', saltLength: 48 },
  PS512: { name: 'RSA-PSS', saltLength: 64 },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  RS384: { name: 'RSASSA-PKCS1-v1_5' },
  RS512: { name: 'RSASSA-PKCS1-v1_5' },
  'ML-DSA-44': { name: 'ML-DSA-44' },
  'ML-DSA-65': { name: 'ML-DSA-65' },
  'ML-DSA-87': { name: 'ML-DSA-87' },
}

/** True where the third part of the text is the key's signature of the first two. */
export async function isSignedBy(text: string, key: CryptoKey, algorithm: SignatureAlgorithm): Promise<boolean> {
  const end = text.lastIndexOf('.')
  const signature = decodeBase64Url(text.slice(end + 1))
  if (signature === null) return false
  try {
    return await globalThis.crypto.subtle.verify(
      parameters[algorithm],
      key,
      signature,
      encoder.encode(text.slice(0, end)),
    )
  } catch (error) {
    // A signature, or a stranger's key, that makes no sense comes out of some runtimes in this way.
    if (error instanceof DOMException) return false
    throw error
  }
}

/** Null on text of another alphabet. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return base64url.decode(text) as Uint8Array<ArrayBuffer>
  } catch {
    // What exactly is wrong with it helps nobody.
    return null
  }
}

/** The text that is encoded; null where it is none. */
export function decodeText(text: string): string | null {
  const bytes = decodeBase64Url(text)
  return bytes === null ? null : decoder.decode(bytes)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
