/** Takes HTTP off a request to an endpoint that speaks OAuth. */

import { parseRetryKey, retryKeyHeader } from '@pawl/protocol'
import { type Caller, userAgentCharactersMax } from '../../domain/event/new-event.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { ProtocolRequest } from '../../oauth/authorization-server.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import { jsonResponse } from '../oauth-failure.ts'

/** Throws `invalid_request` for a body that is not a well-formed form post. */
export function protocolRequest(request: HttpRequest, requestId: RequestId): ProtocolRequest {
  return {
    parameters: readForm(request),
    authorization: request.headers['authorization'],
    retryKey: parseRetryKey(request.headers[retryKeyHeader]),
    caller: callerOf(request, requestId),
  }
}

/** The user agent is cut here, so that the log, the family's row and `explain` speak of one and the same text. */
export function callerOf(request: HttpRequest, requestId: RequestId): Caller {
  const userAgent = (request.headers['user-agent'] ?? '').slice(0, userAgentCharactersMax)
  return { requestId, address: request.address, userAgent }
}

/** A 200 that nothing may keep (OAuth 2.1 §3.2.3). */
export function uncachedJson(body: object): HttpResponse {
  return jsonResponse(200, body)
}
