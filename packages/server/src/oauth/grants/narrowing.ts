/**
 * Scope, resource and authorization details of one request within what was granted (RFC 6749 §6, RFC 8707 §2.2, RFC 9396
 * §6): they shrink, never grow (I7).
 */

import type { Grant } from '@pawl/family'
import { isResourceIndicator, isSubset, parseScope, resourcesMax } from '@pawl/protocol'
import type { AuthorizationDetail } from '../../domain/authorization-details/authorization-details.ts'
import type { Client } from '../../domain/client/client.ts'
import { narrowDetails } from '../authorization-details.ts'
import { OAuthError } from '../oauth-error.ts'
import { type Parameters, valueOf } from '../authorization-server.ts'

export interface Narrowed {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Null where none were granted (RFC 9396). */
  readonly authorizationDetails: readonly AuthorizationDetail[] | null
}

/**
 * What this one access token may do: what was granted, less what the client has lost since, less what the request leaves
 * out. Throws `invalid_scope`, `invalid_target` or `invalid_authorization_details`; the family stands as it was.
 */
export function narrow(grant: Grant, client: Client, parameters: Parameters): Narrowed {
  const scopes = narrowScopes(grant, client, parameters)
  const resources = narrowResources(grant, client, parameters)
  return { scopes, resources, authorizationDetails: narrowDetails(grant, client, parameters, resources) }
}

function narrowScopes(grant: Grant, client: Client, parameters: Parameters): readonly string[] {
  const allowed = grant.scopes.filter(scope => client.scopes.includes(scope))
  const text = valueOf(parameters, 'scope')
  if (text === undefined) return allowed
  const wanted = parseScope(text)
  if (wanted !== null && isSubset(wanted, allowed)) return wanted
  throw new OAuthError('invalid_scope', 'the scope is malformed or wider than what was granted', {
    context: { clientId: client.id },
  })
}

function narrowResources(grant: Grant, client: Client, parameters: Parameters): readonly string[] {
  const isLeft = (resource: string) => client.resources.length === 0 || client.resources.includes(resource)
  const allowed = grant.resources.filter(isLeft)
  const wanted = parameters.all('resource')
  // With none of them left there is no token: one for nothing in particular would be good at this server itself.
  if (wanted.length === 0 && (allowed.length > 0 || grant.resources.length === 0)) return allowed
  const isWithin =
    wanted.length > 0 && wanted.length <= resourcesMax && wanted.every(isResourceIndicator) && isSubset(wanted, allowed)
  if (isWithin) return [...new Set(wanted)]
  throw new OAuthError('invalid_target', 'a resource is malformed or was not granted', {
    context: { clientId: grant.clientId },
  })
}
