/** Timers that go off when the test says so, and tell how long each was asked to wait: no test waits for a clock. */

import type { StartTimer } from '../../packages/server/src/http/failure-delay.ts'

export interface Timers {
  readonly startTimer: StartTimer
  /** What was asked for, in order. */
  readonly delaysMs: readonly number[]
  /** Until `letGo`, nothing goes off; before and after, everything does as soon as it is asked for. */
  readonly hold: () => void
  readonly letGo: () => void
}

export function notedTimers(): Timers {
  const delaysMs: number[] = []
  const held = new Set<() => void>()
  let isHolding = false
  return {
    startTimer: (callback, afterMs) => {
      delaysMs.push(afterMs)
      if (!isHolding) queueMicrotask(callback)
      else held.add(callback)
      return () => held.delete(callback)
    },
    delaysMs,
    hold: () => {
      isHolding = true
    },
    letGo: () => {
      isHolding = false
      for (const callback of held) callback()
    },
  }
}
