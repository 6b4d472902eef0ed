/**
 * DPoP proofs beside access tokens (RFC 9449 §4.3, §7): read, held against the request, then verified with the key in
 * them. A client's header is the same text in every proof of its, so its key is imported once and kept.
 */

import {
  clockErrorSecondsMax,
  type DpopAlgorithm,
  type DpopClaims,
  type DpopExpectation,
  judgeDpopClaims,
  proofAgeSecondsMax,
  readDpopClaims,
  readDpopHeader,
  splitDpopProof,
  thumbprintText,
} from '@pawl/protocol'
import { importJWK, type JWK } from 'jose'
import { objectOf } from '../bounded-fetch.ts'
import { type Fault, fault } from '../fault.ts'
import { isSecretJwk, plainJwk, weaknessOf } from '../keys/public-jwk.ts'
import { decodeText, isSignedBy } from '../keys/signature.ts'
import type { LivingNonce } from './dpop-nonces.ts'
import { sha256 } from './sha256.ts'

/** Keys of clients that made a good proof; the one kept longest makes room. */
export const proofKeysKeptMax = 4096

export interface GoodProof {
  readonly thumbprint: string
  /** What makes it this proof and no other. */
  readonly mark: string
  /** From then on its time alone refuses it. */
  readonly expiresAtMs: number
}

export interface ProofExpectation {
  readonly method: string
  readonly urls: readonly string[]
  readonly accessToken: string
  /** Empty where no nonces are asked for. */
  readonly livingNonces: readonly LivingNonce[]
  readonly nowMs: number
}

export interface DpopProofs {
  /** The proof, or `invalid_dpop_proof`, or `use_dpop_nonce` where the same request is good with a nonce of ours. */
  readonly judge: (text: string, expected: ProofExpectation) => Promise<GoodProof | Fault>
}

interface ProofKey {
  readonly algorithm: DpopAlgorithm
  readonly key: CryptoKey
  readonly thumbprint: string
}

export function dpopProofs(algorithms: readonly DpopAlgorithm[]): DpopProofs {
  const kept = new Map<string, ProofKey>()

  return {
    judge: async (text, expected) => {
      const parts = splitDpopProof(text)
      if (parts === null) return refused('the DPoP header is no proof')
      const [header, encodedClaims] = parts
      const claims = readDpopClaims(decoded(encodedClaims))
      if ('fault' in claims) return refused(claims.fault)
      const misfit = await judged(claims, expected)
      if (misfit !== null) return misfit
      const key = kept.get(header) ?? (await readKey(header, algorithms))
      if (typeof key === 'string') return refused(key)
      if (!(await isSignedBy(text, key.key, key.algorithm))) return refused('it is not signed with the key in it')
      keep(kept, header, key)
      const mark = await sha256(`${key.thumbprint} ${claims.tokenId}`)
      return { thumbprint: key.thumbprint, mark, expiresAtMs: endOf(claims, expected) }
    },
  }
}

async function judged(claims: DpopClaims, expected: ProofExpectation): Promise<Fault | null> {
  const { method, urls, livingNonces, nowMs } = expected
  const nonceIsRequired = livingNonces.length > 0
  const held: DpopExpectation = {
    method,
    urls,
    nowMs,
    accessTokenHash: await sha256(expected.accessToken),
    nonceIsRequired,
    isLivingNonce: text => livingNonces.some(({ nonce }) => nonce === text),
    aheadSecondsMax: clockErrorSecondsMax,
  }
  const misfit = judgeDpopClaims(claims, held)
  if (misfit === null) return null
  // A guard without nonces cannot help a clock that is off, and must not promise to.
  const wantsNonce = misfit.wantsNonce && nonceIsRequired
  return fault(wantsNonce ? 'use_dpop_nonce' : 'invalid_dpop_proof', `the DPoP proof is refused: ${misfit.fault}`)
}

/** With a nonce of ours the proof is good until the nonce is over, whatever its own time says. The same proof has one end. */
function endOf({ nonce, issuedAtMs }: DpopClaims, { livingNonces }: ProofExpectation): number {
  const living = livingNonces.find(each => each.nonce === nonce)
  return living?.expiresAtMs ?? issuedAtMs + proofAgeSecondsMax * 1000
}

async function readKey(encoded: string, algorithms: readonly DpopAlgorithm[]): Promise<ProofKey | string> {
  const header = readDpopHeader(decoded(encoded))
  if ('fault' in header) return header.fault
  const { algorithm, jwk } = header
  if (!algorithms.includes(algorithm)) return 'alg is none that this guard takes'
  if (isSecretJwk(jwk)) return 'jwk is a private or symmetric key'
  const weakness = weaknessOf(jwk)
  if (weakness !== null) return `jwk is refused: ${weakness}`
  const key = await importedKey(jwk, algorithm)
  return key === null ? 'jwk is no key for alg' : { algorithm, key, thumbprint: await sha256(thumbprintText(jwk)) }
}

async function importedKey(jwk: { readonly [member: string]: unknown }, algorithm: string): Promise<CryptoKey | null> {
  try {
    const key = await importJWK(plainJwk(jwk) as JWK, algorithm)
    return key instanceof CryptoKey ? key : null
  } catch {
    // Members that make no key are refused with one sentence; what the runtime says of them helps nobody.
    return null
  }
}

function keep(kept: Map<string, ProofKey>, header: string, key: ProofKey): void {
  if (kept.has(header)) return
  const [oldest] = kept.keys()
  if (kept.size >= proofKeysKeptMax && oldest !== undefined) kept.delete(oldest)
  kept.set(header, key)
}

function decoded(encoded: string): unknown {
  const text = decodeText(encoded)
  return text === null ? null : objectOf(text)
}

function refused(reason: string): Fault {
  return fault('invalid_dpop_proof', `the DPoP proof is refused: ${reason}`)
}
