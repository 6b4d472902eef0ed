import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import {
  authorizationServerMetadata,
  metadataCacheSeconds,
  openidConfiguration,
  publicKeys,
} from '../../oauth/metadata.ts'
import type { HttpResponse } from '../exchange.ts'
import type { Endpoint } from '../router.ts'

export function authorizationServerMetadataEndpoint(server: AuthorizationServer): Endpoint {
  const response = publicJson(authorizationServerMetadata(server.issuer))
  return async () => response
}

export function openidConfigurationEndpoint(server: AuthorizationServer): Endpoint {
  const response = publicJson(openidConfiguration(server.issuer))
  return async () => response
}

export function jwksEndpoint(server: AuthorizationServer): Endpoint {
  return async () => publicJson(await publicKeys(server))
}

function publicJson(body: object): HttpResponse {
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': `public, max-age=${metadataCacheSeconds}`,
    'X-Content-Type-Options': 'nosniff',
  }
  return { status: 200, headers, body: JSON.stringify(body) }
}
