/** Userinfo (OIDC Core §5.3): claims about the user behind an access token, as the granted scopes allow. */

import { audiencesOf, readAccessToken } from './access-token.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'
import { claimsOfToday, userinfoClaims } from './user-claims.ts'

/**
 * Answers the claims, `sub` first. Throws `invalid_token` for anything that is not a living access token of ours meant
 * for this server, and `insufficient_scope` without `openid` (RFC 6750 §3.1).
 */
export async function userinfo(
  server: AuthorizationServer,
  accessToken: string,
): Promise<{ readonly [name: string]: unknown }> {
  const living = await readAccessToken(server, accessToken)
  if (living === null) throw new OAuthError('invalid_token', 'the access token is not valid')
  const { claims, family } = living
  const context = { clientId: family.grant.clientId, familyId: family.id }
  if (!audiencesOf(claims).includes(server.issuer)) {
    throw new OAuthError('invalid_token', 'the access token is meant for another resource', { context })
  }
  const { subject } = family.grant
  const scopes = claims.scope.split(' ')
  if (subject === null || !scopes.includes('openid')) {
    throw new OAuthError('insufficient_scope', 'the access token has no openid scope', { context })
  }
  const reading = await server.store.users.read(subject)
  if (reading === null || reading.user.disabled) throw new OAuthError('invalid_token', 'the user is gone', { context })
  const client = (await server.store.clients.read(family.grant.clientId))?.client
  if (client === undefined) throw new OAuthError('invalid_token', 'the client is gone', { context })
  return { sub: subject, ...userinfoClaims(reading.user, scopes, claimsOfToday(family.grant.claims, client)) }
}
