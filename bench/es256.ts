/** ES256 access tokens as fast as Node signs them: for the programs whose signing is ours to write. */

import { type KeyObject, sign } from 'node:crypto'

/** Answers a function that signs claims into a JWT of the type `at+jwt` (RFC 9068). */
export function accessTokenSigner(signingKey: KeyObject, keyId: string): (claims: object) => string {
  const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid: keyId })).toString('base64url')
  return claims => {
    const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
    // DER with the bare key and a conversion is faster than asking Node for ieee-p1363 (`bench/micro.ts` measures both).
    return `${signed}.${rawSignature(sign('sha256', Buffer.from(signed), signingKey)).toString('base64url')}`
  }
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) to r || s (RFC 7518 §3.4). */
function rawSignature(der: Uint8Array): Buffer {
  const raw = Buffer.alloc(64)
  const rBytes = der[3] ?? 0
  const sBytes = der[5 + rBytes] ?? 0
  raw.set(der.subarray(4 + Math.max(0, rBytes - 32), 4 + rBytes), 32 - Math.min(32, rBytes))
  raw.set(der.subarray(6 + rBytes + Math.max(0, sBytes - 32), 6 + rBytes + sBytes), 64 - Math.min(32, sBytes))
  return raw
}
