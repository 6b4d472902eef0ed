/** A client's DPoP key and its proofs (RFC 9449 §4), made as cheaply as the load generator can. */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Answers a function that makes a new proof for a POST to this URL, always with the same key. */
export function newProver(url: string): () => string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const header = encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  const name = randomBytes(12).toString('base64url')
  let proofs = 0
  return () => {
    proofs += 1
    const claims = { jti: `${name}.${proofs}`, htm: 'POST', htu: url, iat: Math.floor(Date.now() / 1000) }
    const signed = `${header}.${encoded(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
