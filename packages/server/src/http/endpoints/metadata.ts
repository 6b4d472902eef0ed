import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { detailsTypesMetadata } from '../../oauth/authorize/request-metadata.ts'
import { metadataCacheSeconds, publicKeys, serverMetadata } from '../../oauth/metadata.ts'
import type { HttpResponse } from '../exchange.ts'
import type { Endpoint } from '../router.ts'

export function metadataEndpoint(server: AuthorizationServer): Endpoint {
  const settled = serverMetadata(server)
  return async () => publicJson({ ...settled, ...(await detailsTypesMetadata(server)) })
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
