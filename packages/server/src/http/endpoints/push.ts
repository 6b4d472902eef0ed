import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { answerPush } from '../../oauth/push.ts'
import { jsonResponse } from '../oauth-failure.ts'
import type { Endpoint } from '../router.ts'
import { protocolRequest } from './protocol-request.ts'

/** RFC 9126 §2.2: 201, because something is there now. */
export function pushEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => jsonResponse(201, await answerPush(server, protocolRequest(request, requestId)))
}
