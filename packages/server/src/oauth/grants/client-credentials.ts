/**
 * Client credentials (OAuth 2.1 §4.2): a client acts for itself. There is no refresh token, but there is a family, so
 * that introspection and revocation have one truth for every access token.
 */

import { type Family, type Grant, openFamily } from '@pawl/family'
import { isSubset, parseScope } from '@pawl/protocol'
import { grantedDetails } from '../../domain/authorization-details/authorization-details.ts'
import { type Client, isPublicClient } from '../../domain/client/client.ts'
import { newEvent } from '../../domain/event/new-event.ts'
import { grantIdOf, newFamilyId, newStepId } from '../../domain/identifiers.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { userScopes } from '../../domain/user/user-scopes.ts'
import { requestedDetails } from '../authorization-details.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { requestedResources } from '../requested-resources.ts'
import { senderOf, takeMark } from '../sender.ts'
import { beforeSigning, plainIngredients } from './before-signing.ts'
import { answerWithTokens, type TokenAnswer } from './token-answer.ts'

/** Scopes that speak of a user; a client that acts for itself has none. */
const ofUsers: ReadonlySet<string> = new Set([...userScopes, 'groups'])

export async function grantByClientCredentials(
  server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
): Promise<TokenAnswer> {
  if (isPublicClient(client))
    throw new OAuthError('unauthorized_client', 'a public client has no credentials of its own')
  const scopes = scopesFor(client, request)
  const resources = await requestedResources(server, client, request.parameters)
  const details = await requestedDetails(server, client, request.parameters)
  const nowMs = await server.store.now()
  await refuseDisabled(server, client)
  const sender = senderOf(server, client, request, nowMs)
  const family = familyOf(server, client, { scopes, resources, details, nowMs })
  const signing = { client, family, scopes, resources, nowMs }
  const ingredients = (await beforeSigning(server, signing)) ?? plainIngredients
  await takeMark(server, client, sender)
  const authorizationDetails = details === null ? null : grantedDetails(details)
  const answer = answerWithTokens(server, { ...signing, ...ingredients, authorizationDetails, sender, nonce: null })
  const about = {
    familyId: family.id,
    clientId: client.id,
    caller: request.caller,
    atMs: nowMs,
    detail: { grant: 'client_credentials' },
  }
  const opened = await server.store.families.open(family, [newEvent('family_opened', about, server.entropy)])
  if (opened !== 'done') throw new StoreUnavailable(`family ${family.id} was there before it was opened`)
  return answer
}

/**
 * Looks again, after the time was taken: the client was authenticated before, and may have been disabled or removed
 * since. Whoever does that from now on writes a cut-off that lies after the family was opened, and so ends it (I3).
 */
async function refuseDisabled(server: AuthorizationServer, client: Client): Promise<void> {
  const reading = await server.store.clients.read(client.id)
  if (reading !== null && !reading.client.disabled) return
  throw new OAuthError('invalid_client', 'the client has just been disabled', { context: { clientId: client.id } })
}

function scopesFor(client: Client, request: ProtocolRequest): readonly string[] {
  const allowed = client.scopes.filter(scope => !ofUsers.has(scope))
  const text = valueOf(request.parameters, 'scope')
  if (text === undefined) return allowed
  const wanted = parseScope(text)
  if (wanted !== null && isSubset(wanted, allowed)) return wanted
  throw new OAuthError('invalid_scope', "the scope is malformed or not this client's", {
    context: { clientId: client.id },
  })
}

interface Granted {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly details: string | null
  readonly nowMs: number
}

/** Already in generation 1: there is no code to redeem. It is over when its only access token is. */
function familyOf(server: AuthorizationServer, client: Client, granted: Granted): Family {
  const { nowMs } = granted
  const id = newFamilyId(nowMs, server.entropy)
  const opening = {
    id,
    seed: server.entropy.bytes(32),
    keyId: server.currentKeyId,
    stepId: newStepId(server.entropy),
    grant: grantOf(client, id, granted),
    redemption: null,
    binding: null,
    refreshable: false,
    redeemSeconds: 0,
    idleSeconds: client.accessTokenSeconds,
    absoluteExpiresAtMs: nowMs + client.accessTokenSeconds * 1000,
  }
  return { ...openFamily(opening, nowMs), generation: 1 }
}

function grantOf(client: Client, id: Family['id'], granted: Granted): Grant {
  return {
    id: grantIdOf(id),
    clientId: client.id,
    subject: null,
    sessionId: null,
    endsWithSession: false,
    scopes: granted.scopes,
    resources: granted.resources,
    claims: null,
    authorizationDetails: granted.details,
    authTimeMs: granted.nowMs,
    acr: null,
    amr: [],
  }
}
