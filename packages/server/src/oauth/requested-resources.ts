import { isResourceIndicator, resourcesMax } from '@pawl/protocol'
import type { Client } from '../domain/client/client.ts'
import type { Parameters } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

/**
 * The resources of a request that starts a grant (RFC 8707 §2.1). A client registered with resources may name those and
 * no others; one registered with none may name any, and the user sees them. Throws `invalid_target`.
 */
export function requestedResources(client: Client, parameters: Parameters): readonly string[] {
  const wanted = [...new Set(parameters.all('resource'))]
  const isAllowed = (resource: string) => client.resources.length === 0 || client.resources.includes(resource)
  if (wanted.length <= resourcesMax && wanted.every(each => isResourceIndicator(each) && isAllowed(each))) return wanted
  throw new OAuthError('invalid_target', 'a resource is malformed or not registered for this client', {
    context: { clientId: client.id },
  })
}
