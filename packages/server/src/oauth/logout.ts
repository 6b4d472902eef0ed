/**
 * Signing out on an application's word (OIDC RP-Initiated Logout). Nothing ends without proof that the request comes
 * from an application of this very session, or the person's own click: an image can send a GET.
 */

import { isSameRedirectUri } from '@pawl/protocol'
import type { Client } from '../domain/client/client.ts'
import { isVouchedFor } from '../domain/client/client-source.ts'
import type { Caller } from '../domain/event/new-event.ts'
import { parseClientId } from '../domain/identifiers.ts'
import type { Session } from '../domain/session/session.ts'
import { endSession } from '../domain/session/sessions.ts'
import { type AuthorizationServer, type Parameters, valueOf } from './authorization-server.ts'
import { type IdTokenHint, readIdTokenHint } from './authorize/id-token-hint.ts'
import { settledSessionOf } from './browser.ts'
import { logoutFrames } from './front-channel-logout.ts'
import { OAuthError } from './oauth-error.ts'

export type LogoutOutcome =
  | SignedOut
  /** The person has to say so. */
  | { readonly kind: 'ask'; readonly stateToken: string; readonly client: Client | null }

/** Done, or there was nothing to do. */
export interface SignedOut {
  readonly kind: 'signed_out'
  readonly returnTo: string | null
  /**
   * True where no page of ours came before and nobody vouches for the client: then the person goes back by their own hand,
   * or one registration would make our own address a link to anywhere (RFC 9700 §4.11.2).
   */
  readonly byHand: boolean
  readonly client: Client | null
  /** What the page must load in frames, so that applications hear of it in this browser. */
  readonly frames: readonly string[]
}

export interface LogoutRequest {
  readonly parameters: Parameters
  /** The value of the session's cookie. That it opens nothing is acknowledged, and so is made durable first. */
  readonly sessionSecret: string | null
  readonly browserHash: string
  readonly caller: Caller
}

/** Throws `invalid_request` for a hint that is not ours or an unregistered address to return to; nothing has ended then. */
export async function logOut(server: AuthorizationServer, request: LogoutRequest): Promise<LogoutOutcome> {
  const { parameters, sessionSecret, caller } = request
  const hint = await hintOf(server, parameters)
  const client = await clientOf(server, parameters, hint)
  const returnTo = returnOf(client, parameters)
  const signedOut: SignedOut = { kind: 'signed_out', returnTo: addressOf(returnTo), byHand: false, client, frames: [] }
  const session = await settledSessionOf(server, sessionSecret)
  if (session === null) return { ...signedOut, byHand: client !== null && !isVouchedFor(client) }
  // A session never passes to another person, so its id says whose it is; the subject may be a name for one client alone.
  if (hint !== null && hint.sessionId === session.id)
    return { ...signedOut, frames: await end(server, session, caller) }
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
  readonly sessionSecret: string | null
  readonly browserHash: string
  readonly caller: Caller
}

/** The person's click. Null when the question was not asked in this browser, or about another session. */
export async function confirmLogout(server: AuthorizationServer, answer: LogoutAnswer): Promise<LogoutOutcome | null> {
  const text = server.sealer.openText(purpose, answer.browserHash, answer.stateToken)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const asked = JSON.parse(text) as AskedLogout
  const session = await settledSessionOf(server, answer.sessionSecret)
  if (session !== null && session.id !== asked.sessionId) return null
  const frames = session === null ? [] : await end(server, session, answer.caller)
  const client = asked.clientId === null ? null : await enabledClient(server, asked.clientId)
  // The page may have stood open for long: nothing is sent to an address that is not registered any more.
  const returnTo = asked.returnTo !== null && isRegistered(client, asked.returnTo.uri) ? asked.returnTo : null
  return { kind: 'signed_out', returnTo: addressOf(returnTo), byHand: false, client, frames }
}

interface AskedLogout {
  readonly sessionId: Session['id']
  readonly returnTo: ReturnTo | null
  readonly clientId: Client['id'] | null
}

interface ReturnTo {
  readonly uri: string
  readonly state: string | null
}

/** Of the state, as it rides in the sealed question. */
export const logoutStateBytesMax = 8192

const purpose = 'logout'

/** Answers what the page must load: looked up first, so that nothing has ended where that fails. */
async function end(server: AuthorizationServer, session: Session, caller: Caller): Promise<readonly string[]> {
  const frames = await logoutFrames(server, session.id)
  const means = { sessions: server.store.sessions, entropy: server.entropy }
  const atMs = await server.store.now()
  await endSession(means, session, { cutOff: 'logout', reason: 'signed out', caller, atMs })
  // The notice stands in the store: whom it concerns is told whether this process lives to do it or not.
  server.courier.wake()
  return frames
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
  return clientId === null ? null : enabledClient(server, clientId)
}

async function enabledClient(server: AuthorizationServer, clientId: Client['id']): Promise<Client | null> {
  const client = (await server.store.clients.read(clientId))?.client ?? null
  return client === null || client.disabled ? null : client
}

function returnOf(client: Client | null, parameters: Parameters): ReturnTo | null {
  const uri = valueOf(parameters, 'post_logout_redirect_uri')
  if (uri === undefined) return null
  if (!isRegistered(client, uri)) {
    throw refused('The address to return to after signing out is not registered for this application.')
  }
  const state = valueOf(parameters, 'state') ?? null
  if (Buffer.byteLength(JSON.stringify(state)) > logoutStateBytesMax) throw refused('The state is too long.')
  return { uri, state }
}

function isRegistered(client: Client | null, uri: string): boolean {
  return client !== null && client.postLogoutRedirectUris.some(registered => isSameRedirectUri(registered, uri))
}

function addressOf(returnTo: ReturnTo | null): string | null {
  if (returnTo === null || returnTo.state === null) return returnTo?.uri ?? null
  const { uri, state } = returnTo
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`
}

function refused(description: string): OAuthError {
  return new OAuthError('invalid_request', description, { description })
}
