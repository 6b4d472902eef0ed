/** Takes HTTP off a request to an endpoint that speaks OAuth. */

import { parseRetryKey, retryKeyHeader } from '@pawl/protocol'
import type { Caller } from '../../domain/event/new-event.ts'
import { keptUserAgent } from '../../domain/event/user-agent.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { ProtocolRequest, ShownAttestation } from '../../oauth/authorization-server.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { readForm } from '../form.ts'
import { jsonResponse } from '../oauth-failure.ts'

/** Throws `invalid_request` for a body that is not a well-formed form post. */
export function protocolRequest(request: HttpRequest, requestId: RequestId): ProtocolRequest {
  return {
    method: request.method,
    path: request.path,
    parameters: readForm(request),
    authorization: request.headers['authorization'],
    dpop: request.headers['dpop'],
    certificate: request.certificate ?? null,
    attestation: attestationOf(request.headers),
    retryKey: parseRetryKey(request.headers[retryKeyHeader]),
    caller: callerOf(request, requestId),
  }
}

function attestationOf(headers: HttpRequest['headers']): ShownAttestation | null {
  const attestation = headers['oauth-client-attestation']
  const proof = headers['oauth-client-attestation-pop']
  return attestation === undefined && proof === undefined
    ? null
    : { attestation: attestation ?? '', proof: proof ?? '' }
}

export function callerOf(request: HttpRequest, requestId: RequestId): Caller {
  return { requestId, address: request.address, userAgent: keptUserAgent(request.headers['user-agent']) }
}

/** A 200 that nothing may keep (OAuth 2.1 §3.2.3). */
export function uncachedJson(body: object, headers?: { readonly [name: string]: string }): HttpResponse {
  return jsonResponse(200, body, headers)
}

/** The same for a body that is written already. */
export function uncachedText(
  body: string,
  contentType: string,
  headers?: { readonly [name: string]: string },
): HttpResponse {
  return { ...jsonResponse(200, {}, { ...headers, 'Content-Type': contentType }), body }
}
