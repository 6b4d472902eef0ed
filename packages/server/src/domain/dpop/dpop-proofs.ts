/**
 * Reads DPoP proofs and verifies their signatures (RFC 9449 §4.3, numbers 2 to 7). A client's header is the same text in
 * every proof of its, so the key it holds is imported once and kept: a proof then costs one verification.
 */

import { constants, hash, type KeyObject, verify } from 'node:crypto'
import {
  type DpopAlgorithm,
  type DpopClaims,
  type DpopFault,
  readDpopClaims,
  readDpopHeader,
  splitDpopProof,
  thumbprintText,
} from '@pawl/protocol'
import { isKey, judgeKey, mayVerify } from '../client/client-key.ts'
import { derFromRaw, rawSignatureBytes } from '../token/ecdsa-signature.ts'

/** About two kilobytes each. A key that is not among them is imported again. */
export const proofKeysKeptMax = 4096

export interface DpopProof {
  readonly claims: DpopClaims
  /** Of the key in the proof (RFC 7638): `jkt`. */
  readonly thumbprint: string
  /** The encoded header: the name its key is kept by. */
  readonly header: string
  readonly key: ProofKey
  /** What was signed, and what it was signed with. */
  readonly signed: string
  readonly signature: string
}

export interface ProofKey {
  readonly algorithm: DpopAlgorithm
  readonly publicKey: KeyObject
  readonly thumbprint: string
}

export interface DpopProofs {
  /** What a proof says, believed by nobody yet. */
  readonly read: (text: string) => DpopProof | DpopFault
  /** True where the proof is signed with the key in it. */
  readonly isGenuine: (proof: DpopProof) => boolean
}

export function dpopProofs(): DpopProofs {
  const kept = new Map<string, ProofKey>()
  return {
    read: text => {
      const parts = splitDpopProof(text)
      if (parts === null) return fault('the DPoP header is no proof')
      const [header, encodedClaims, signature] = parts
      const key = kept.get(header) ?? readKey(header)
      if ('fault' in key) return key
      const claims = readDpopClaims(decoded(encodedClaims))
      if ('fault' in claims) return claims
      const signed = text.slice(0, header.length + 1 + encodedClaims.length)
      return { claims, thumbprint: key.thumbprint, header, key, signed, signature }
    },
    isGenuine: ({ header, key, signed, signature }) => {
      const isGood = isSignedBy(key, Buffer.from(signed, 'latin1'), Buffer.from(signature, 'base64url'))
      // Only who holds a key gets it kept, and the oldest makes room.
      if (isGood && !kept.has(header)) keep(kept, header, key)
      return isGood
    },
  }
}

function keep(kept: Map<string, ProofKey>, header: string, key: ProofKey): void {
  const [oldest] = kept.keys()
  if (kept.size >= proofKeysKeptMax && oldest !== undefined) kept.delete(oldest)
  kept.set(header, key)
}

function readKey(encoded: string): ProofKey | DpopFault {
  const header = readDpopHeader(decoded(encoded))
  if ('fault' in header) return header
  const { algorithm, jwk } = header
  const judged = judgeKey(jwk)
  if (!isKey(judged)) return fault(`jwk is refused: ${judged.refusal}`)
  if (!mayVerify(judged, algorithm)) return fault('jwk is no key for alg')
  const thumbprint = hash('sha256', thumbprintText(judged.jwk), 'base64url')
  return { algorithm, publicKey: judged.publicKey, thumbprint }
}

function isSignedBy({ algorithm, publicKey }: ProofKey, signed: Buffer, signature: Buffer): boolean {
  switch (algorithm) {
    case 'ES256':
      return signature.length === rawSignatureBytes && verify('sha256', signed, publicKey, derFromRaw(signature))
    case 'ES384':
      return verify('sha384', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    case 'ES512':
      return verify('sha512', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    case 'EdDSA':
    case 'Ed25519':
      return verify(null, signed, publicKey, signature)
    case 'PS256':
      return verify('sha256', signed, { key: publicKey, ...pss }, signature)
    case 'RS256':
      return verify('sha256', signed, publicKey, signature)
  }
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }

function decoded(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
  } catch {
    // Text that is no JSON is no part of a proof; what exactly is wrong with it helps nobody.
    return null
  }
}

function fault(sentence: string): DpopFault {
  return { fault: sentence, wantsNonce: false }
}
