/** Resource indicators (RFC 8707) held against the register. */

import { isResourceIndicator, resourcesMax } from '@pawl/protocol'
import type { Client } from '../domain/client/client.ts'
import { allowsAlgorithm } from '../domain/client/client-profile.ts'
import { plainResource, type Resource } from '../domain/resource/resource.ts'
import { type Target, targetOf } from '../domain/resource/target.ts'
import type { AuthorizationServer, Parameters } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

/**
 * The resources of a request that starts a grant (RFC 8707 §2.1). A client registered with resources may name those and
 * no others. Whatever is named must be in the register, unless the operator lets clients name any: the user sees them.
 * Throws `invalid_target`.
 */
export async function requestedResources(
  server: AuthorizationServer,
  client: Client,
  parameters: Parameters,
): Promise<readonly string[]> {
  const wanted = [...new Set(parameters.all('resource'))]
  const isAllowed = (resource: string) => client.resources.length === 0 || client.resources.includes(resource)
  if (wanted.length > resourcesMax || !wanted.every(each => isResourceIndicator(each) && isAllowed(each))) {
    throw wrongTarget(client, 'a resource is malformed or not registered for this client')
  }
  await resourcesCalled(server, client, wanted)
  return wanted
}

/**
 * What a token for these resources looks like. Throws `invalid_target` for one that is not in the register any more, and
 * where they want different things: then the client asks for one token each.
 */
export async function readTarget(
  server: AuthorizationServer,
  client: Client,
  indicators: readonly string[],
): Promise<Target> {
  const target = targetOf(await resourcesCalled(server, client, indicators))
  if (target !== null) return target
  const description = 'The resources want different access tokens: ask for a token for each of them.'
  throw wrongTarget(client, 'the resources want different access tokens', description)
}

async function resourcesCalled(
  server: AuthorizationServer,
  client: Client,
  indicators: readonly string[],
): Promise<readonly Resource[]> {
  const readings = await Promise.all(indicators.map(indicator => server.store.resources.read(indicator)))
  return readings.map((reading, at) => {
    const indicator = indicators[at] ?? ''
    if (reading !== null) return refuseAlgorithm(client, reading.resource)
    // The server itself is a resource that nobody has to register: its userinfo.
    if (server.rules.resources === 'any' || indicator === server.issuer) return plainResource(indicator, 0)
    throw wrongTarget(client, `there is no resource ${indicator.slice(0, 200)} in the register`)
  })
}

function refuseAlgorithm(client: Client, resource: Resource): Resource {
  if (allowsAlgorithm(client.profile, resource.signingAlgorithm)) return resource
  throw wrongTarget(
    client,
    `tokens for ${resource.indicator} are signed with ${resource.signingAlgorithm}, which its profile does not allow`,
  )
}

function wrongTarget(client: Client, detail: string, description?: string): OAuthError {
  const context = { clientId: client.id }
  return new OAuthError('invalid_target', detail, description === undefined ? { context } : { description, context })
}
