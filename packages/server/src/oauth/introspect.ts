/**
 * Introspection (RFC 7662). Says nothing to clients without a credential, and nothing about tokens that are not the
 * caller's or meant for it: then, as for anything unknown, the answer is `{"active":false}` and no more.
 */

import { type Binding, cutOffOf, expiresAtMs, expiryOf, type Grant } from '@pawl/family'
import { grantedDetails } from '../domain/authorization-details/authorization-details.ts'
import type { Client } from '../domain/client/client.ts'
import { withLifetimesOfToday } from '../domain/family/lifetimes-of-today.ts'
import { kindOf } from '../domain/token/codec.ts'
import type { Confirmation } from '../domain/token/issue.ts'
import { type AccessTokenClaims, audiencesOf, readAccessToken } from './access-token.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { authenticateConfidentialClient } from './client-authentication.ts'
import { OAuthError } from './oauth-error.ts'

export type Introspection =
  | { readonly active: false }
  | ({ readonly active: true } & { readonly [name: string]: unknown })

export interface IntrospectionAnswer {
  readonly introspection: Introspection
  readonly client: Client
}

export async function introspect(server: AuthorizationServer, request: ProtocolRequest): Promise<IntrospectionAnswer> {
  const client = await authenticateConfidentialClient(server, request)
  const token = valueOf(request.parameters, 'token')
  if (token === undefined)
    throw new OAuthError('invalid_request', 'token is missing', { context: { clientId: client.id } })
  const introspection = kindOf(token) === 'refresh_token' ? aboutRefreshToken : aboutAccessToken
  return { introspection: await introspection(server, client, token), client }
}

async function aboutAccessToken(server: AuthorizationServer, client: Client, token: string): Promise<Introspection> {
  const living = await readAccessToken(server, token)
  if (living === null || !(await mayKnow(server, client, living.claims))) return { active: false }
  const { pawl: _ours, ...claims } = living.claims
  // RFC 9449 §6.2, RFC 8705 §3.2: `cnf` is among the claims, and tells the resource server whose key to ask for.
  return { active: true, token_type: claims.cnf?.jkt === undefined ? 'Bearer' : 'DPoP', ...claims }
}

/** Whoever holds it, whoever it is for, and whoever the register of resources names for its audience. */
async function mayKnow(server: AuthorizationServer, client: Client, claims: AccessTokenClaims): Promise<boolean> {
  if (claims.client_id === client.id) return true
  const audiences = audiencesOf(claims)
  if (audiences.some(audience => audience === client.id || client.audiences.includes(audience))) return true
  const registered = await Promise.all(audiences.map(audience => server.store.resources.ofAudience(audience)))
  return registered.flat().some(({ introspectors }) => introspectors.includes(client.id))
}

/** Only the current token is active: a spent one refreshes nothing, though its holder may still repeat it. */
async function aboutRefreshToken(server: AuthorizationServer, client: Client, token: string): Promise<Introspection> {
  const presented = server.codec.parse('refresh_token', token)
  const reading = presented === null ? null : await server.store.families.read(presented.familyId)
  if (presented === null || reading === null) return { active: false }
  const { cutOffs, nowMs } = reading
  if (!server.codec.provesSeed(presented, reading.family.seed)) return { active: false }
  if (reading.family.grant.clientId !== client.id) return { active: false }
  const family = withLifetimesOfToday(reading.family, client)
  const isCurrent = presented.generation === family.generation && family.generation > 0 && family.refreshable
  const isOver = family.end !== null || cutOffOf(family, cutOffs) !== null || expiryOf(family, nowMs) !== null
  if (!isCurrent || isOver) return { active: false }
  return {
    active: true,
    iss: server.issuer,
    client_id: client.id,
    ...(family.grant.subject === null ? {} : { sub: server.subjects.nameFor(client, family.grant.subject) }),
    scope: family.grant.scopes.join(' '),
    ...detailsPart(family.grant),
    ...confirmationPart(family.binding),
    iat: Math.floor(family.rotatedAtMs / 1000),
    exp: Math.floor(expiresAtMs(family) / 1000),
  }
}

/** Whose key has to come with it (RFC 9449 §6.1, RFC 8705 §3.1). That of an instance goes by its thumbprint, as a DPoP key. */
function confirmationPart(binding: Binding | null): { readonly cnf?: Confirmation } {
  if (binding === null) return {}
  const { kind, thumbprint } = binding
  return { cnf: kind === 'certificate' ? { 'x5t#S256': thumbprint } : { jkt: thumbprint } }
}

function detailsPart({ authorizationDetails }: Grant): { readonly authorization_details?: readonly object[] } {
  return authorizationDetails === null ? {} : { authorization_details: grantedDetails(authorizationDetails) }
}
