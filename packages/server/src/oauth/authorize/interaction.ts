/**
 * An interaction is one authorization request on its way through sign-in and consent. It rides, sealed, through hidden
 * fields, and opens only in the browser it was sealed for; of a request that is too long for that, only its name rides.
 * The family's id is chosen at its start, or when its request was pushed, so that the last click, made twice, opens one
 * family and answers one code.
 */

import type { FamilyId, SessionId, Subject } from '@pawl/family'
import { isSameRedirectUri } from '@pawl/protocol'
import { type Client, deviceCodeGrantType } from '../../domain/client/client.ts'
import { newFamilyId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

export const interactionSeconds = 3600
/**
 * Of a request as JSON, without what our own pages add to it. It rides, sealed, in one parameter of our own forms, and a
 * parameter has at most 8,192 bytes: three quarters of that, less what the way through sign-in adds. A longer one is kept.
 */
export const requestBytesMax = 5_000

export interface Interaction {
  readonly familyId: FamilyId
  readonly startedAtMs: number
  readonly request: AuthorizationRequest
  /** The session the consent page was shown to; null before. An answer given in another session counts for nothing. */
  readonly askedSessionId: SessionId | null
  /** What was shown already, where a second factor is still to come. Null before, and once there is a session. */
  readonly firstFactor: FirstFactor | null
}

/** Who has shown one factor in this browser, and when. It is no session: it opens one page, for a while. */
export interface FirstFactor {
  readonly subject: Subject
  readonly authTimeMs: number
  /** How, as RFC 8176 calls it; empty where an upstream provider said so. */
  readonly amr: readonly string[]
}

export const firstFactorSeconds = 600

/** Begins with a request that can be carried: a long one was kept before (`keepLongRequest`). */
export async function startInteraction(
  server: AuthorizationServer,
  request: AuthorizationRequest,
): Promise<Interaction> {
  const startedAtMs = await server.store.now()
  const { pushed, device } = request
  if (pushed !== null && !ridesAlong(request)) await server.store.pushedRequests.keep(pushed.id, pushed.endsAtMs)
  return {
    familyId: device?.familyId ?? pushed?.familyId ?? newFamilyId(startedAtMs, server.entropy),
    startedAtMs,
    request,
    askedSessionId: null,
    firstFactor: null,
  }
}

/** What our own pages may change of a request rides in any case. */
type Name = Pick<AuthorizationRequest, 'pushed' | 'prompts' | 'loginHint'>

export function ridesAlong(request: AuthorizationRequest): boolean {
  const { prompts: _, loginHint: __, ...others } = request
  return Buffer.byteLength(JSON.stringify(others)) <= requestBytesMax
}

/** Throws a RangeError where the request is too long to ride along and is kept nowhere; the door lets no such request in. */
export function sealInteraction(server: AuthorizationServer, interaction: Interaction, browserHash: string): string {
  const { pushed, prompts, loginHint } = interaction.request
  const isNamed = pushed !== null && !ridesAlong(interaction.request)
  const carried = isNamed ? { ...interaction, request: { pushed, prompts, loginHint } } : interaction
  return server.sealer.sealText(purpose, browserHash, JSON.stringify(carried))
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
  const { clientId, redirectUri, device } = interaction.request
  const client = (await server.store.clients.read(clientId))?.client ?? null
  if (client === null || client.disabled) return null
  if (device !== null) return client.grantTypes.includes(deviceCodeGrantType) ? { interaction, client } : null
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
  const carried = JSON.parse(text) as Omit<Interaction, 'request'> & { readonly request: AuthorizationRequest | Name }
  const endsAtMs = carried.request.pushed?.endsAtMs ?? Infinity
  const nowMs = await server.store.now()
  if (nowMs >= Math.min(endsAtMs, carried.startedAtMs + interactionSeconds * 1000)) return null
  const request = await wholeRequest(server, carried.request)
  if (request === null || nowMs >= (request.device?.endsAtMs ?? Infinity)) return null
  return { ...carried, request }
}

async function wholeRequest(
  server: AuthorizationServer,
  carried: AuthorizationRequest | Name,
): Promise<AuthorizationRequest | null> {
  if ('clientId' in carried) return carried
  const row = carried.pushed === null ? null : await server.store.pushedRequests.read(carried.pushed.id)
  return row === null ? null : { ...(JSON.parse(row.request) as AuthorizationRequest), ...carried }
}

const purpose = 'interaction'
