/**
 * What one of our access tokens is worth right now: made by us and not expired, and its family alive, read from the store
 * each time. Introspection, userinfo and revocation all ask here, so that there is one truth for JWTs and opaque tokens.
 */

import { cutOffOf, expiryOf, type Family, type FamilyId } from '@pawl/family'
import type { FamilyReading } from '../domain/family/family-store.ts'
import { parseClientId } from '../domain/identifiers.ts'
import { kindOf } from '../domain/token/codec.ts'
import { type Confirmation, type PawlClaim, pawlClaim } from '../domain/token/issue.ts'
import { accessTokenCharactersMax } from '../domain/token/opaque-access-token.ts'
import { verifyJwt } from '../domain/token/verify-jwt.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { Act } from './grants/actor.ts'

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
  /** Who acts, and who may (RFC 8693 §4.1, §4.4). */
  readonly act?: Act
  readonly may_act?: unknown
  readonly pawl: PawlClaim
}

export interface LivingAccessToken {
  readonly claims: AccessTokenClaims
  readonly family: Family
}

/** The token and its family, or null when either is dead or was never ours. */
export async function readAccessToken(server: AuthorizationServer, text: string): Promise<LivingAccessToken | null> {
  const genuine = await genuineAccessToken(server, text)
  if (genuine === null) return null
  const { claims } = genuine
  const reading = genuine.reading ?? (await server.store.families.read(genuine.familyId))
  if (reading === null) return null
  const { family, cutOffs, nowMs } = reading
  if (family.end !== null || cutOffOf(family, cutOffs) !== null || expiryOf(family, nowMs) !== null) return null
  const { owner } = claims.pawl
  if (nowMs >= claims.exp * 1000 || family.grant.clientId !== (owner ?? claims.client_id)) return null
  if (owner !== undefined && !(await standsWithItsClient(server, claims, family))) return null
  return (await server.store.deniedAccessTokens.isDenied(claims.jti)) ? null : { claims, family }
}

/** Of a token that was exchanged: no cut-off of its family tells what has become of the client it was made for. */
async function standsWithItsClient(
  { store }: AuthorizationServer,
  { client_id, pawl }: AccessTokenClaims,
  { grant }: Family,
): Promise<boolean> {
  const clientId = parseClientId(client_id)
  const reading = clientId === null ? null : await store.clients.read(clientId)
  if (clientId === null || reading === null || reading.client.disabled) return false
  const { subject } = grant
  const cutOffs = await Promise.all([
    store.cutOffs.latest({ kind: 'client', clientId }),
    subject === null ? 0 : store.cutOffs.latest({ kind: 'consent', subject, clientId }),
  ])
  return (pawl.made_ms ?? 0) >= Math.max(...cutOffs)
}

export interface GenuineAccessToken {
  readonly claims: AccessTokenClaims
  readonly familyId: FamilyId
  /** Where the family had to be read to find out. */
  readonly reading: FamilyReading | null
}

/** An access token that we made and that has not expired, whatever has become of its family; null for anything else. */
export async function genuineAccessToken(
  server: AuthorizationServer,
  text: string,
): Promise<GenuineAccessToken | null> {
  if (text.length > accessTokenCharactersMax) return null
  return kindOf(text) === 'access_token' ? genuineOpaque(server, text) : genuineJwt(server, text)
}

export function audiencesOf(claims: AccessTokenClaims): readonly string[] {
  return typeof claims.aud === 'string' ? [claims.aud] : claims.aud
}

async function genuineJwt(server: AuthorizationServer, text: string): Promise<GenuineAccessToken | null> {
  const { issuer, signingKeys } = server
  const nowMs = await server.store.now()
  const claims = await verifyJwt(signingKeys, text, { typ: 'at+jwt', issuer, nowMs, expired: 'refused' })
  if (claims === null || !isAccessTokenClaims(claims)) return null
  const familyId = server.handles.open(claims.pawl.fam)
  return familyId === null ? null : { claims, familyId, reading: null }
}

/** Only the row of its family opens it, so one that is gone makes it nobody's. */
async function genuineOpaque(server: AuthorizationServer, text: string): Promise<GenuineAccessToken | null> {
  const presented = server.opaqueAccessTokens.parse(text)
  if (presented === null) return null
  const reading = await server.store.families.read(presented.familyId)
  if (reading === null) return null
  const claims = server.opaqueAccessTokens.open(presented, reading.family.seed)
  if (claims === null || !isAccessTokenClaims(claims) || reading.nowMs >= claims.exp * 1000) return null
  return { claims, familyId: presented.familyId, reading }
}

function isAccessTokenClaims(claims: object): claims is AccessTokenClaims {
  const { sub, client_id, jti, scope, exp, [pawlClaim]: ours } = claims as Partial<AccessTokenClaims>
  return (
    [sub, client_id, jti, scope].every(each => typeof each === 'string') &&
    typeof exp === 'number' &&
    typeof ours === 'object' &&
    typeof ours?.fam === 'string'
  )
}
