/** A DPoP proof held against the request it came with (RFC 9449 §4.3), at the token endpoint and where a token is used. */

import { hash } from 'node:crypto'
import { type DpopClaims, type DpopFault, dpopNonceHeader, judgeDpopClaims, proofAgeSecondsMax } from '@pawl/protocol'
import { nonceSecondsMax } from '../domain/dpop/dpop-nonces.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { OAuthError, type OAuthErrorOptions } from './oauth-error.ts'

/** What a proof is held against. */
export interface Proven {
  readonly method: string
  readonly path: string
  /** The access token that came along, or null. */
  readonly accessToken: string | null
  readonly nonceIsRequired: boolean
  /** The store's. */
  readonly nowMs: number
  /** For the error, where there is one. */
  readonly about: OAuthErrorOptions
}

export interface GoodProof {
  /** `jkt`: the thumbprint of its key. */
  readonly thumbprint: string
  readonly mark: Mark
}

/**
 * The key that made the proof. Throws `invalid_dpop_proof`, or `use_dpop_nonce` with a nonce where the same request would
 * be taken with it. The signature is verified last, because everything else costs less.
 */
export function goodProof(server: AuthorizationServer, text: string, proven: Proven): GoodProof {
  const { proofs, nonces } = server.dpop
  const { method, path, accessToken, nonceIsRequired, nowMs, about } = proven
  const proof = proofs.read(text)
  if ('fault' in proof) throw refused(server, proof, proven)
  const fault = judgeDpopClaims(proof.claims, {
    method,
    urls: server.urlsOf(path),
    nowMs,
    accessTokenHash: accessToken === null ? null : hash('sha256', accessToken, 'base64url'),
    nonceIsRequired,
    isLivingNonce: nonce => nonces.isLiving(nonce, nowMs),
  })
  if (fault !== null) throw refused(server, fault, proven)
  if (!proofs.isGenuine(proof)) {
    throw new OAuthError('invalid_dpop_proof', 'the DPoP proof is not signed with the key in it', about)
  }
  const { thumbprint, claims } = proof
  const value = `${thumbprint} ${path} ${claims.tokenId}`
  return { thumbprint, mark: { use: 'dpop', value, expiresAtMs: endOf(claims, nowMs) } }
}

export function replayedProof(about: OAuthErrorOptions): OAuthError {
  return new OAuthError('invalid_dpop_proof', 'the DPoP proof was used before', about)
}

/** From then on it is refused by its time, or by that of its nonce, and its mark is not needed any more. */
function endOf(claims: DpopClaims, nowMs: number): number {
  if (claims.nonce !== null) return nowMs + nonceSecondsMax * 1000
  return claims.issuedAtMs + proofAgeSecondsMax * 1000
}

function refused(server: AuthorizationServer, fault: DpopFault, { nowMs, about }: Proven): OAuthError {
  const detail = `the DPoP proof is refused: ${fault.fault}`
  if (!fault.wantsNonce) return new OAuthError('invalid_dpop_proof', detail, about)
  const headers = { ...about.headers, [dpopNonceHeader]: server.dpop.nonces.current(nowMs) }
  return new OAuthError('use_dpop_nonce', detail, { ...about, headers })
}
