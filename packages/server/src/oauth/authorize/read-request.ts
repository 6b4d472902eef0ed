/**
 * Where an authorization request comes from: the query, a signed object in it (RFC 9101), or one that its client pushed
 * before (RFC 9126). Whichever it is, the others are not looked at: what stands beside a signed or pushed request was
 * written by nobody who proved anything.
 */

import type { Client } from '../../domain/client/client.ts'
import type { Caller } from '../../domain/event/new-event.ts'
import { parseClientId } from '../../domain/identifiers.ts'
import { type AuthorizationServer, type Parameters, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { findClient } from '../registration/find-client.ts'
import { keyOfCode, type Sender } from '../sender.ts'
import { type AuthorizationRequest, checkedRequest, fault, returnAddressOf } from './authorization-request.ts'
import { type AuthorizationResponse, errorResponse } from './authorization-response.ts'
import { prepareDelivery } from './deliver.ts'
import { isRequestUriOfOurs, openPushedRequest } from './pushed-requests.ts'
import { signedParameters } from './request-object.ts'

export type ReadRequest =
  | { readonly kind: 'request'; readonly request: AuthorizationRequest; readonly client: Client }
  | {
      readonly kind: 'response'
      readonly response: AuthorizationResponse
      readonly fault: OAuthError
      readonly client: Client
    }

/** Throws an `OAuthError` for a page, never a redirect, while client or redirect URI are in doubt (RFC 9700 §4.11.2). */
export async function readAuthorizationRequest(
  server: AuthorizationServer,
  parameters: Parameters,
  caller: Caller,
): Promise<ReadRequest> {
  const client = await clientOf(server, parameters, caller)
  const requestUri = valueOf(parameters, 'request_uri')
  if (requestUri !== undefined && isRequestUriOfOurs(requestUri)) {
    return { kind: 'request', client, request: await openPushedRequest(server, client, requestUri) }
  }
  const { signed, sent } = await parametersOf(server, client, parameters)
  const to = returnAddressOf(client, sent)
  await prepareDelivery(server, client, to)
  try {
    refuseUnpushed(server, client)
    refuseUnsigned(server, client, signed)
    return { kind: 'request', client, request: await checkedRequest(server, client, to, sent) }
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return { kind: 'response', response: errorResponse(server, to, error), fault: faultOf(client, error), client }
  }
}

/**
 * The request as its client pushes it, with whom it showed to hold a key, or null. Every fault is thrown: the client
 * itself is told (RFC 9126 §2.3).
 */
export async function readPushedRequest(
  server: AuthorizationServer,
  client: Client,
  parameters: Parameters,
  sender: Sender | null,
): Promise<AuthorizationRequest> {
  if (parameters.has('request_uri')) throw fault('invalid_request', 'A pushed request cannot name a request_uri.')
  const { signed, sent } = await parametersOf(server, client, parameters)
  refuseUnsigned(server, client, signed)
  const to = returnAddressOf(client, sent)
  await prepareDelivery(server, client, to)
  const request = await checkedRequest(server, client, to, sent)
  return { ...request, dpopThumbprint: keyOfCode(client, sent, sender) }
}

async function parametersOf(
  server: AuthorizationServer,
  client: Client,
  parameters: Parameters,
): Promise<{ readonly signed: boolean; readonly sent: Parameters }> {
  const object = valueOf(parameters, 'request')
  if (object === undefined) return { signed: false, sent: parameters }
  return { signed: true, sent: await signedParameters(server, client, object) }
}

function refuseUnpushed(server: AuthorizationServer, client: Client): void {
  if (!server.rules.requirePushedRequests && !client.requests.requirePushed) return
  throw fault('invalid_request', 'The request must be pushed first (RFC 9126).')
}

function refuseUnsigned(server: AuthorizationServer, client: Client, signed: boolean): void {
  if (signed || !(server.rules.requireSignedRequests || client.requests.requireSigned)) return
  throw fault('invalid_request', 'The request must be a signed request object (RFC 9101).')
}

/** The same fault with its client, for the log. */
function faultOf(client: Client, error: OAuthError): OAuthError {
  const { code, detail, description } = error
  return new OAuthError(code, detail, { description, context: { clientId: client.id }, cause: error })
}

async function clientOf(server: AuthorizationServer, parameters: Parameters, caller: Caller): Promise<Client> {
  const clientId = parseClientId(parameters.get('client_id') ?? '')
  const client = clientId === null ? null : await findClient(server, clientId, caller)
  if (client !== null && !client.disabled) return client
  const description = 'The application that sent you here is not known.'
  throw new OAuthError('invalid_client', 'no such client, or it is disabled', { status: 400, description })
}
