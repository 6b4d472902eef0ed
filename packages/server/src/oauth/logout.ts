/**
 * Signing out on an application's word (OIDC RP-Initiated Logout). Nothing ends without proof that the request comes
 * from an application of this very session, or the person's own click: an image can send a GET.
 */

import { isSameRedirectUri } from '@pawl/protocol'
import type { Client } from '../domain/client/client.ts'
import type { Caller } from '../domain/event/new-event.ts'
import { parseClientId } from '../domain/identifiers.ts'
import type { Session } from '../domain/session/session.ts'
import { endSession } from '../domain/session/sessions.ts'
import { type AuthorizationServer, type Parameters, valueOf } from './authorization-server.ts'
import { type IdTokenHint, readIdTokenHint } from './authorize/id-token-hint.ts'
import { OAuthError } from './oauth-error.ts'

export type LogoutOutcome =
  /** Done, or there was nothing to do. */
  | { readonly kind: 'signed_out'; readonly returnTo: string | null; readonly client: Client | null }
  /** The person has to say so. */
  | { readonly kind: 'ask'; readonly stateToken: string; readonly client: Client | null }

export interface LogoutRequest {
  readonly parameters: Parameters
  readonly session: Session | null
  readonly browserHash: string
  readonly caller: Caller
}

/** Throws `invalid_request` for a hint that is not ours or an unregistered address to return to; nothing has ended then. */
export async function logOut(server: AuthorizationServer, request: LogoutRequest): Promise<LogoutOutcome> {
  const { parameters, session, caller } = request
  const hint = await hintOf(server, parameters)
  const client = await clientOf(server, parameters, hint)
  const returnTo = returnAddress(client, parameters)
  if (session === null) return { kind: 'signed_out', returnTo, client }
  if (hint !== null && hint.subject === session.subject && hint.sessionId === session.id) {
    await end(server, session, caller)
    return { kind: 'signed_out', returnTo, client }
  }
  const asked = { sessionId: session.id, returnTo, clientId: client?.id ?? null }
  return { kind: 'ask', stateToken: sealQuestion(server, asked, request.browserHash), client }
}

/** The question whether to sign out, sealed for this browser, where no application asked for it. */
export function askToSignOut(server: AuthorizationServer, session: Session, browserHash: string): string {
  return sealQuestion(server, { sessionId: session.id, returnTo: null, clientId: null }, browserHash)
}

function sealQuestion(server: AuthorizationServer, asked: AskedLogout, browserHash: string): string {
  return server.sealer.sealText(purpose, browserHash, JSON.stringify(asked))
}

export interface LogoutAnswer {
  readonly stateToken: string
  readonly session: Session | null
  readonly browserHash: string
  readonly caller: Caller
}

/** The person's click. Null when the question was not asked in this browser, or about another session. */
export async function confirmLogout(server: AuthorizationServer, answer: LogoutAnswer): Promise<LogoutOutcome | null> {
  const text = server.sealer.openText(purpose, answer.browserHash, answer.stateToken)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const asked = JSON.parse(text) as AskedLogout
  if (answer.session !== null && answer.session.id !== asked.sessionId) return null
  if (answer.session !== null) await end(server, answer.session, answer.caller)
  const reading = asked.clientId === null ? null : await server.store.clients.read(asked.clientId)
  return { kind: 'signed_out', returnTo: asked.returnTo, client: reading?.client ?? null }
}

interface AskedLogout {
  readonly sessionId: Session['id']
  readonly returnTo: string | null
  readonly clientId: Client['id'] | null
}

const purpose = 'logout'

async function end(server: AuthorizationServer, session: Session, caller: Caller): Promise<void> {
  const means = { sessions: server.store.sessions, entropy: server.entropy }
  const atMs = await server.store.now()
  await endSession(means, session, { cutOff: 'logout', reason: 'signed out', caller, atMs })
}

async function hintOf(server: AuthorizationServer, parameters: Parameters): Promise<IdTokenHint | null> {
  const text = valueOf(parameters, 'id_token_hint')
  if (text === undefined) return null
  const hint = await readIdTokenHint(server, text, 'allowed')
  if (hint !== null) return hint
  throw refused('The id_token_hint is not an ID token of this server.')
}

async function clientOf(
  server: AuthorizationServer,
  parameters: Parameters,
  hint: IdTokenHint | null,
): Promise<Client | null> {
  const named = valueOf(parameters, 'client_id')
  if (named !== undefined && hint !== null && named !== hint.clientId) {
    throw refused('The client_id is not the one the id_token_hint was made for.')
  }
  const clientId = parseClientId(named ?? hint?.clientId ?? '')
  const reading = clientId === null ? null : await server.store.clients.read(clientId)
  return reading?.client ?? null
}

function returnAddress(client: Client | null, parameters: Parameters): string | null {
  const sent = valueOf(parameters, 'post_logout_redirect_uri')
  if (sent === undefined) return null
  const registered = client?.postLogoutRedirectUris ?? []
  if (!registered.some(uri => isSameRedirectUri(uri, sent))) {
    throw refused('The address to return to after signing out is not registered for this application.')
  }
  const state = valueOf(parameters, 'state')
  if (state === undefined) return sent
  return `${sent}${sent.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`
}

function refused(description: string): OAuthError {
  return new OAuthError('invalid_request', description, { description })
}
