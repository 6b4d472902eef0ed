/** Userinfo (OIDC Core §5.3): claims about the user behind an access token, as the granted scopes allow. */

import { audiencesOf, readAccessToken } from './access-token.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { type DressedAnswer, dressedAnswer } from './dressed-answer.ts'
import { type ProtectedRequest, protectedFailure, proveHolder } from './protected-request.ts'
import { claimsOfToday, userinfoClaims } from './user-claims.ts'

/**
 * Answers the claims, `sub` first, as the client is registered to get them (OIDC Core §5.3.2). Throws `invalid_token` for anything that is not a living access token of ours meant
 * for this server, from whoever it is bound to, and `insufficient_scope` without `openid` (RFC 6750 §3.1).
 */
export async function userinfo(server: AuthorizationServer, request: ProtectedRequest): Promise<DressedAnswer> {
  const { scheme } = request
  const living = await readAccessToken(server, request.accessToken)
  if (living === null) throw protectedFailure('invalid_token', 'the access token is not valid', { scheme })
  await proveHolder(server, request, living)
  const { claims, family } = living
  const context = { clientId: family.grant.clientId, familyId: family.id }
  const about = { scheme, context }
  if (!audiencesOf(claims).includes(server.issuer)) {
    throw protectedFailure('invalid_token', 'the access token is meant for another resource', about)
  }
  const { subject } = family.grant
  const scopes = claims.scope.split(' ')
  if (subject === null || !scopes.includes('openid')) {
    throw protectedFailure('insufficient_scope', 'the access token has no openid scope', about)
  }
  const reading = await server.store.users.read(subject)
  if (reading === null || reading.user.disabled) throw protectedFailure('invalid_token', 'the user is gone', about)
  const client = (await server.store.clients.read(family.grant.clientId))?.client
  if (client === undefined) throw protectedFailure('invalid_token', 'the client is gone', about)
  const told = userinfoClaims(reading.user, scopes, claimsOfToday(family.grant.claims, client))
  const answer = { sub: server.subjects.nameFor(client, subject), ...told }
  const signedClaims = { iss: server.issuer, aud: client.id }
  return dressedAnswer(server, client, client.tokens.userinfo, { typ: 'JWT', claims: answer, signedClaims })
}
