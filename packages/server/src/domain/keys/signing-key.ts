/**
 * One signing key: made, sealed for the store, opened again. A key is trusted because its sealed private part opens
 * under our master key for its own kid; the public part is taken from that, never from the column beside it, so that
 * whoever can write to the database cannot slip in a key of their own.
 */

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import { UnusableMasterKey } from './master-keys.ts'
import type { Sealer } from './seal.ts'
import type { StoredSigningKey } from './signing-key-store.ts'

/**
 * What our JWTs say they are: access tokens (RFC 9068 §2.1), logout tokens (OIDC Back-Channel Logout §2.4) and answers to
 * introspection (RFC 9701 §5), lists of status (draft-ietf-oauth-status-list §5.1). Whatever else goes to a client is plain `JWT`.
 */
export type JwtTyp = 'at+jwt' | 'JWT' | 'logout+jwt' | 'statuslist+jwt' | 'token-introspection+jwt'

/** A key as the JWKS shows it (RFC 7517): public members only. */
export interface PublicJwk {
  readonly kty: string
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
  /** Of ML-DSA (RFC 9964 §3). */
  readonly pub?: string
}

export interface SigningKey {
  /** The RFC 7638 thumbprint. */
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  /** A `KeyObject` neither prints nor serialises its bytes. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: PublicJwk
  /** The protected header of every JWT it signs, encoded once. Ours have this text exactly, and no other. */
  readonly encodedHeaders: { readonly [typ in JwtTyp]: string }
  readonly createdAtMs: number
  readonly signsFromMs: number
  readonly verifiesUntilMs: number | null
}

const sealPurpose = 'signing key'
const rsaModulusBits = 2048
const generate = promisify(generateKeyPair)

/** A fresh key, sealed. RSA primes are sought on the thread pool (by OpenSSL's own generator), so nothing waits. */
export async function newSigningKey(
  algorithm: SigningAlgorithm,
  sealer: Sealer,
  nowMs: number,
  signsFromMs: number,
): Promise<StoredSigningKey> {
  const { publicKey, privateKey } = await generatePair(algorithm)
  const members = publicMembers(publicKey)
  const kid = await calculateJwkThumbprint(members)
  return {
    kid,
    algorithm,
    sealedPrivateKey: sealer.seal(sealPurpose, kid, privateKey.export({ type: 'pkcs8', format: 'der' })),
    publicJwk: JSON.stringify(publicJwk(members, kid, algorithm)),
    createdAtMs: nowMs,
    signsFromMs,
    verifiesUntilMs: null,
  }
}

/** Opens a stored key; throws `UnusableMasterKey` where it was not sealed for this kid under a master key we have. */
export function openSigningKey(stored: StoredSigningKey, sealer: Sealer): SigningKey {
  const der = sealer.open(sealPurpose, stored.kid, stored.sealedPrivateKey)
  if (der === null) {
    throw new UnusableMasterKey(
      `Signing key ${stored.kid} was not sealed under any of the master keys given. To replace a master key, list the old one after the new one, as 2:NEW,1:OLD, and start the server with both before you take the old one away.`,
    )
  }
  const privateKey = createPrivateKey({ key: Buffer.from(der), type: 'pkcs8', format: 'der' })
  const { kid, algorithm, createdAtMs, signsFromMs, verifiesUntilMs } = stored
  if (!suits(privateKey, algorithm)) throw new Error(`signing key ${kid} is no key for ${algorithm}`)
  const publicKey = createPublicKey(privateKey)
  return {
    kid,
    algorithm,
    privateKey,
    publicKey,
    jwk: publicJwk(publicMembers(publicKey), kid, algorithm),
    encodedHeaders: encodedHeaders(algorithm, kid),
    createdAtMs,
    signsFromMs,
    verifiesUntilMs,
  }
}

/** The private key sealed anew under the current master key; null where it is, or where it does not open. */
export function resealedPrivateKey(stored: StoredSigningKey, sealer: Sealer): Uint8Array | null {
  if (sealer.isUnderCurrentKey(stored.sealedPrivateKey)) return null
  const der = sealer.open(sealPurpose, stored.kid, stored.sealedPrivateKey)
  return der === null ? null : sealer.seal(sealPurpose, stored.kid, der)
}

function generatePair(algorithm: SigningAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (algorithm) {
    case 'ES256':
      return generate('ec', { namedCurve: 'P-256' })
    case 'RS256':
    case 'PS256':
      return generate('rsa', { modulusLength: rsaModulusBits })
    case 'EdDSA':
      return generate('ed25519')
    case 'ML-DSA-44':
      return generate('ml-dsa-44')
    case 'ML-DSA-65':
      return generate('ml-dsa-65')
  }
}

function suits(key: KeyObject, algorithm: SigningAlgorithm): boolean {
  switch (algorithm) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    case 'RS256':
    case 'PS256':
      return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= rsaModulusBits
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519'
    case 'ML-DSA-44':
    case 'ML-DSA-65':
      return key.asymmetricKeyType === algorithm.toLowerCase()
  }
}

type PublicMembers = Omit<PublicJwk, 'kid' | 'alg' | 'use'> & { readonly alg?: string }

/** Named one by one: a private member can not come along by accident. */
function publicMembers(publicKey: KeyObject): PublicMembers {
  const { kty = '', crv, x, y, n, e, alg, pub } = publicKey.export({ format: 'jwk' }) as Partial<PublicMembers>
  if (n !== undefined && e !== undefined) return { kty, n, e }
  if (crv !== undefined && x !== undefined) return { kty, crv, x, ...(y !== undefined && { y }) }
  // The thumbprint of an AKP key covers its algorithm (RFC 9964 §6).
  if (alg !== undefined && pub !== undefined) return { kty, alg, pub }
  throw new Error(`a public key of type ${kty} is none that we sign with`)
}

function publicJwk(members: PublicMembers, kid: string, alg: SigningAlgorithm): PublicJwk {
  return { ...members, kid, alg, use: 'sig' }
}

function encodedHeaders(alg: SigningAlgorithm, kid: string): SigningKey['encodedHeaders'] {
  return {
    'at+jwt': encodedHeader(alg, 'at+jwt', kid),
    JWT: encodedHeader(alg, 'JWT', kid),
    'logout+jwt': encodedHeader(alg, 'logout+jwt', kid),
    'statuslist+jwt': encodedHeader(alg, 'statuslist+jwt', kid),
    'token-introspection+jwt': encodedHeader(alg, 'token-introspection+jwt', kid),
  }
}

function encodedHeader(alg: SigningAlgorithm, typ: JwtTyp, kid: string): string {
  return Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url')
}
