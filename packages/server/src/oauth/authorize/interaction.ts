/**
 * An interaction is one authorization request on its way through sign-in and consent. It is kept nowhere: it rides,
 * sealed, through hidden fields, and opens only in the browser it was sealed for. The family's id is chosen at its start,
 * so that the last click, made twice, opens one family and answers one code.
 */

import type { FamilyId, SessionId, Subject } from '@pawl/family'
import { isSameRedirectUri } from '@pawl/protocol'
import type { Client } from '../../domain/client/client.ts'
import { newFamilyId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

export const interactionSeconds = 3600

export interface Interaction {
  readonly familyId: FamilyId
  readonly startedAtMs: number
  readonly request: AuthorizationRequest
  /** The session the consent page was shown to; null before. An answer given in another session counts for nothing. */
  readonly askedSessionId: SessionId | null
  /** The password was right, and the second factor is still to come. Null before, and once there is a session. */
  readonly firstFactor: FirstFactor | null
}

/** Who has shown a password in this browser, and when. It is no session: it opens one page, for a while. */
export interface FirstFactor {
  readonly subject: Subject
  readonly authTimeMs: number
}

export const firstFactorSeconds = 600

export async function startInteraction(
  server: AuthorizationServer,
  request: AuthorizationRequest,
): Promise<Interaction> {
  const startedAtMs = await server.store.now()
  return {
    familyId: newFamilyId(startedAtMs, server.entropy),
    startedAtMs,
    request,
    askedSessionId: null,
    firstFactor: null,
  }
}

/** Throws a RangeError where the request is too long to ride along; the door lets no such request in. */
export function sealInteraction(server: AuthorizationServer, interaction: Interaction, browserHash: string): string {
  return server.sealer.sealText(purpose, browserHash, JSON.stringify(interaction))
}

export interface Resumed {
  readonly interaction: Interaction
  readonly client: Client
}

/**
 * The interaction that a page of ours carried, with its client as it is registered now. Null for what was not sealed by
 * us, for this browser, within the last hour, and where the client or its redirect URI has gone since: nothing is sent
 * to an address that is not registered.
 */
export async function resumeInteraction(
  server: AuthorizationServer,
  stateToken: string,
  browserHash: string,
): Promise<Resumed | null> {
  const interaction = await openInteraction(server, stateToken, browserHash)
  if (interaction === null) return null
  const { clientId, redirectUri } = interaction.request
  const client = (await server.store.clients.read(clientId))?.client ?? null
  if (client === null || client.disabled) return null
  const isRegistered = client.redirectUris.some(registered => isSameRedirectUri(registered, redirectUri))
  return isRegistered ? { interaction, client } : null
}

/** What the person typed as their name stands on the page again, unless it is longer than any e-mail address. */
export function withLoginHint(interaction: Interaction, typed: string): Interaction {
  const fits = Buffer.byteLength(JSON.stringify(typed)) <= typedBytesMax
  return { ...interaction, request: { ...interaction.request, loginHint: fits ? typed : null } }
}

/** An address has at most 254 bytes (RFC 5321 §4.5.3.1.3); the rest is for quotes and escapes. */
const typedBytesMax = 320

async function openInteraction(
  server: AuthorizationServer,
  stateToken: string,
  browserHash: string,
): Promise<Interaction | null> {
  const text = server.sealer.openText(purpose, browserHash, stateToken)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const interaction = JSON.parse(text) as Interaction
  return (await server.store.now()) < interaction.startedAtMs + interactionSeconds * 1000 ? interaction : null
}

const purpose = 'interaction'
