/**
 * A fixed number of connections, each with one batch under way. What arrives while all are busy gathers and goes
 * together: no timer and no tuning. A connection is made when it is first needed and made again when it broke; while none
 * can be had, whoever asks is told at once, and the next attempt waits a little, so that a server that comes back is not
 * knocked over.
 */

import { StoreUnavailable } from '../../domain/store.ts'
import type { Entropy } from '../../domain/entropy.ts'
import { asUnavailable, type Trusted } from './connect.ts'

/** Beyond this the store says so at once instead of promising what it will not keep (I13). */
export const queuedTasksMax = 16_384
const firstRestMs = 50
/** How long a lane rests at most after an attempt to connect that failed. */
export const restMsMax = 500

export interface LaneWork<Task> {
  /** Takes what goes together from the queue, at least one task where there is one. */
  readonly take: (queue: Task[]) => readonly Task[]
  /** Gives every task of the batch its answer, or puts it back with `again`. Never rejects. */
  readonly work: (trusted: Trusted, batch: readonly Task[]) => Promise<void>
  readonly fail: (task: Task, error: StoreUnavailable) => void
}

export interface Lanes<Task> {
  /** False when too many wait. */
  readonly push: (task: Task) => boolean
  /** Puts tasks back at the front of the queue; they were let in before. */
  readonly again: (tasks: readonly Task[]) => void
  /** Resolves when everything that was pushed has its answer and every connection is closed. */
  readonly finish: () => Promise<void>
}

export interface LaneParts {
  readonly count: number
  readonly connect: () => Promise<Trusted>
  readonly entropy: Entropy
}

interface Lane {
  trusted: Trusted | null
  busy: boolean
  restMs: number
  resting: boolean
}

export function createLanes<Task>({ count, connect, entropy }: LaneParts, work: LaneWork<Task>): Lanes<Task> {
  const queue: Task[] = []
  const lanes = Array.from({ length: count }, (): Lane => ({ trusted: null, busy: false, restMs: 0, resting: false }))
  let woken = false
  let finished: (() => void) | null = null

  function wake(): void {
    if (woken) return
    woken = true
    setImmediate(dispatch)
  }

  function dispatch(): void {
    woken = false
    while (queue.length > 0) {
      const lane = idleLane()
      if (lane === null) break
      void drive(lane)
    }
    if (queue.length > 0 && !lanes.some(lane => lane.busy)) failAll(new StoreUnavailable('PostgreSQL is not there'))
    settleFinish()
  }

  /** One with a connection if there is any. */
  function idleLane(): Lane | null {
    const idle = lanes.filter(lane => !lane.busy && !lane.resting)
    return idle.find(lane => isConnected(lane)) ?? idle[0] ?? null
  }

  async function drive(lane: Lane): Promise<void> {
    lane.busy = true
    const trusted = isConnected(lane) ? lane.trusted : await reconnect(lane)
    if (trusted !== null) {
      const batch = work.take(queue)
      if (batch.length > 0) await work.work(trusted, batch)
    }
    lane.busy = false
    wake()
  }

  async function reconnect(lane: Lane): Promise<Trusted | null> {
    try {
      lane.trusted = await connect()
      lane.restMs = 0
    } catch (error) {
      lane.trusted = null
      rest(lane)
      if (!lanes.some(isConnected)) failAll(asUnavailable(error))
    }
    return lane.trusted
  }

  function rest(lane: Lane): void {
    lane.restMs = Math.min(Math.max(firstRestMs, lane.restMs * 2), restMsMax)
    lane.resting = true
    setTimeout(
      () => {
        lane.resting = false
        wake()
      },
      jittered(lane.restMs, entropy),
    ).unref()
  }

  function failAll(error: StoreUnavailable): void {
    for (const task of queue.splice(0)) work.fail(task, error)
  }

  function settleFinish(): void {
    if (finished !== null && queue.length === 0 && !lanes.some(lane => lane.busy)) finished()
  }

  return {
    push: task => {
      if (queue.length >= queuedTasksMax) return false
      queue.push(task)
      wake()
      return true
    },
    again: tasks => {
      queue.unshift(...tasks)
      wake()
    },
    finish: async () => {
      await new Promise<void>(resolve => {
        finished = resolve
        wake()
      })
      await Promise.all(lanes.map(lane => lane.trusted?.session.end()))
    },
  }
}

function isConnected(lane: Lane): boolean {
  return lane.trusted?.session.isOpen() === true
}

/** Between half and the whole, so that nodes do not knock together. */
export function jittered(pauseMs: number, entropy: Entropy): number {
  const [byte = 0] = entropy.bytes(1)
  return Math.round((pauseMs * (256 + byte)) / 512)
}
