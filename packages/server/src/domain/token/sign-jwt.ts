/** Signs our JWTs (RFC 7515 compact form) on the hot path: one header text per key and type, one signature, no copies. */

import { sign } from 'node:crypto'
import type { JwtTyp, SigningKey } from '../keys/signing-key.ts'
import { rawFromDer } from './ecdsa-signature.ts'

/** The signed token. The claims are the caller's, as they are: members that are `undefined` are left out. */
export function signJwt(key: SigningKey, typ: JwtTyp, claims: object): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const signed = `${key.encodedHeaders[typ]}.${payload}`
  return `${signed}.${signatureOf(key, Buffer.from(signed, 'latin1')).toString('base64url')}`
}

function signatureOf(key: SigningKey, signed: Buffer): Buffer {
  const signature = sign('sha256', signed, key.privateKey)
  switch (key.algorithm) {
    case 'ES256':
      return rawFromDer(signature)
    case 'RS256':
      return signature
  }
}
