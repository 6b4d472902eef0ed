/**
 * The courier spreads notices into deliveries and tries what is due, in the background of whoever woke it. Any number of
 * them may work on one store, in threads and on nodes: a notice moves on by compare-and-set, and a delivery is claimed for
 * an attempt before anything is sent, so that two never send it at once. What a courier leaves when it dies is due again
 * when its claim has run out.
 */

import type { ClientId } from '@pawl/family'
import type { Background } from '../background.ts'
import type { Entropy } from '../entropy.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import type { FamilyFilter, FamilyReading, FamilyStore } from '../family/family-store.ts'
import { type Attempt, isTooOld, settledBy } from './attempt.ts'
import { StoreUnavailable } from '../store.ts'
import {
  type ChannelName,
  type Delivery,
  type Notice,
  type NoticeTarget,
  type OutboxStore,
  pendingDeliveriesMax,
  restingMax,
} from './outbox.ts'

export interface Channel {
  /** Whom of these families' clients the notice concerns; none twice. */
  readonly plan: (notice: Notice, readings: readonly FamilyReading[]) => Promise<readonly Delivery[]>
  /** Tells it once, within `attemptSecondsMax`. Rejects for nothing that the other side does. */
  readonly send: (delivery: Delivery) => Promise<Attempt>
}

export interface CourierParts {
  readonly outbox: OutboxStore
  readonly families: Pick<FamilyStore, 'list'>
  readonly channels: { readonly [name in ChannelName]: Channel }
  readonly background: Background
  readonly entropy: Entropy
  /** The store's time. */
  readonly nowMs: () => Promise<number>
}

export interface Courier {
  /** There may be something to do: begins at once, or goes on once more after what is under way. */
  readonly wake: () => void
  /** Begins nothing more. What is under way is the background's. */
  readonly stop: () => void
}

/** How often the store is asked whether there is something to do, where nobody wakes the courier. */
export const courierWakesSeconds = 5
export const attemptSecondsMax = 5
/** Longer than an attempt and the writes round it can take. */
export const claimSeconds = 60
/** Attempts under way at a time, and of these to one client. */
export const attemptsTogetherMax = 16
export const attemptsPerClientMax = 4
/** A client that did not answer is left alone for its delivery's own pause, but for no longer than this. */
export const restSecondsMax = 300
const familiesPerSpread = 256
const noticesPerLook = 16
const duePerLook = 64

export function courier(parts: CourierParts): Courier {
  const rests = restingClients()
  let isRunning = false
  let isWoken = false
  let isStopped = false
  const goesOn = () => !isStopped

  async function work(): Promise<void> {
    try {
      while (isWoken && goesOn()) {
        isWoken = false
        // What waits already is sent though a notice cannot be spread.
        try {
          await spreadNotices(parts, goesOn)
        } finally {
          await deliverDue(parts, rests, goesOn)
        }
      }
    } catch (error) {
      // While the store is away there is nothing to tell: whoever wakes us next finds everything where it was.
      if (!(error instanceof StoreUnavailable)) throw error
    } finally {
      isRunning = false
    }
  }

  return {
    wake: () => {
      isWoken = true
      if (isRunning || isStopped) return
      isRunning = true
      // Where the background is full, whoever wakes us next comes with more luck; the notice waits in the store.
      if (!parts.background.run(work)) isRunning = false
    },
    stop: () => {
      isStopped = true
    },
  }
}

/** How many more deliveries may be written. Counted once for many notices: a full store is dear to count. */
interface Room {
  deliveries: number
}

async function spreadNotices(parts: CourierParts, goesOn: () => boolean): Promise<void> {
  for (;;) {
    const notices = await parts.outbox.notices(noticesPerLook)
    if (notices.length === 0) return
    const room = { deliveries: pendingDeliveriesMax - (await parts.outbox.countPending(pendingDeliveriesMax)) }
    for (const notice of notices) if (!(await spreadWhole(parts, notice, room, goesOn))) return
    if (notices.length < noticesPerLook) return
  }
}

/** False where it must wait. Somebody else who is at it is left to it. */
async function spreadWhole(parts: CourierParts, notice: Notice, room: Room, goesOn: () => boolean): Promise<boolean> {
  const { outbox, families, entropy } = parts
  let standing = notice
  while (goesOn()) {
    const nowMs = await parts.nowMs()
    if (isTooOld({ createdAtMs: notice.atMs }, nowMs)) {
      const detail = { target: notice.target.kind, reason: notice.reason, result: 'too_old' }
      const event = newEvent('delivery_failed', { caller: ourselves, atMs: nowMs, detail }, entropy)
      await outbox.spread(standing, [], null, [event])
      return true
    }
    if (room.deliveries <= 0) return false
    const readings = await families.list(filterOf(standing), familiesPerSpread)
    const deliveries = await planned(parts, standing, readings)
    const last = readings.length < familiesPerSpread ? undefined : readings.at(-1)
    const after = last?.family.id ?? null
    const outcome = await outbox.spread(standing, deliveries, after, [])
    if (outcome === 'done') room.deliveries -= deliveries.length
    if (outcome === 'moved' || after === null) return true
    standing = { ...standing, after, version: standing.version + 1 }
  }
  return false
}

async function planned(parts: CourierParts, notice: Notice, readings: readonly FamilyReading[]): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  for (const channel of Object.values(parts.channels)) deliveries.push(...(await channel.plan(notice, readings)))
  return deliveries
}

function filterOf({ target, after }: Notice): FamilyFilter {
  return { ...familiesOf(target), ...(after === null ? {} : { after }) }
}

function familiesOf(target: NoticeTarget): FamilyFilter {
  switch (target.kind) {
    case 'everyone':
      return {}
    case 'user':
      return { subject: target.subject }
    case 'session':
    case 'logout':
      return { sessionId: target.sessionId }
  }
}

async function deliverDue(parts: CourierParts, rests: RestingClients, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const nowMs = await parts.nowMs()
    const due = await parts.outbox.due(nowMs, rests.at(nowMs), duePerLook)
    const together = fairShare(due)
    if (together.length === 0) return
    const attempts = await Promise.allSettled(together.map(delivery => deliver(parts, delivery, rests)))
    const surprise = attempts.find(attempt => attempt.status === 'rejected')
    if (surprise !== undefined) throw surprise.reason
  }
}

/** The first that are due, of no client more than its share: one that is slow must not hold up all others. */
export function fairShare(due: readonly Delivery[]): readonly Delivery[] {
  const taken = new Map<ClientId, number>()
  const share: Delivery[] = []
  for (const delivery of due) {
    const ofClient = taken.get(delivery.clientId) ?? 0
    if (ofClient >= attemptsPerClientMax) continue
    taken.set(delivery.clientId, ofClient + 1)
    share.push(delivery)
    if (share.length === attemptsTogetherMax) break
  }
  return share
}

async function deliver(parts: CourierParts, delivery: Delivery, rests: RestingClients): Promise<void> {
  const { outbox, channels } = parts
  const begunAtMs = await parts.nowMs()
  if ((await outbox.claim(delivery, begunAtMs + claimSeconds * 1000)) === 'moved') return
  const claimed = { ...delivery, attempts: delivery.attempts + 1 }
  const attempt = isTooOld(delivery, begunAtMs) ? tooOld : await channels[delivery.channel].send(claimed)
  const nowMs = await parts.nowMs()
  const settled = settledBy(claimed, attempt, nowMs, chanceOf(parts.entropy))
  await outbox.settle(settled, settled.state === 'failed' ? [failureEvent(parts, settled, nowMs)] : [])
  if (settled.state === 'pending')
    rests.rest(settled.clientId, Math.min(settled.nextAtMs, nowMs + restSecondsMax * 1000))
  else rests.wake(settled.clientId)
}

const tooOld: Attempt = { kind: 'pointless', result: 'too_old' }

/** From 0 up to 1, in steps as fine as a pause needs. */
function chanceOf(entropy: Entropy): number {
  const [high = 0, low = 0] = entropy.bytes(2)
  return (high * 256 + low) / 65_536
}

function failureEvent({ entropy }: CourierParts, delivery: Delivery, atMs: number) {
  const { clientId, subject, sessionId, channel, reason, attempts, lastResult } = delivery
  const detail = { channel, reason, attempts, result: lastResult }
  return newEvent('delivery_failed', { clientId, subject, sessionId, caller: ourselves, atMs, detail }, entropy)
}

/** Nobody asked for it: the server does it by itself. */
const ourselves: Caller = { requestId: null, address: 'local', userAgent: 'pawl, by itself' }

interface RestingClients {
  readonly at: (nowMs: number) => readonly ClientId[]
  readonly rest: (clientId: ClientId, untilMs: number) => void
  readonly wake: (clientId: ClientId) => void
}

/** Clients that are away, in this process: not each of their deliveries has to find that out. The oldest gives way. */
function restingClients(): RestingClients {
  const until = new Map<ClientId, number>()
  return {
    at: nowMs => {
      for (const [clientId, untilMs] of until) if (untilMs <= nowMs) until.delete(clientId)
      return [...until.keys()]
    },
    rest: (clientId, untilMs) => {
      until.delete(clientId)
      const [oldest] = until.keys()
      if (until.size >= restingMax && oldest !== undefined) until.delete(oldest)
      until.set(clientId, untilMs)
    },
    wake: clientId => {
      until.delete(clientId)
    },
  }
}
