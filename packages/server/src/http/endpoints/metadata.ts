import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { authorizationServerMetadata, openidConfiguration } from '../../oauth/metadata.ts'
import type { HttpResponse } from '../exchange.ts'
import type { Endpoint } from '../router.ts'

/** How long anyone may keep metadata and keys. A new signing key is published for longer than this before it signs. */
export const publicCacheSeconds = 300

export function authorizationServerMetadataEndpoint(server: AuthorizationServer): Endpoint {
  const response = publicJson(authorizationServerMetadata(server.issuer))
  return async () => response
}

export function openidConfigurationEndpoint(server: AuthorizationServer): Endpoint {
  const response = publicJson(openidConfiguration(server.issuer))
  return async () => response
}

export function jwksEndpoint(server: AuthorizationServer): Endpoint {
  return async () => publicJson(await server.signingKeys.jwks(await server.store.now()))
}

function publicJson(body: object): HttpResponse {
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': `public, max-age=${publicCacheSeconds}`,
    'X-Content-Type-Options': 'nosniff',
  }
  return { status: 200, headers, body: JSON.stringify(body) }
}
