/**
 * Exchanging access tokens (RFC 8693): an API that was sent a user's token gets one of its own for the next API, for that
 * user, in the chain that `act` tells. It can do less than the token it was made from and never more: no scope is added,
 * it ends no later, and it hangs on the same family, so that whatever ends the one ends the other. Where it may go is
 * registered for the client; that it may at all, too.
 */

import { isResourceIndicator, isSubset, parseScope, resourcesMax } from '@pawl/protocol'
import type { Client } from '../../domain/client/client.ts'
import { allows } from '../../domain/client/exchange-rule.ts'
import { countedEvent } from '../../domain/event/new-event.ts'
import { type AccessTokenClaims, audiencesOf, type LivingAccessToken, readAccessToken } from '../access-token.ts'
import { type AuthorizationServer, type Parameters, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError, type OAuthErrorCode } from '../oauth-error.ts'
import { type Sender, senderOf, takeMark } from '../sender.ts'
import { type Act, type Actor, actOf, mayAct } from './actor.ts'
import { beforeSigning, plainIngredients } from './before-signing.ts'
import { answerWithTokens, type TokenAnswer } from './token-answer.ts'
import { accessTokenType } from './token-types.ts'

export async function exchangeAccessToken(
  server: AuthorizationServer,
  client: Client,
  { request, subjectToken }: { readonly request: ProtocolRequest; readonly subjectToken: string },
): Promise<TokenAnswer> {
  if (!allows(client.exchange, 'delegation')) {
    throw failure(client, 'unauthorized_client', 'the client may not exchange access tokens')
  }
  const { parameters } = request
  if (parameters.has('authorization_details')) {
    throw failure(
      client,
      'invalid_request',
      'authorization_details are not exchanged',
      'authorization_details are not exchanged.',
    )
  }
  const subject = await readAccessToken(server, subjectToken)
  if (subject === null || !wasSentTo(client, subject.claims)) {
    throw failure(client, 'invalid_request', 'the subject_token is not alive, or was not for this client', unusable)
  }
  const act = await actFor(server, client, subject, parameters)
  const scopes = scopesFor(client, subject, parameters)
  const resources = await resourcesFor(server, client, subject, parameters)
  const nowMs = await server.store.now()
  const sender = senderOf(server, client, request, nowMs)
  const answer = await sign(server, { client, subject, scopes, resources, act, sender, nowMs })
  await takeMark(server, client, sender)
  await note(server, client, subject, { request, act, nowMs })
  return { ...answer, issued_token_type: accessTokenType }
}

const unusable = 'The subject_token is invalid, expired, revoked, or was not issued to or for this client.'

/** Its own, or one that it is an audience of: somebody sent it, to have something done. */
function wasSentTo(client: Client, claims: AccessTokenClaims): boolean {
  if (claims.client_id === client.id) return true
  return audiencesOf(claims).some(audience => audience === client.id || client.audiences.includes(audience))
}

/** The chain of those who act, with the newest first; null where nobody is to be named. */
async function actFor(
  server: AuthorizationServer,
  client: Client,
  { claims }: LivingAccessToken,
  parameters: Parameters,
): Promise<Act | null> {
  const shown = await actorIn(server, client, parameters)
  const actor = shown ?? { sub: client.id, client_id: client.id, iss: server.issuer }
  const isItself = actor.client_id === client.id
  const permission = mayAct(claims.may_act, actor)
  if (permission === 'refused' || (permission === 'unsaid' && !isItself)) {
    throw failure(
      client,
      'invalid_request',
      'the actor may not act for the subject',
      'This actor may not act for the subject.',
    )
  }
  const isSilent = shown === null && allows(client.exchange, 'impersonation')
  const act = isSilent ? (claims.act ?? null) : actOf(actor, claims.act ?? null)
  if (act !== 'too_long') return act
  throw failure(client, 'invalid_request', 'too many actors in a row', 'Too many have acted in a row.')
}

/** Who the actor's token is about. It is as strictly judged as the subject's. */
async function actorIn(server: AuthorizationServer, client: Client, parameters: Parameters): Promise<Actor | null> {
  const text = parameters.get('actor_token')
  if (text === undefined) return null
  const living = await readAccessToken(server, text)
  if (living === null || !wasSentTo(client, living.claims)) {
    throw failure(client, 'invalid_request', 'the actor_token is not alive, or was not for this client', unusable)
  }
  const { sub, client_id } = living.claims
  return { sub, client_id, iss: server.issuer }
}

/** What speaks of a sign-in stays with whoever was signed in to. */
const ofTheSignIn: ReadonlySet<string> = new Set(['openid', 'offline_access'])

function scopesFor(client: Client, { claims }: LivingAccessToken, parameters: Parameters): readonly string[] {
  const held = claims.scope.split(' ').filter(scope => scope !== '' && !ofTheSignIn.has(scope))
  const allowed = held.filter(scope => client.scopes.includes(scope))
  const text = valueOf(parameters, 'scope')
  if (text === undefined) return allowed
  const wanted = parseScope(text)
  if (wanted !== null && isSubset(wanted, allowed)) return wanted
  throw failure(client, 'invalid_scope', 'the scope is malformed, or more than the subject_token and the client have')
}

/**
 * Where the new token may go: of a client's own grant to a part of what its user granted, and from an API that was called
 * to where the operator lets that API go on. What else the user granted to the caller is the caller's: a token for one API
 * must not become one for all the others (RFC 8707 §3), also not by way of one that the API has exchanged before.
 */
async function resourcesFor(
  server: AuthorizationServer,
  client: Client,
  { claims, family }: LivingAccessToken,
  parameters: Parameters,
): Promise<readonly string[]> {
  const isOwn = family.grant.clientId === client.id
  const allowed = isOwn ? family.grant.resources : client.resources
  const byAudience = await Promise.all(
    parameters.all('audience').map(audience => indicatorOf(server, audience, allowed)),
  )
  const wanted = [...new Set([...parameters.all('resource'), ...byAudience])]
  if (wanted.length === 0 && audiencesOf(claims).every(audience => audience === server.issuer)) return []
  const isGood = (indicator: string | null): indicator is string => {
    return indicator !== null && isResourceIndicator(indicator) && allowed.includes(indicator)
  }
  if (wanted.length > 0 && wanted.length <= resourcesMax && wanted.every(isGood)) return wanted
  throw failure(client, 'invalid_target', 'no target is named, or one that is not registered for this client')
}

/** An audience is the logical name of registered resources (RFC 8693 §2.1). */
async function indicatorOf(
  server: AuthorizationServer,
  audience: string,
  allowed: readonly string[],
): Promise<string | null> {
  const resources = await server.store.resources.ofAudience(audience)
  return resources.find(({ indicator }) => allowed.includes(indicator))?.indicator ?? null
}

interface Exchanged {
  readonly client: Client
  readonly subject: LivingAccessToken
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly act: Act | null
  readonly sender: Sender
  readonly nowMs: number
}

async function sign(server: AuthorizationServer, exchanged: Exchanged): Promise<TokenAnswer> {
  const { client, subject, scopes, resources, act, sender, nowMs } = exchanged
  const signing = { client, family: subject.family, scopes, resources, nowMs }
  const ingredients = (await beforeSigning(server, signing)) ?? plainIngredients
  const accessTokenClaims = act === null ? ingredients.accessTokenClaims : { ...ingredients.accessTokenClaims, act }
  const told = { ...signing, ...ingredients, accessTokenClaims, authorizationDetails: null, sender, nonce: null }
  // Without refresh token, and over with the token it was made from.
  const absoluteExpiresAtMs = Math.min(subject.family.absoluteExpiresAtMs, subject.claims.exp * 1000)
  return answerWithTokens(server, { ...told, family: { ...subject.family, refreshable: false, absoluteExpiresAtMs } })
}

/** One event per family and generation, with a count: an API may exchange at every call. */
async function note(
  server: AuthorizationServer,
  client: Client,
  { family }: LivingAccessToken,
  { request, act, nowMs }: { readonly request: ProtocolRequest; readonly act: Act | null; readonly nowMs: number },
): Promise<void> {
  const detail = { exchanged_by: client.id, actor: act?.sub ?? null }
  const happening = { generation: family.generation, caller: request.caller, atMs: nowMs, detail }
  await server.store.events.record([countedEvent('token_exchanged', family, happening)])
}

function failure(client: Client, code: OAuthErrorCode, detail: string, description?: string): OAuthError {
  const context = { clientId: client.id }
  return new OAuthError(code, detail, description === undefined ? { context } : { description, context })
}
