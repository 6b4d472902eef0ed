/** A DPoP proof held against the request it came with (RFC 9449 §4.3), at the token endpoint and where a token is used. */

import { hash } from 'node:crypto'
import {
  clockErrorSecondsMax,
  type DpopClaims,
  dpopAlgorithms,
  dpopNonceHeader,
  judgeDpopClaims,
  proofAgeSecondsMax,
  serverAheadSecondsMax,
} from '@pawl/protocol'
import { type Client, isPublicClient } from '../domain/client/client.ts'
import { allowsAlgorithm, type ClientProfile } from '../domain/client/client-profile.ts'
import { nonceSecondsMax } from '../domain/dpop/dpop-nonces.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import type { AuthorizationServer, ProtocolRequest } from './authorization-server.ts'
import { OAuthError, type OAuthErrorCode, type RefusalContext } from './oauth-error.ts'

/** What a proof is held against. */
export interface Proven extends Presented {
  readonly method: string
  readonly path: string
  readonly nonceIsRequired: boolean
  /** How far ahead the client's clock may be where the proof has a nonce; as far as a person's by default. */
  readonly aheadSecondsMax?: number
  readonly profile?: ClientProfile | null
  /** The store's. */
  readonly nowMs: number
}

interface Presented {
  /** The access token that came along, or null at the endpoints that give them out. */
  readonly accessToken: string | null
  /** For the error, where there is one. */
  readonly context: Partial<RefusalContext>
}

export interface GoodProof {
  /** `jkt`: the thumbprint of its key. */
  readonly thumbprint: string
  readonly mark: Mark
}

/** What of that follows from whose proof it is. */
export function proofRulesOf(client: Client): Required<Pick<Proven, 'aheadSecondsMax' | 'profile'>> {
  return {
    aheadSecondsMax: isPublicClient(client) ? clockErrorSecondsMax : serverAheadSecondsMax,
    profile: client.profile,
  }
}

/**
 * The key that made the proof. Throws `invalid_dpop_proof`, or `use_dpop_nonce` with a nonce where the same request would
 * be taken with it. The signature is verified last, because everything else costs less.
 */
export function goodProof(server: AuthorizationServer, text: string, proven: Proven): GoodProof {
  const { proofs, nonces } = server.dpop
  const {
    method,
    path,
    accessToken,
    nonceIsRequired,
    aheadSecondsMax = clockErrorSecondsMax,
    profile = null,
    nowMs,
  } = proven
  const proof = proofs.read(text)
  if ('fault' in proof) throw refusedProof(proof.fault, proven)
  if (!allowsAlgorithm(profile, proof.key.algorithm)) throw refusedProof('alg is none of the profile', proven)
  const fault = judgeDpopClaims(proof.claims, {
    method,
    urls: server.urlsOf(path),
    nowMs,
    accessTokenHash: accessToken === null ? null : hash('sha256', accessToken, 'base64url'),
    nonceIsRequired,
    aheadSecondsMax,
    isLivingNonce: nonce => nonces.isLiving(nonce, nowMs),
  })
  if (fault !== null) throw refusedProof(fault.fault, proven, fault.wantsNonce ? nonces.current(nowMs) : null)
  if (!proofs.isGenuine(proof)) throw refusedProof('it is not signed with the key in it', proven)
  const { thumbprint, claims } = proof
  const value = `${thumbprint} ${path} ${claims.tokenId}`
  return { thumbprint, mark: { use: 'dpop', value, expiresAtMs: endOf(claims, nowMs) } }
}

/**
 * The header that tells the nonce to use next, on answers to those who showed a proof; none where no nonce is asked for
 * (RFC 9449 §8.2).
 */
export async function nextNonce(
  server: AuthorizationServer,
  { dpop }: Pick<ProtocolRequest, 'dpop'>,
): Promise<{ readonly [name: string]: string }> {
  if (dpop === undefined || !server.rules.dpopNonces) return noHeaders
  return { [dpopNonceHeader]: server.dpop.nonces.current(await server.store.now()) }
}

const noHeaders = {}

export function replayedProof(presented: Presented): OAuthError {
  return refusedProof('it was used before', presented)
}

/** The challenge of a scheme with what was wrong (RFC 6750 §3, RFC 9449 §7.1). */
export function challengeOf(scheme: 'Bearer' | 'DPoP', code: OAuthErrorCode): string {
  if (scheme === 'Bearer') return `Bearer error="${code}"`
  return `DPoP error="${code}", algs="${dpopAlgorithms.join(' ')}"`
}

/** From then on it is refused by its time, or by that of its nonce, and its mark is not needed any more. */
function endOf(claims: DpopClaims, nowMs: number): number {
  if (claims.nonce !== null) return nowMs + nonceSecondsMax * 1000
  return claims.issuedAtMs + proofAgeSecondsMax * 1000
}

/** 400 where tokens are given out (RFC 9449 §5, §8), 401 with a challenge where they are used (§7.1, §9). */
function refusedProof(fault: string, { accessToken, context }: Presented, nonce: string | null = null): OAuthError {
  const code = nonce === null ? 'invalid_dpop_proof' : 'use_dpop_nonce'
  const headers = {
    ...(nonce !== null && { [dpopNonceHeader]: nonce }),
    ...(accessToken !== null && { 'WWW-Authenticate': challengeOf('DPoP', code) }),
  }
  const status = accessToken === null ? 400 : 401
  return new OAuthError(code, `the DPoP proof is refused: ${fault}`, { status, headers, context })
}
