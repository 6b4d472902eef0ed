/** Keys of clients and of who vouches for them, and what they sign: as it should be, and in every way that is wrong. */

import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { CompactSign } from 'jose'
import type { Authentication } from './app.ts'
import type { Stage } from './stage.ts'

export type Json = { readonly [name: string]: unknown }

export interface Signer {
  readonly privateKey: KeyObject
  readonly algorithm: string
  readonly kid: string
  readonly publicJwk: Json
  readonly privateJwk: Json
  /** A JWT of these claims; `header` adds to the algorithm and the kid, and an undefined member takes one away. */
  readonly sign: (claims: unknown, header?: Json) => Promise<string>
}

const generate = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const

export function newSigner(algorithm: keyof typeof generate = 'ES256', kid: string = 'key-1'): Signer {
  const { privateKey, publicKey } = generate[algorithm]()
  return {
    privateKey,
    algorithm,
    kid,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
    privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
    sign: (claims, header) => signed(claims, { alg: algorithm, kid, ...header }, privateKey),
  }
}

/** A JWT under whatever header, by whatever key. */
export function signed(claims: unknown, header: Json, key: KeyObject | Uint8Array): Promise<string> {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims)
  const members = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined))
  return new CompactSign(Buffer.from(text))
    .setProtectedHeader(members as { alg: string })
    .sign(key instanceof Uint8Array ? key : createPrivateKey({ key: key.export({ format: 'jwk' }), format: 'jwk' }))
}

/** What `openid-client` puts into an assertion, at the stage's time. */
export function assertionClaims(stage: Stage, clientId: string): Json {
  const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
  return {
    jti: randomUUID(),
    iss: clientId,
    sub: clientId,
    aud: stage.issuer,
    exp: nowSeconds + 60,
    iat: nowSeconds,
    nbf: nowSeconds,
  }
}

export function assertionFields(assertion: string): { readonly [name: string]: string } {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
}

/** Proves the client with a fresh assertion at each request. */
export function byAssertion(stage: Stage, clientId: string, signer: Signer): () => Promise<Authentication> {
  return async () => ({ fields: assertionFields(await signer.sign(assertionClaims(stage, clientId))) })
}
