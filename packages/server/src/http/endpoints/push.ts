import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { nextNonce } from '../../oauth/dpop-proof.ts'
import { answerPush } from '../../oauth/push.ts'
import { jsonResponse } from '../oauth-failure.ts'
import type { Endpoint } from '../router.ts'
import { protocolRequest } from './protocol-request.ts'

/** RFC 9126 §2.2: 201, because something is there now. */
export function pushEndpoint(server: AuthorizationServer): Endpoint {
  return async (request, requestId) => {
    const asked = protocolRequest(request, requestId)
    const answer = await answerPush(server, asked)
    return jsonResponse(201, answer, await nextNonce(server, asked))
  }
}
