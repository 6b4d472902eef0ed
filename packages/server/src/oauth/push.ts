/** The pushed authorization request endpoint (RFC 9126): a client shows its request before it sends anybody with it. */

import { parseClientId } from '../domain/identifiers.ts'
import { limitPushes, pushRequest, requestUriSeconds } from './authorize/pushed-requests.ts'
import { readPushedRequest } from './authorize/read-request.ts'
import type { AuthorizationServer, ProtocolRequest } from './authorization-server.ts'
import { authenticateClient } from './client-authentication.ts'
import { findClient } from './registration/find-client.ts'
import { senderOf, takeMark } from './sender.ts'

export interface PushAnswer {
  readonly request_uri: string
  readonly expires_in: number
}

/** Checks everything that is checked at the authorization endpoint, so that a person is never sent in vain. */
export async function answerPush(server: AuthorizationServer, request: ProtocolRequest): Promise<PushAnswer> {
  // One that publishes itself as a document may come here first.
  const named = parseClientId(request.parameters.get('client_id') ?? '')
  if (named !== null) await findClient(server, named, request.caller)
  const client = await authenticateClient(server, request)
  // Only a proof that was sent is looked at: also a client that must show one for tokens may push without.
  const sender = request.dpop === undefined ? null : senderOf(server, client, request, await server.store.now())
  const checked = await readPushedRequest(server, client, request.parameters, sender)
  const { address } = request.caller
  await limitPushes(server, { client, request: checked, address })
  // Anybody makes proofs for a public client, so their marks are bounded as its pushes are.
  if (sender !== null) await takeMark(server, client, sender)
  return { request_uri: await pushRequest(server, { client, request: checked }), expires_in: requestUriSeconds }
}
