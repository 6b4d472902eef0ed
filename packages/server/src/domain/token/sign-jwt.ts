/**
 * Signs our JWTs (RFC 7515 compact form) on the hot path: one header text per key and type, one signature, no copies. And
 * knows them again.
 */

import { constants, sign, verify } from 'node:crypto'
import type { JwtTyp, SigningKey } from '../keys/signing-key.ts'
import { rawFromDer } from './ecdsa-signature.ts'

/** The signed token. The claims are the caller's, as they are: members that are `undefined` are left out. */
export function signJwt(key: SigningKey, typ: JwtTyp, claims: object): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const signed = `${key.encodedHeaders[typ]}.${payload}`
  return `${signed}.${signatureOf(key, Buffer.from(signed, 'latin1')).toString('base64url')}`
}

function signatureOf({ algorithm, privateKey }: SigningKey, signed: Buffer): Buffer {
  switch (algorithm) {
    case 'ES256':
      return rawFromDer(sign('sha256', signed, privateKey))
    case 'RS256':
      return sign('sha256', signed, privateKey)
    case 'PS256':
      return sign('sha256', signed, { key: privateKey, ...pss })
    case 'EdDSA':
    case 'ML-DSA-44':
    case 'ML-DSA-65':
      // These hash by themselves.
      return sign(null, signed, privateKey)
  }
}

/** True where this very key made the signature over the text, in its own algorithm. Never throws for what was sent. */
export function verifiesJwt({ algorithm, publicKey }: SigningKey, signed: string, signature: Uint8Array): boolean {
  const bytes = Buffer.from(signed, 'latin1')
  switch (algorithm) {
    case 'ES256':
      return verify('sha256', bytes, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    case 'RS256':
      return verify('sha256', bytes, publicKey, signature)
    case 'PS256':
      return verify('sha256', bytes, { key: publicKey, ...pss }, signature)
    case 'EdDSA':
    case 'ML-DSA-44':
    case 'ML-DSA-65':
      return verify(null, bytes, publicKey, signature)
  }
}

/** RFC 7518 §3.5: the salt is as long as the hash. */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
