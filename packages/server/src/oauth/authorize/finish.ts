/**
 * The end of an interaction: a family is opened in generation 0, and its code goes to the application. Done twice, by a
 * double click or the back button, it finds the family there and answers the same code while that can still be redeemed.
 */

import { hash } from 'node:crypto'
import { cutOffOf, expiryOf, type Family, type Grant, openFamily, type Redemption } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { codeSecondsFor } from '../../domain/client/client-profile.ts'
import { hearsOfLogout } from '../../domain/client/logout-channels.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { grantIdOf, newStepId } from '../../domain/identifiers.ts'
import { acrToTell } from '../../domain/session/acr.ts'
import type { Session } from '../../domain/session/session.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { keepUsedClient } from '../registration/keep-used-client.ts'
import { capGrants } from './cap-grants.ts'
import { type AuthorizationResponse, emptyResponse, successResponse } from './authorization-response.ts'
import type { Interaction } from './interaction.ts'
import { deviceDetail, deviceOpening } from './waiting-device.ts'
import { watchChallenge } from './watch-challenge.ts'

export interface Finish {
  readonly interaction: Interaction
  readonly client: Client
  readonly session: Session
  readonly caller: Caller
  /** Taken before session, user and consent were looked at: a cut-off set since then covers what is opened now. */
  readonly nowMs: number
}

/** Null when the interaction was finished before and its code is spent or over: there is nothing more to answer. */
export async function finishInteraction(
  server: AuthorizationServer,
  finish: Finish,
): Promise<AuthorizationResponse | null> {
  const { interaction, client, session, caller, nowMs } = finish
  const { request } = interaction
  const device = request.device === null ? null : await server.store.deviceRequests.read(request.device.familyId)
  if (request.device !== null && device === null) return null
  const opening = openingOf(server, finish)
  const family = openFamily(device === null ? opening : deviceOpening(opening, device, nowMs), nowMs)
  const { id: familyId, grant } = family
  const whereto = device === null ? { redirect_uri: request.redirectUri.slice(0, 500) } : deviceDetail(device)
  const detail = { scopes: grant.scopes.join(' ').slice(0, 500), ...whereto }
  const about = {
    familyId,
    clientId: client.id,
    subject: session.subject,
    sessionId: session.id,
    caller,
    atMs: nowMs,
    detail,
  }
  const events = [newEvent('family_opened', about, server.entropy)]
  const { families, deviceRequests } = server.store
  const outcome = device === null ? await families.open(family, events) : await deviceRequests.approve(family, events)
  if (outcome === 'done') {
    await watchChallenge(server, { family, client, caller })
    await capGrants(server, { opened: family, client, caller })
    await keepUsedClient(server, client, nowMs)
  }
  const opened = outcome === 'done' ? family : await openedBefore(server, finish)
  if (opened === null) return null
  if (device !== null) return emptyResponse(server, request)
  return successResponse(server, request, server.codec.mint('authorization_code', opened))
}

/** The family of the first click, if its code is still worth something to the same person and client. */
async function openedBefore(server: AuthorizationServer, finish: Finish): Promise<Family | null> {
  const reading = await server.store.families.read(finish.interaction.familyId)
  if (reading === null) return null
  const { family, cutOffs, nowMs } = reading
  const isSame = family.grant.subject === finish.session.subject && family.grant.clientId === finish.client.id
  const isOver = family.end !== null || cutOffOf(family, cutOffs) !== null || expiryOf(family, nowMs) !== null
  return isSame && !isOver && family.generation === 0 ? family : null
}

function openingOf(server: AuthorizationServer, finish: Finish) {
  const { interaction, client, nowMs } = finish
  const refreshable = client.grantTypes.includes('refresh_token')
  const redeemSeconds = codeSecondsFor(client.profile, server.rules.codeSeconds)
  const bareEnd = bareEndOf(redeemSeconds, finish)
  return {
    id: interaction.familyId,
    seed: server.entropy.bytes(32),
    keyId: server.currentKeyId,
    stepId: newStepId(server.entropy),
    grant: grantOf(finish),
    redemption: redemptionOf(finish),
    binding: null,
    refreshable,
    redeemSeconds,
    idleSeconds: refreshable ? client.idleSeconds : Math.ceil((bareEnd - nowMs) / 1000) - redeemSeconds,
    absoluteExpiresAtMs: refreshable ? absoluteEnd(finish) : bareEnd,
  }
}

/**
 * Without a refresh token a family stands for its access token alone, and in the name of a client that hears when the
 * session ends also for its part in that session.
 */
function bareEndOf(redeemSeconds: number, { client, session, nowMs }: Finish): number {
  const accessEndsAtMs = nowMs + (redeemSeconds + client.accessTokenSeconds) * 1000
  return hearsOfLogout(client.logout) ? Math.max(accessEndsAtMs, session.expiresAtMs) : accessEndsAtMs
}

/** Without `offline_access` a family lives no longer than the session it was opened in (OIDC Core §11). */
function absoluteEnd(finish: Finish): number {
  const byClient = finish.nowMs + finish.client.absoluteSeconds * 1000
  return endsWithSession(finish) ? Math.min(byClient, finish.session.expiresAtMs) : byClient
}

function endsWithSession(finish: Finish): boolean {
  return !finish.interaction.request.scopes.includes('offline_access')
}

function grantOf(finish: Finish): Grant {
  const { interaction, client, session } = finish
  const { request } = interaction
  return {
    id: grantIdOf(interaction.familyId),
    clientId: client.id,
    subject: session.subject,
    sessionId: session.id,
    endsWithSession: endsWithSession(finish),
    scopes: request.scopes,
    resources: request.resources,
    claims: request.claims,
    authorizationDetails: request.authorizationDetails,
    authTimeMs: session.authTimeMs,
    acr: acrToTell(session.acr, request.wantedAcr),
    amr: session.amr,
  }
}

function redemptionOf(finish: Finish): Redemption {
  const { codeChallenge, redirectUri, redirectUriSent, nonce, state, loginHint, dpopThumbprint } =
    finish.interaction.request
  const shown = [state, nonce, loginHint, finish.client.id]
  const challengeIsGuessable =
    codeChallenge !== null &&
    shown.some(value => value !== null && hash('sha256', value, 'base64url') === codeChallenge)
  return { codeChallenge, challengeIsGuessable, redirectUri, redirectUriSent, nonce, dpopThumbprint }
}
