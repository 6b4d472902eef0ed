/**
 * The last step of every authorization, granted or refused: the pushed request it answers is closed, and the parameters
 * become what the browser carries, as they are or as one signed JWT (JARM).
 */

import { signJwt } from '../../domain/token/sign-jwt.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { AuthorizationResponse } from './authorization-response.ts'

/** JARM §2.1 allows ten minutes at most; a redirect takes seconds, and clocks differ by less than this. */
export const responseJwtSeconds = 300

export interface Delivery {
  readonly redirectUri: string
  /** How the browser takes it there. */
  readonly by: 'query' | 'form_post'
  readonly parameters: { readonly [name: string]: string }
}

/** Called once for each answer. After it, the `request_uri` it belongs to starts nothing any more. */
export async function deliver(server: AuthorizationServer, response: AuthorizationResponse): Promise<Delivery> {
  const { to, parameters } = response
  const { redirectUri, responseMode } = to
  if (to.pushed !== null) await server.store.pushedRequests.close(to.pushed.id)
  switch (responseMode) {
    case 'query':
    case 'form_post':
      return { redirectUri, by: responseMode, parameters }
    case 'query.jwt':
      return { redirectUri, by: 'query', parameters: { response: await responseJwt(server, response) } }
    case 'form_post.jwt':
      return { redirectUri, by: 'form_post', parameters: { response: await responseJwt(server, response) } }
  }
}

/** The URL of an answer in the query: what was registered, with our parameters added to any it has. */
export function locationOf({ redirectUri, parameters }: Delivery): string {
  const added = new URLSearchParams(parameters).toString()
  return redirectUri + (redirectUri.includes('?') ? '&' : '?') + added
}

/** It has no `iat` and no `sub`, so it passes for no ID token of ours (RFC 8725 §3.12). */
async function responseJwt(server: AuthorizationServer, { to, parameters }: AuthorizationResponse): Promise<string> {
  const reading = await server.store.clients.read(to.clientId)
  if (reading === null) throw new Error(`client ${to.clientId} was removed while its answer was written`)
  const { client } = reading
  const nowMs = await server.store.now()
  await server.signingKeys.ready(nowMs)
  const key = server.signingKeys.current(client.requests.responseAlgorithm, nowMs)
  const exp = Math.floor(nowMs / 1000) + responseJwtSeconds
  return signJwt(key, 'JWT', { ...parameters, iss: server.issuer, aud: client.id, exp })
}
