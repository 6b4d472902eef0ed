import type { Family } from '@pawl/family'
import type { AuthorizationServer } from '../authorization-server.ts'
import { claimsAskedFor, idTokenClaims, type UserClaims } from '../user-claims.ts'

/**
 * Fetches what the tokens of an answer are made from: the user's claims that the ID token must carry, and fresh signing
 * keys where nothing was signed for a long while. Null, and nothing is read, where neither is needed.
 */
export function beforeSigning(
  server: AuthorizationServer,
  family: Family,
  scopes: readonly string[],
  nowMs: number,
): Promise<UserClaims> | null {
  const { signingKeys } = server
  const userClaims = userClaimsFor(server, family, scopes)
  if (signingKeys.isReady(nowMs)) return userClaims
  return Promise.all([userClaims ?? {}, signingKeys.ready(nowMs)]).then(([claims]) => claims)
}

function userClaimsFor(
  server: AuthorizationServer,
  family: Family,
  scopes: readonly string[],
): Promise<UserClaims> | null {
  const { subject, claims } = family.grant
  if (subject === null || !scopes.includes('openid')) return null
  if (claimsAskedFor(claims, 'id_token').length === 0) return null
  return server.store.users.read(subject).then(reading => (reading === null ? {} : idTokenClaims(reading.user, claims)))
}
