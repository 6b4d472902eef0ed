/**
 * The tokens of one answer. Access tokens follow RFC 9068, ID tokens OIDC Core §2. Both are signed with the store's time
 * and never outlive the family.
 */

import type { Family } from '@pawl/family'
import type { Client } from '../client/client.ts'
import type { Entropy } from '../entropy.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'
import type { FamilyHandle } from './family-handle.ts'
import { signJwt } from './sign-jwt.ts'

export interface Mint {
  readonly issuer: string
  readonly entropy: Entropy
  readonly handles: FamilyHandle
  readonly signingKeys: SigningKeys
}

export interface AccessTokenRequest {
  readonly client: Client
  readonly family: Family
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Null where none were granted (RFC 9396 §9.1). */
  readonly authorizationDetails: readonly object[] | null
  readonly nowMs: number
}

/** `cnf` (RFC 7800): the thumbprint of a DPoP key (RFC 9449 §6.1), of a certificate (RFC 8705 §3.1), or of both. */
export interface Confirmation {
  readonly jkt?: string
  readonly 'x5t#S256'?: string
}

export interface IssuedAccessToken {
  readonly token: string
  readonly expiresInSeconds: number
}

/** The claim under which everything of ours stands: the family's handle and the two moments that cut-offs compare with. */
export const pawlClaim = 'pawl'

export interface PawlClaim {
  readonly fam: string
  readonly opened_ms: number
  readonly auth_ms: number
}

/**
 * A signed access token that lives no longer than its family, bound to the key that `confirmation` names, if any. Without
 * a resource its audience is the issuer.
 */
export function issueAccessToken(
  mint: Mint,
  request: AccessTokenRequest,
  confirmation: Confirmation | null,
): IssuedAccessToken {
  const { client, family, nowMs } = request
  const { subject, acr, amr, authTimeMs } = family.grant
  const isUser = subject !== null
  const issuedAt = Math.floor(nowMs / 1000)
  const expiresAt = Math.min(issuedAt + client.accessTokenSeconds, Math.floor(family.absoluteExpiresAtMs / 1000))
  const token = signJwt(mint.signingKeys.current('ES256', nowMs), 'at+jwt', {
    iss: mint.issuer,
    sub: subject ?? client.id,
    aud: audienceOf(mint.issuer, request.resources),
    client_id: client.id,
    exp: expiresAt,
    iat: issuedAt,
    jti: Buffer.from(mint.entropy.bytes(16)).toString('base64url'),
    scope: request.scopes.join(' '),
    authorization_details: request.authorizationDetails ?? undefined,
    // RFC 9068 §2.2.1: when and how the user proved who they are; nothing for a client that acts for itself.
    auth_time: isUser ? Math.floor(authTimeMs / 1000) : undefined,
    acr: isUser ? (acr ?? undefined) : undefined,
    amr: isUser && amr.length > 0 ? amr : undefined,
    cnf: confirmation ?? undefined,
    [pawlClaim]: pawlClaimOf(mint, family),
  })
  return { token, expiresInSeconds: Math.max(0, expiresAt - issuedAt) }
}

function audienceOf(issuer: string, resources: readonly string[]): string | readonly string[] {
  const [first] = resources
  if (first === undefined) return issuer
  return resources.length === 1 ? first : resources
}

function pawlClaimOf(mint: Mint, family: Family): PawlClaim {
  return {
    fam: mint.handles.make(family.id),
    opened_ms: family.createdAtMs,
    auth_ms: family.grant.authTimeMs,
  }
}
