/**
 * The person's side of the device grant (RFC 8628 §3.3): the code they typed leads to the device that shows it, for the
 * browser that was first to type it and for no other. From there on it is an interaction like every other one.
 */

import type { Session } from '../domain/session/session.ts'
import { type Client, deviceCodeGrantType } from '../domain/client/client.ts'
import type { DeviceRequest } from '../domain/device/device-request.ts'
import { parseUserCode, shownUserCode, type UserCode } from '../domain/device/user-code.ts'
import { userCodeLimits } from '../domain/device/user-code-limits.ts'
import { type Caller, newEvent } from '../domain/event/new-event.ts'
import { networkOf } from '../domain/throttle/network.ts'
import { charge, findOver, type Limit, type Over, refund, secondsUntil } from '../domain/throttle/throttle.ts'
import type { AuthorizationRequest } from './authorize/authorization-request.ts'
import { type Interaction, startInteraction } from './authorize/interaction.ts'
import { keepLongRequest } from './authorize/pushed-requests.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { userCodePurpose } from './device-authorization.ts'

export interface CodeTyped {
  readonly typed: string
  readonly browserHash: string
  readonly session: Session | null
  readonly caller: Caller
}

export type DeviceFound =
  | { readonly kind: 'found'; readonly interaction: Interaction }
  /** No device waits under this code for this browser: unknown, over, answered and somebody else's are one. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

/** As a device shows it, whatever a link made of it; empty for what is no code. */
export function userCodeAsShown(text: string): string {
  const code = parseUserCode(text)
  return code === null ? '' : shownUserCode(code)
}

/** Charged before it is looked up and given back when it is right, so that many guesses at once are all counted. */
export async function enterUserCode(server: AuthorizationServer, typing: CodeTyped): Promise<DeviceFound> {
  const code = parseUserCode(typing.typed)
  // What cannot be a code is a slip of the finger and no guess.
  if (code === null) return { kind: 'unknown' }
  const { throttles } = server.store
  const limits = limitsOf(server, typing)
  const over = await findOver(throttles, limits)
  if (over !== null) return throttled(server, over)
  const charged = await charge(throttles, limits)
  if (charged.kind === 'over') {
    if (charged.isFirstOver) await noteThrottled(server, typing, charged.limit)
    return throttled(server, charged)
  }
  const claimed = await claim(server, code, typing)
  if (claimed === null) return { kind: 'unknown' }
  await refund(throttles, charged.keys)
  const { device, client } = claimed
  const request = requestFor(device, shownUserCode(code), typing.caller)
  const kept = await keepLongRequest(server, { client, request, address: typing.caller.address })
  return { kind: 'found', interaction: await startInteraction(server, kept) }
}

interface Claimed {
  readonly device: DeviceRequest
  readonly client: Client
}

async function claim(server: AuthorizationServer, code: UserCode, typing: CodeTyped): Promise<Claimed | null> {
  const device = await findDevice(server, code)
  if (device === null) return null
  const client = (await server.store.clients.read(device.clientId))?.client ?? null
  if (client === null || client.disabled || !client.grantTypes.includes(deviceCodeGrantType)) return null
  const nowMs = await server.store.now()
  const outcome = await server.store.deviceRequests.claim(device.id, typing.browserHash, nowMs)
  return outcome === 'done' ? { device, client } : null
}

/** Under whichever master key its code was kept. */
async function findDevice(server: AuthorizationServer, code: UserCode): Promise<DeviceRequest | null> {
  for (const key of server.hasher.keysOf(userCodePurpose, code)) {
    const device = await server.store.deviceRequests.findByUserCode(key)
    if (device !== null) return device
  }
  return null
}

function limitsOf(server: AuthorizationServer, { browserHash, session, caller }: CodeTyped): readonly Limit[] {
  const who = { browserHash, sessionId: session?.id ?? null, network: networkOf(caller.address) }
  return userCodeLimits(server.hasher.keyOf, who)
}

async function throttled(server: AuthorizationServer, { endsAtMs }: Over): Promise<DeviceFound> {
  return { kind: 'throttled', retryAfterSeconds: secondsUntil(endsAtMs, await server.store.now()) }
}

/** Once for each limit that runs full, whatever goes on against it. */
async function noteThrottled(server: AuthorizationServer, typing: CodeTyped, limit: Limit): Promise<void> {
  const { session, caller } = typing
  const who = session === null ? {} : { subject: session.subject, sessionId: session.id }
  const about = { ...who, caller, atMs: await server.store.now(), detail: { limit: limit.name } }
  await server.store.events.record([newEvent('user_codes_throttled', about, server.entropy)])
}

function requestFor(device: DeviceRequest, userCode: string, person: Caller): AuthorizationRequest {
  const { id: familyId, asked, createdAtMs, expiresAtMs } = device
  const { scopes, resources, authorizationDetails, address, userAgent } = asked
  return {
    clientId: device.clientId,
    redirectUri: '',
    redirectUriSent: false,
    responseMode: 'query',
    state: null,
    pushed: null,
    device: { familyId, userCode, address, userAgent, askedAtMs: createdAtMs, endsAtMs: expiresAtMs, person },
    scopes,
    resources,
    authorizationDetails,
    nonce: null,
    codeChallenge: null,
    dpopThumbprint: null,
    prompts: [],
    maxAgeSeconds: null,
    loginHint: null,
    subject: null,
    claims: null,
    wantedAcr: null,
  }
}
