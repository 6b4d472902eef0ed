/**
 * Time that passes when a test says so. What waits wakes in the order of its instants, and what it then does is over
 * before the next one wakes: a run of eight hours takes no time and comes out the same each time.
 */

import type { HolderClock } from '../holder/clock.ts'

export interface VirtualClock extends HolderClock {
  /** Lets so much time pass, and all happen that happens in it. */
  advance(ms: number): Promise<void>
  /** The machine sleeps: the time of day moves on, timers stand still (as they do on Linux and macOS). */
  sleep(ms: number): void
  /**
   * Lets time pass until `work` is settled, and answers as it does. Rejects with `ClockStuck` when nothing waits that
   * could move it on, or after `msMax`.
   */
  run<T>(work: Promise<T>, msMax?: number): Promise<T>
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>
  /** Time stands still as long as `work` goes on: what a store or a server does takes none, unless it waits here. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** How many wait. */
  waiting(): number
}

/** The work does not end by itself, whatever time passes. */
export class ClockStuck extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = 'ClockStuck'
  }
}

export const runMsMax = 24 * 3_600_000

/** So often the work is looked at again before it is said to be stuck. */
const stuckMax = 200

/** 2027-03-02T12:00:00Z: an ordinary Tuesday noon. */
const ordinaryNoonMs = 1_803_988_800_000

export function virtualClock(startsAtMs: number = ordinaryNoonMs): VirtualClock {
  const timers = standingTimers()
  let asleepMs = 0
  return {
    nowMs: () => startsAtMs + asleepMs + timers.nowMs(),
    wait: timers.wait,
    advance: ms => timers.passTo(timers.nowMs() + ms),
    sleep: ms => {
      asleepMs += ms
    },
    run: async (work, msMax = runMsMax) => {
      const endsMs = timers.nowMs() + msMax
      const isSettled = watched(work)
      await timers.settle()
      for (let stuck = 0; !isSettled(); ) {
        const dueMs = timers.nextMs()
        // Real threads and files may be at work of which nobody tells us: only patience knows them done.
        if (dueMs === null && stuck++ < stuckMax) {
          await timers.settle()
          continue
        }
        if (dueMs === null) throw new ClockStuck('nothing waits for time to pass, and yet the work does not end')
        if (dueMs > endsMs) throw new ClockStuck(`the work did not end in ${msMax} ms`)
        stuck = 0
        await timers.passTo(dueMs)
      }
      return work
    },
    settle: timers.settle,
    during: timers.during,
    waiting: timers.waiting,
  }
}

interface Timers extends Pick<VirtualClock, 'wait' | 'settle' | 'during' | 'waiting'> {
  /** Since the clock was made, without the time asleep. */
  nowMs(): number
  /** When the next one wakes. */
  nextMs(): number | null
  passTo(targetMs: number): Promise<void>
}

function standingTimers(): Timers {
  const { settle, during, stir } = workOnHand()
  const sleepers = new Set<Sleeper>()
  let nowMs = 0
  let drawn = 0
  return {
    nowMs: () => nowMs,
    nextMs: () => firstOf(sleepers)?.dueMs ?? null,
    wait: (ms, signal) =>
      new Promise(resolve => {
        stir()
        if (signal?.aborted === true) return resolve()
        const wake = (): void => {
          stir()
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper: Sleeper = { dueMs: nowMs + Math.max(0, Math.ceil(ms)), order: drawn++, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      }),
    passTo: async targetMs => {
      await settle()
      for (let next = firstOf(sleepers); next !== null && next.dueMs <= targetMs; next = firstOf(sleepers)) {
        nowMs = next.dueMs
        next.wake()
        await settle()
      }
      nowMs = Math.max(targetMs, nowMs)
    },
    settle,
    during,
    waiting: () => sleepers.size,
  }
}

/** Knows when everything that needs no time to pass has been done. */
function workOnHand(): Pick<VirtualClock, 'settle' | 'during'> & { stir(): void } {
  let stirred = 0
  let underWay = 0
  let over = Promise.withResolvers<void>()
  const stir = (): void => {
    stirred += 1
  }
  return {
    stir,
    settle: async () => {
      for (let quiet = 0; quiet < quietTurns; quiet++) {
        const before = stirred
        // Turns cost next to nothing; only who seems to be done is made to wait for the threads.
        await (quiet < quietTurns - quietQueues ? oneTurn() : oneQueue())
        if (underWay > 0) await over.promise
        if (stirred !== before) quiet = -1
      }
    },
    during: async work => {
      underWay += 1
      stir()
      try {
        return await work()
      } finally {
        underWay -= 1
        stir()
        if (underWay === 0) {
          over.resolve()
          over = Promise.withResolvers()
        }
      }
    },
  }
}

interface Sleeper {
  readonly dueMs: number
  /** Who came first wakes first. */
  readonly order: number
  readonly wake: () => void
}

function firstOf(sleepers: ReadonlySet<Sleeper>): Sleeper | null {
  let first: Sleeper | null = null
  for (const each of sleepers) {
    if (first === null || each.dueMs < first.dueMs || (each.dueMs === first.dueMs && each.order < first.order)) {
      first = each
    }
  }
  return first
}

/** A rejection is the caller's to see, when it gets the promise back. */
function watched(work: Promise<unknown>): () => boolean {
  let isSettled = false
  const settled = (): void => {
    isSettled = true
  }
  work.then(settled, settled)
  return () => isSettled
}

/** So many in a row in which nothing moved. */
const quietTurns = 6
/** The last of them: a chain of so many cryptographic steps is waited for. */
const quietQueues = 3

/** A turn of the event loop. */
function oneTurn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/** A place in the queue of the threads that do cryptography: who signed or sealed before has the answer after it. */
async function oneQueue(): Promise<void> {
  ownKey ??= crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const { privateKey } = await ownKey
  await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, nothing)
  await oneTurn()
}

let ownKey: Promise<CryptoKeyPair> | undefined
const nothing = new Uint8Array(0)
