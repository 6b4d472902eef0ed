/**
 * ID tokens (OIDC Core §2, §3.1.3.6, §12.2). After a refresh `auth_time` is still that of the sign-in, and there is no
 * nonce: the nonce belonged to the one authorization request.
 */

import { hash } from 'node:crypto'
import type { Family } from '@pawl/family'
import type { Client } from '../client/client.ts'
import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { Mint } from './issue.ts'
import { signJwt } from './sign-jwt.ts'

export interface IdTokenRequest {
  readonly client: Client
  readonly family: Family
  readonly accessToken: string
  /** Only in the answer to the code. */
  readonly nonce: string | null
  /** User claims that were asked for by name with the `claims` parameter. */
  readonly userClaims: { readonly [name: string]: unknown }
  readonly nowMs: number
}

/** How long a client may take an ID token as news of a sign-in. It carries no access, so one length fits all. */
export const idTokenSeconds = 3600

/** A signed ID token in the algorithm the client registered. */
export function issueIdToken(mint: Mint, request: IdTokenRequest): string {
  const { client, family, nowMs, nonce } = request
  const { subject, sessionId, acr, amr, authTimeMs } = family.grant
  const issuedAt = Math.floor(nowMs / 1000)
  return signJwt(mint.signingKeys.current(client.idTokenAlgorithm, nowMs), 'JWT', {
    ...request.userClaims,
    iss: mint.issuer,
    sub: subject === null ? undefined : mint.subjects.nameFor(client, subject),
    aud: client.id,
    azp: client.id,
    exp: issuedAt + idTokenSeconds,
    iat: issuedAt,
    auth_time: Math.floor(authTimeMs / 1000),
    ...(acr === null ? {} : { acr }),
    ...(amr.length > 0 ? { amr } : {}),
    ...(nonce === null ? {} : { nonce }),
    ...(sessionId === null ? {} : { sid: sessionId }),
    at_hash: accessTokenHash(request.accessToken, client.idTokenAlgorithm),
  })
}

/**
 * The left half of the hash that goes with the algorithm (OIDC Core §3.1.3.6): SHA-512 is in Ed25519, and ML-DSA has 512
 * bits of SHAKE256 in it, half of which are those that 256 bits of it would be.
 */
function accessTokenHash(accessToken: string, algorithm: SigningAlgorithm): string {
  switch (algorithm) {
    case 'ES256':
    case 'RS256':
    case 'PS256':
      return hash('sha256', accessToken, 'buffer').subarray(0, 16).toString('base64url')
    case 'EdDSA':
      return hash('sha512', accessToken, 'buffer').subarray(0, 32).toString('base64url')
    case 'ML-DSA-44':
    case 'ML-DSA-65':
      return hash('shake256', accessToken, { outputEncoding: 'buffer', outputLength: 32 }).toString('base64url')
  }
}
