/**
 * What others must be told, and what became of it. A notice is written in the transaction of what caused it, one row
 * whatever it ends; spread out over the families it concerns it becomes deliveries, one for each recipient; and a delivery
 * is tried until it was taken or is given up. A channel says who is told and how; nothing here knows a protocol.
 */

import type { ClientId, FamilyId, SessionId, Subject } from '@pawl/family'
import type { CutOffTarget } from '../cut-off/cut-off.ts'
import type { AuditEvent } from '../event/event.ts'

/** The cut-offs that end sessions. Others end what a client may do, and leave its user signed in. */
export type NoticeTarget = Extract<CutOffTarget, { readonly kind: 'everyone' | 'user' | 'session' | 'logout' }>

export interface Notice {
  readonly target: NoticeTarget
  readonly reason: string
  readonly atMs: number
  /** Families up to this one have been looked at; null: none yet. */
  readonly after: FamilyId | null
  /** Changes with every write; `spread` compares and sets it. */
  readonly version: number
}

export const channelNames = ['backchannel_logout'] as const
export type ChannelName = (typeof channelNames)[number]

export const deliveryStates = ['pending', 'delivered', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

export interface Delivery {
  /** Made of what it tells and whom, so that planning it twice writes it once. */
  readonly id: string
  readonly channel: ChannelName
  readonly clientId: ClientId
  readonly subject: Subject
  /** Null: it concerns the user, and no one session. */
  readonly sessionId: SessionId | null
  readonly reason: string
  readonly createdAtMs: number
  readonly state: DeliveryState
  /** Those begun, also where nobody knows how they ended. */
  readonly attempts: number
  /** When it is tried next; of one that is over, when its record goes. */
  readonly nextAtMs: number
  readonly lastAtMs: number | null
  /** How the last attempt ended: a status, or a word for why there was none. */
  readonly lastResult: string | null
}

/** Tried no more after this many attempts, */
export const deliveryAttemptsMax = 16
/** nor when what it tells is this old. */
export const deliveryAgeSecondsMax = 86_400
/** While so many wait, notices wait too: what others do not take must not fill the store. */
export const pendingDeliveriesMax = 100_000
/** How long the record of a delivery that is over is kept. */
export const deliveriesKeptSeconds = 7 * 86_400

export interface OutboxStore {
  /** Notices that are not spread yet, the oldest first. */
  notices(limit: number): Promise<readonly Notice[]>
  /**
   * Writes these deliveries, but for those that are there, and moves the notice on to the families after `after`, or takes
   * it away with null; in one transaction. `moved`: somebody else did, or it was renewed, and nothing was written.
   */
  spread(
    notice: Notice,
    deliveries: readonly Delivery[],
    after: FamilyId | null,
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
  /** How many wait, counted up to `limit`. */
  countPending(limit: number): Promise<number>
  /** Deliveries to be tried now, the longest due first; none for the clients named, of which there are at most `restingMax`. */
  due(nowMs: number, resting: readonly ClientId[], limit: number): Promise<readonly Delivery[]>
  /** Takes it for one attempt, which must end before `untilMs`: then others may take it again. */
  claim(delivery: Delivery, untilMs: number): Promise<'done' | 'moved'>
  /** Saves how an attempt ended. `moved`: it ran over its time, and somebody else has begun another. */
  settle(delivery: Delivery, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** The latest first. */
  list(state: DeliveryState | null, limit: number): Promise<readonly Delivery[]>
}

/** How many clients can be left out of a look for what is due. */
export const restingMax = 16
