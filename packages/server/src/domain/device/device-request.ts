/**
 * A device that has asked to be let in and waits for a person (RFC 8628). Its row is not yet a family: nobody has allowed
 * anything. The family's id and seed are chosen already, because the device code is made from them; with the person's yes
 * the family is opened under both, in generation 0. The row stays until the device code runs out, for whoever polls too
 * fast or was refused.
 */

import type { ClientId, Family, FamilyId } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'

export interface DeviceRequest {
  /** Of the family that a yes opens. */
  readonly id: FamilyId
  readonly clientId: ClientId
  readonly seed: Uint8Array
  /** The master key that tagged the device code. */
  readonly keyId: number
  /** Keyed hash of the user code. No two waiting requests have the same. */
  readonly userCodeKey: string
  readonly asked: AskedByDevice
  /** Keyed hash of the browser that was first to enter the user code; null before. No other can answer. */
  readonly claimedBy: string | null
  readonly decision: DeviceDecision
  readonly intervalSeconds: number
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export type DeviceDecision = 'pending' | 'approved' | 'denied'

/** What the device wants, and where it asked from. */
export interface AskedByDevice {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails: string | null
  readonly address: string
  readonly userAgent: string
}

/** RFC 8628 §3.5: what each poll that came too early adds to the interval. */
export const slowDownSeconds = 5
/** A device that does not listen still hears something this often. */
export const intervalSecondsMax = 60
/** Networks deliver a punctual device a little early now and then. */
export const pollSlackMs = 1000

export interface DeviceRequestStore {
  /** `moved`: another request has this user code. */
  add(request: DeviceRequest): Promise<'done' | 'moved'>
  /** As it stands, whether or not its time is over. */
  read(id: FamilyId): Promise<DeviceRequest | null>
  findByUserCode(userCodeKey: string): Promise<DeviceRequest | null>
  /**
   * Ties the request to the browser that came first. `moved`: another one was first, or it is answered or over. The same
   * browser may claim it again.
   */
  claim(id: FamilyId, browserHash: string, nowMs: number): Promise<'done' | 'moved'>
  /** Counts a poll. False: it came before its time, and the interval has grown. */
  poll(id: FamilyId, nowMs: number): Promise<boolean>
  /** Opens the family of the request, which carries its id, in one transaction. `moved`: it is answered or gone already. */
  approve(family: Family, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** `moved`: it is answered or gone already. */
  deny(id: FamilyId, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
}
