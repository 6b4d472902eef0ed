import type { AuthorizationServer } from '../authorization-server.ts'
import { claimsAskedFor, claimsOfToday, idTokenClaims, type UserClaims } from '../user-claims.ts'
import type { AnswerInput } from './token-answer.ts'

/**
 * Fetches what the tokens of an answer are made from: the user's claims that the ID token must carry, and fresh signing
 * keys where nothing was signed for a long while. Null, and nothing is read, where neither is needed.
 */
export function beforeSigning(server: AuthorizationServer, signing: Signing): Promise<UserClaims> | null {
  const { signingKeys } = server
  const { nowMs } = signing
  const userClaims = userClaimsFor(server, signing)
  if (signingKeys.isReady(nowMs)) return userClaims
  return Promise.all([userClaims ?? {}, signingKeys.ready(nowMs)]).then(([claims]) => claims)
}

type Signing = Pick<AnswerInput, 'client' | 'family' | 'scopes' | 'nowMs'>

function userClaimsFor(server: AuthorizationServer, signing: Signing): Promise<UserClaims> | null {
  const { client, family, scopes } = signing
  const { subject } = family.grant
  if (subject === null || family.grant.claims === null || !scopes.includes('openid')) return null
  const claims = claimsOfToday(family.grant.claims, client)
  if (claimsAskedFor(claims, 'id_token').length === 0) return null
  return server.store.users.read(subject).then(reading => (reading === null ? {} : idTokenClaims(reading.user, claims)))
}
