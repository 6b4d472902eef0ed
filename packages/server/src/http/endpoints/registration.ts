/** The registration endpoint (RFC 7591 §3) and, with a client id in the query, the configuration of one client (RFC 7592 §2). */

import type { RequestId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import {
  deleteRegistration,
  type ManagementRequest,
  readRegistration,
  replaceRegistration,
} from '../../oauth/registration/manage.ts'
import { register } from '../../oauth/registration/register.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readQuery } from '../form.ts'
import { readJsonBody } from '../json-body.ts'
import { jsonResponse } from '../oauth-failure.ts'
import type { Endpoint } from '../router.ts'
import { callerOf, uncachedJson } from './protocol-request.ts'

/** A whole registration with its keys has a few kilobytes; each is kept until somebody forgets it. */
export const registrationBytesMax = 16_384

export function registrationEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    if (request.method === 'POST') return registered(server, request, requestId)
    const managed: ManagementRequest = {
      clientId: readQuery(request).get('client_id'),
      token: bearerOf(request),
      caller: callerOf(request, requestId),
    }
    switch (request.method) {
      case 'PUT':
        return uncachedJson(await replaceRegistration(server, { ...managed, metadata: () => metadataOf(request) }))
      case 'DELETE':
        await deleteRegistration(server, managed)
        return { ...jsonResponse(204, {}), body: '' }
      default:
        return uncachedJson(await readRegistration(server, managed))
    }
  }
}

async function registered(
  server: AuthorizationServer,
  request: HttpRequest,
  requestId: RequestId,
): Promise<HttpResponse> {
  if (request.query !== '') throw new OAuthError('invalid_client_metadata', 'there is a query beside the metadata')
  const metadata = metadataOf(request)
  const caller = callerOf(request, requestId)
  return jsonResponse(201, await register(server, { metadata, token: bearerOf(request), caller }))
}

function metadataOf(request: HttpRequest) {
  return readJsonBody(request, registrationBytesMax, 'invalid_client_metadata')
}

/** RFC 6750 §2.1. Null without the header; another scheme is a token that fits nothing. */
function bearerOf(request: HttpRequest): string | null {
  const header = request.headers['authorization']
  if (header === undefined) return null
  return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1] ?? ''
}
