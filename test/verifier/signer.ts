/** A server that signs whatever it is told to: for tokens that no server of ours would ever issue. */

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { apiUrl } from './api-ground.ts'

interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

interface Told {
  readonly issuer: string
  readonly clock: { readonly nowMs: () => number }
}

/** Answers the key set to everybody, until it is away; counts who asks. */
export interface KeySet {
  (request: Request): Promise<Response>
  isAway: boolean
  asked: number
  /** What is answered instead. */
  answer: (() => Response) | null
}

export interface Signer {
  readonly jwks: KeySet
  readonly publicJwk: { readonly [member: string]: unknown }
  readonly privateJwk: { readonly [member: string]: unknown }
  /** A good token but for what is said; undefined takes a member away. */
  readonly sign: (
    claims: { readonly [name: string]: unknown },
    header?: { readonly [name: string]: unknown },
  ) => Promise<string>
}

export async function signer(stage: Told, algorithm = 'ES256', pair: Pair = pairFor(algorithm)): Promise<Signer> {
  const kid = `key of ${algorithm}`
  const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
  const jwks: KeySet = Object.assign(
    async () => {
      jwks.asked += 1
      if (jwks.isAway) throw new TypeError('the network is down')
      return jwks.answer?.() ?? Response.json({ keys: [publicJwk] })
    },
    { isAway: false, asked: 0, answer: null },
  )
  return {
    jwks,
    publicJwk,
    privateJwk: { ...pair.privateKey.export({ format: 'jwk' }), kid },
    sign: (claims, header) => {
      const now = Math.floor(stage.clock.nowMs() / 1000)
      const whole = {
        iss: stage.issuer,
        aud: apiUrl,
        sub: 'ada',
        client_id: 'shop',
        iat: now,
        exp: now + 600,
        scope: 'openid',
        ...claims,
      }
      return new SignJWT(whole)
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid, ...header })
        .sign(pair.privateKey)
    },
  }
}

export function pairFor(algorithm: string): Pair {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (algorithm === 'ML-DSA-65') return generateKeyPairSync('ml-dsa-65')
  if (/^[PR]S/.test(algorithm)) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: algorithm === 'ES384' ? 'P-384' : 'P-256' })
}
