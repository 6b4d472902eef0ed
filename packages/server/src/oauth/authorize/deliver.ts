/**
 * The last step of every authorization, granted or refused: the pushed request it answers is closed, and the parameters
 * become what the browser carries, as they are or as one signed JWT (JARM).
 */

import type { Client } from '../../domain/client/client.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { dressedAnswer } from '../dressed-answer.ts'
import type { AuthorizationResponse, ReturnAddress } from './authorization-response.ts'

/** JARM §2.1 allows ten minutes at most; a redirect takes seconds, and clocks differ by less than this. */
export const responseJwtSeconds = 300

export interface Delivery {
  readonly redirectUri: string
  /** How the browser takes it there. */
  readonly by: 'query' | 'form_post'
  readonly parameters: { readonly [name: string]: string }
}

/**
 * Asked at the door, before anybody signs in and anything is opened: what an answer of this client will need is there.
 * Rejects with `StoreUnavailable` or `temporarily_unavailable` where it is not; the same request may be sent again.
 */
export async function prepareDelivery(server: AuthorizationServer, client: Client, to: ReturnAddress): Promise<void> {
  // One with nothing in it: whatever would fail at the end fails here.
  if (to.responseMode.endsWith('.jwt')) await responseJwt(server, client, {})
}

/** Called once for each answer. After it, the `request_uri` it belongs to starts nothing any more. */
export async function deliver(server: AuthorizationServer, response: AuthorizationResponse): Promise<Delivery> {
  // What can fail comes first: where the answer cannot be made, the same request may be answered again.
  const delivery = await deliveryOf(server, response)
  const { pushed } = response.to
  if (pushed !== null) await server.store.pushedRequests.close(pushed.id)
  return delivery
}

async function deliveryOf(server: AuthorizationServer, response: AuthorizationResponse): Promise<Delivery> {
  const { to, parameters } = response
  const { redirectUri, responseMode } = to
  switch (responseMode) {
    case 'query':
    case 'form_post':
      return { redirectUri, by: responseMode, parameters }
    case 'query.jwt':
      return { redirectUri, by: 'query', parameters: await dressed(server, response) }
    case 'form_post.jwt':
      return { redirectUri, by: 'form_post', parameters: await dressed(server, response) }
  }
}

/** The URL of an answer in the query: what was registered, with our parameters added to any it has. */
export function locationOf({ redirectUri, parameters }: Delivery): string {
  const added = new URLSearchParams(parameters).toString()
  return redirectUri + (redirectUri.includes('?') ? '&' : '?') + added
}

async function dressed(server: AuthorizationServer, { to, parameters }: AuthorizationResponse) {
  return { response: await responseJwt(server, await clientOf(server, to), parameters) }
}

async function clientOf(server: AuthorizationServer, { clientId }: ReturnAddress): Promise<Client> {
  const reading = await server.store.clients.read(clientId)
  if (reading === null) throw new Error(`client ${clientId} was removed while its answer was written`)
  return reading.client
}

/** It has no `iat` and no `sub`, so it passes for no ID token of ours (RFC 8725 §3.12). */
async function responseJwt(
  server: AuthorizationServer,
  client: Client,
  parameters: AuthorizationResponse['parameters'],
): Promise<string> {
  const { responseAlgorithm: signed, responseEncryption: encrypted } = client.requests
  const exp = Math.floor((await server.store.now()) / 1000) + responseJwtSeconds
  const signedClaims = { iss: server.issuer, aud: client.id, exp }
  const answer = { typ: 'JWT', claims: parameters, signedClaims } as const
  return (await dressedAnswer(server, client, { signed, encrypted }, answer)).text
}
