/**
 * What one of our access tokens is worth right now: signed by us and not expired, and its family alive, read from the
 * store each time. Introspection, userinfo and revocation all ask here, so that there is one truth.
 */

import { cutOffOf, expiryOf, type Family } from '@pawl/family'
import { type Confirmation, type PawlClaim, pawlClaim } from '../domain/token/issue.ts'
import { verifyJwt } from '../domain/token/verify-jwt.ts'
import type { AuthorizationServer } from './authorization-server.ts'

export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly scope: string
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly cnf?: Confirmation
  readonly pawl: PawlClaim
}

export interface LivingAccessToken {
  readonly claims: AccessTokenClaims
  readonly family: Family
}

/** No longer access token is given out, and none is parsed. */
export const accessTokenCharactersMax = 8192

/** The token and its family, or null when either is dead or was never ours. */
export async function readAccessToken(server: AuthorizationServer, text: string): Promise<LivingAccessToken | null> {
  const claims = await verifiedClaims(server, text)
  if (claims === null) return null
  const familyId = server.handles.open(claims.pawl.fam)
  if (familyId === null) return null
  const reading = await server.store.families.read(familyId)
  if (reading === null) return null
  const { family, cutOffs, nowMs } = reading
  if (family.end !== null || cutOffOf(family, cutOffs) !== null || expiryOf(family, nowMs) !== null) return null
  if (nowMs >= claims.exp * 1000 || family.grant.clientId !== claims.client_id) return null
  return (await server.store.deniedAccessTokens.isDenied(claims.jti)) ? null : { claims, family }
}

/** The claims of an access token that we signed and that has not expired, whatever has become of its family. */
export async function verifiedClaims(server: AuthorizationServer, text: string): Promise<AccessTokenClaims | null> {
  if (text.length > accessTokenCharactersMax) return null
  const nowMs = await server.store.now()
  const claims = await verifyJwt(server.signingKeys, text, {
    typ: 'at+jwt',
    issuer: server.issuer,
    nowMs,
    expired: 'refused',
  })
  return claims !== null && isAccessTokenClaims(claims) ? claims : null
}

export function audiencesOf(claims: AccessTokenClaims): readonly string[] {
  return typeof claims.aud === 'string' ? [claims.aud] : claims.aud
}

function isAccessTokenClaims(claims: object): claims is AccessTokenClaims {
  const { sub, client_id, jti, scope, [pawlClaim]: ours } = claims as Partial<AccessTokenClaims>
  return (
    [sub, client_id, jti, scope].every(each => typeof each === 'string') &&
    typeof ours === 'object' &&
    typeof ours?.fam === 'string'
  )
}
