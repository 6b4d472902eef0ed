/**
 * The answer to a device: nothing goes back through the browser. A yes opens the family that the device's code was made
 * for; everything else is a no, and the device hears it when it asks next (RFC 8628 §3.5).
 */

import type { Opening } from '@pawl/family'
import type { DeviceRequest } from '../../domain/device/device-request.ts'
import type { EventDetail } from '../../domain/event/event.ts'
import { newEvent } from '../../domain/event/new-event.ts'
import { networkOf } from '../../domain/throttle/network.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { AuthorizationResponse, WaitingDevice } from './authorization-response.ts'

/** What opens for a device: generation 0 is its device code, which repeats, and waits for as long as the device does. */
export function deviceOpening(opening: Opening, device: DeviceRequest, nowMs: number): Opening {
  const secondsLeft = Math.ceil((device.expiresAtMs - nowMs) / 1000)
  // Somebody who says yes at the last moment leaves the device the time to ask once more.
  const redeemSeconds = Math.max(secondsLeft, opening.redeemSeconds)
  const laterMs = opening.refreshable ? 0 : (redeemSeconds - opening.redeemSeconds) * 1000
  return {
    ...opening,
    seed: device.seed,
    keyId: device.keyId,
    redemption: null,
    codeRepeats: true,
    redeemSeconds,
    absoluteExpiresAtMs: opening.absoluteExpiresAtMs + laterMs,
  }
}

/** True where it asked from the network of whoever entered its code, as a device in front of them mostly does. */
export function isNearby({ address, person }: WaitingDevice): boolean {
  return networkOf(address) === networkOf(person.address)
}

/** What the log keeps of it. */
export function deviceDetail({ asked }: DeviceRequest): EventDetail {
  return { device_address: asked.address, device_agent: asked.userAgent }
}

/** `allowed_before`: the no came after a yes in another tab, and the device may have its tokens already. */
export type DeviceOutcome = 'allowed' | 'refused' | 'allowed_before'

/** Sees to it that a refusal is durable before the person reads of it. A yes is durable already. */
export async function answerDevice(
  server: AuthorizationServer,
  device: WaitingDevice,
  { to, parameters }: AuthorizationResponse,
): Promise<DeviceOutcome> {
  const { error } = parameters
  if (error === undefined) return 'allowed'
  const { familyId, person: caller } = device
  const atMs = await server.store.now()
  const detail = { error, device_address: device.address, device_agent: device.userAgent }
  const about = { familyId, clientId: to.clientId, caller, atMs, detail }
  const { deviceRequests } = server.store
  const outcome = await deviceRequests.deny(familyId, [newEvent('device_denied', about, server.entropy)])
  if (outcome === 'done') return 'refused'
  return (await deviceRequests.read(familyId))?.decision === 'approved' ? 'allowed_before' : 'refused'
}
