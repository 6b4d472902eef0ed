/**
 * The end of the line of revocations, watched for all who wait for it to grow. One look every `lookEveryMs` serves all of
 * them, and there is none while nobody waits. Whoever waits holds a timer, and nothing of the store.
 */

import { StoreUnavailable } from '../store.ts'
import { type LineEnd, placeAt, type RevocationStore } from './revocation-store.ts'

/** How long news may stay unseen; what it takes to read and to answer comes on top. */
export const lookEveryMs = 200

/** Calls back after so many milliseconds, unless the answer cancels it. */
export type StartTimer = (callback: () => void, afterMs: number) => () => void

export interface WatchParts {
  readonly store: RevocationStore
  readonly nowMs: () => number
  readonly startTimer: StartTimer
}

/** The line as it was seen, and when that look began, by this machine's clock. */
export interface Seen extends LineEnd {
  readonly beganAtMs: number
}

export interface News {
  readonly seen: Seen
  /** There may be none: the time is over. */
  readonly isOver: boolean
}

export interface WatchedLine {
  /** A look that is no older than what those who wait would get, and not older than this place. */
  readonly lately: (place: number) => Promise<Seen>
  /** The line once it reaches beyond this place, or as it is when the time is over. Rejects where a look fails. */
  readonly news: (place: number, waitMs: number) => Promise<News>
  readonly isStopped: () => boolean
  /** Nobody waits any more. */
  readonly stop: () => void
}

export function watchedLine({ store, nowMs, startTimer }: WatchParts): WatchedLine {
  let last: Seen | null = null
  let looking: Promise<Seen> | null = null
  let isStopped = false

  /** However many ask at once, the store is asked once. */
  function look(): Promise<Seen> {
    looking ??= lookNow().finally(() => {
      looking = null
    })
    return looking
  }

  async function lookNow(): Promise<Seen> {
    const beganAtMs = nowMs()
    last = { ...(await store.line()), beganAtMs }
    return last
  }

  function newest(): Seen {
    if (last === null) throw new StoreUnavailable('the line of revocations has not been seen')
    return last
  }

  const room = waitingRoom({ startTimer, newest, look })
  return {
    lately: async place => {
      const sinceMs = last === null ? Number.NaN : nowMs() - last.beganAtMs
      const isFresh = sinceMs >= 0 && sinceMs < lookEveryMs
      if (last !== null && isFresh && !isBeyond(place, last)) return last
      const seen = await look()
      // Another node may have given that place while this look was under way already.
      return isBeyond(place, seen) ? look() : seen
    },
    news: (place, waitMs) => (isStopped ? Promise.resolve({ seen: newest(), isOver: true }) : room.wait(place, waitMs)),
    isStopped: () => isStopped,
    stop: () => {
      isStopped = true
      room.empty()
    },
  }
}

/** A place that this line has not given by then. Of one that it never gave, it was put back from a backup, and its clock too. */
export function isBeyond(place: number, { asOfMs }: LineEnd): boolean {
  return place >= placeAt(asOfMs + 1)
}

interface Waiter {
  readonly place: number
  readonly wake: (news: News) => void
  readonly fail: (error: unknown) => void
}

interface RoomParts {
  readonly startTimer: StartTimer
  readonly look: () => Promise<Seen>
  readonly newest: () => Seen
}

function waitingRoom({ startTimer, look, newest }: RoomParts) {
  const waiters = new Set<Waiter>()
  let stopTimer: (() => void) | null = null

  function watch(): void {
    if (stopTimer !== null || waiters.size === 0) return
    stopTimer = startTimer(() => {
      look()
        .then(tell, failAll)
        .finally(() => {
          stopTimer = null
          watch()
        })
    }, lookEveryMs)
  }

  function tell(seen: Seen): void {
    for (const { place, wake } of waiters) if (seen.place > place) wake({ seen, isOver: false })
  }

  function failAll(error: unknown): void {
    for (const { fail } of waiters) fail(error)
  }

  return {
    wait: async (place: number, waitMs: number): Promise<News> => {
      const { promise, resolve: wake, reject: fail } = Promise.withResolvers<News>()
      const waiter = { place, wake, fail }
      const cancel = startTimer(() => wake({ seen: newest(), isOver: true }), waitMs)
      waiters.add(waiter)
      watch()
      return promise.finally(() => {
        cancel()
        waiters.delete(waiter)
      })
    },
    empty: (): void => {
      stopTimer?.()
      for (const { wake } of waiters) wake({ seen: newest(), isOver: true })
    },
  }
}
