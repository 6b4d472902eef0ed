import type { Family } from '@pawl/family'
import type { AuthorizationServer } from '../authorization-server.ts'
import { claimsAskedFor, idTokenClaims } from '../user-claims.ts'

/** The user's claims an ID token must carry, or null when none were asked for: then nothing is read. */
export function userClaimsFor(
  server: AuthorizationServer,
  family: Family,
  scopes: readonly string[],
): Promise<{ readonly [name: string]: unknown }> | null {
  const { subject, claims } = family.grant
  if (subject === null || !scopes.includes('openid')) return null
  if (claimsAskedFor(claims, 'id_token').length === 0) return null
  return server.store.users.read(subject).then(reading => (reading === null ? {} : idTokenClaims(reading.user, claims)))
}
