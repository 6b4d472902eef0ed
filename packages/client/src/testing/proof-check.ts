/** A DPoP proof as a `flakyServer` judges it (RFC 9449 §4.3): ES256 alone. */

import { decodeBase64Url, encodeBase64Url } from '../custody/custody-key.ts'

export interface ProofOf {
  readonly method: string
  readonly url: string
  readonly nowMs: number
}

export type ProofJudgement =
  | { readonly kind: 'good'; readonly keyThumbprint: string; readonly nonce: string | null; readonly id: string }
  | { readonly kind: 'bad' }

/** A proof may be this much older or newer than the server's clock. */
export const proofMinutesOff = 5

const bad: ProofJudgement = { kind: 'bad' }

export async function judgeProof(proof: string, of: ProofOf): Promise<ProofJudgement> {
  const [head = '', body = '', signature = ''] = proof.split('.')
  const header = parsed(head) as { readonly typ?: string; readonly alg?: string; readonly jwk?: JsonWebKey } | null
  const claims = parsed(body) as { [name: string]: unknown } | null
  if (header?.typ !== 'dpop+jwt' || header.alg !== 'ES256' || header.jwk?.d !== undefined || claims === null) return bad
  const { htm, htu, iat, jti, nonce } = claims
  const isOf = htm === of.method && typeof htu === 'string' && htu === of.url.split(/[?#]/)[0]
  const isInTime = typeof iat === 'number' && Math.abs(iat * 1000 - of.nowMs) <= proofMinutesOff * 60_000
  if (!isOf || !isInTime || typeof jti !== 'string' || header.jwk === undefined) return bad
  if (!(await isSigned(header.jwk, `${head}.${body}`, signature))) return bad
  const keyThumbprint = await thumbprintOf(header.jwk)
  return { kind: 'good', keyThumbprint, nonce: typeof nonce === 'string' ? nonce : null, id: jti }
}

async function isSigned(jwk: JsonWebKey, text: string, signature: string): Promise<boolean> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify'])
  const bytes = new TextEncoder().encode(text)
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, decodeBase64Url(signature), bytes)
}

/** RFC 7638 §3, of a key on P-256. */
async function thumbprintOf({ crv, kty, x, y }: JsonWebKey): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }))
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

function parsed(part: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(decodeBase64Url(part)))
  } catch {
    // Whatever is no JSON in base64url is no proof.
    return null
  }
}
