/**
 * The tokens of one answer. Access tokens follow RFC 9068, ID tokens OIDC Core §2. Both are signed with the store's time
 * and never outlive the family.
 */

import type { ClientId, Family } from '@pawl/family'
import type { Client } from '../client/client.ts'
import type { Entropy } from '../entropy.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'
import type { Target } from '../resource/target.ts'
import type { FamilyHandle } from './family-handle.ts'
import type { OpaqueAccessTokens } from './opaque-access-token.ts'
import { signJwt } from './sign-jwt.ts'
import type { Subjects } from './subjects.ts'

export interface Mint {
  readonly issuer: string
  readonly entropy: Entropy
  readonly handles: FamilyHandle
  readonly signingKeys: SigningKeys
  readonly opaqueAccessTokens: OpaqueAccessTokens
  readonly subjects: Subjects
}

export interface AccessTokenRequest {
  readonly client: Client
  readonly family: Family
  readonly scopes: readonly string[]
  /** Null: the server itself, in the client's own format. */
  readonly target: Target | null
  /** Beside those of the protocol, which come first; null: none. */
  readonly accessTokenClaims: { readonly [name: string]: unknown } | null
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
  /** Of a token that was exchanged and is another client's (RFC 8693): the client of the family. */
  readonly owner?: ClientId
  /** And when it was made, with which cut-offs of the client that has it compare. */
  readonly made_ms?: number
}

/**
 * An access token that lives no longer than its family, bound to the key that `confirmation` names, if any. Without a
 * resource its audience is the issuer.
 */
export function issueAccessToken(
  mint: Mint,
  request: AccessTokenRequest,
  confirmation: Confirmation | null,
): IssuedAccessToken {
  const { client, family, target, nowMs } = request
  const { subject, acr, amr, authTimeMs } = family.grant
  const isUser = subject !== null
  const issuedAt = Math.floor(nowMs / 1000)
  const seconds = Math.min(client.accessTokenSeconds, target?.secondsMax ?? client.accessTokenSeconds)
  const expiresAt = Math.min(issuedAt + seconds, Math.floor(family.absoluteExpiresAtMs / 1000))
  const own = {
    iss: mint.issuer,
    sub: subject === null ? family.grant.clientId : mint.subjects.nameFor(client, subject),
    aud: audienceOf(mint.issuer, target),
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
    [pawlClaim]: pawlClaimOf(mint, request),
  }
  const claims = request.accessTokenClaims === null ? own : { ...request.accessTokenClaims, ...own }
  return { token: written(mint, request, claims), expiresInSeconds: Math.max(0, expiresAt - issuedAt) }
}

function written(mint: Mint, { client, family, target, nowMs }: AccessTokenRequest, claims: object): string {
  const format = target?.format ?? client.tokens.accessTokenFormat
  if (format === 'opaque') return mint.opaqueAccessTokens.seal(family, claims)
  return signJwt(mint.signingKeys.current(target?.algorithm ?? 'ES256', nowMs), 'at+jwt', claims)
}

function audienceOf(issuer: string, target: Target | null): string | readonly string[] {
  if (target === null) return issuer
  const [first = issuer] = target.audiences
  return target.audiences.length === 1 ? first : target.audiences
}

function pawlClaimOf(mint: Mint, { family, client, nowMs }: AccessTokenRequest): PawlClaim {
  const { clientId, authTimeMs } = family.grant
  const ours = { fam: mint.handles.make(family.id), opened_ms: family.createdAtMs, auth_ms: authTimeMs }
  return clientId === client.id ? ours : { ...ours, owner: clientId, made_ms: nowMs }
}
