/**
 * Says that the store is alive while nobody writes. The stored time is that of the last write, and whoever opens the
 * database later takes all that has passed since for an interruption. Without a word in between, an idle night would open
 * repeat windows again that had run out in the evening, with the store there and answering.
 */

/** A little longer than the usual repeat window: a window that has run out before a stop is known to have. */
export const idleStampMs = 61_000
/** Together as long as the longest repeat window there can be: after that, no window is open that could be cut short. */
export const idleStampsMax = 60

export interface IdleStamp {
  /** Somebody else has written, or is about to. */
  readonly wrote: () => void
  readonly stop: () => void
}

/** Calls back once after so many milliseconds, unless cancelled. */
export type StartTimer = (callback: () => void, afterMs: number) => () => void

/** How often the stamp is made, and how many times after the last write. */
export interface Rhythm {
  readonly everyMs: number
  readonly stampsMax: number
}

/** `stamp` writes nothing but the time. It is asked for seldom, and never by a store that has not written. */
export function stampWhileIdle(
  stamp: () => Promise<unknown>,
  startTimer: StartTimer = quietTimer,
  { everyMs, stampsMax }: Rhythm = { everyMs: idleStampMs, stampsMax: idleStampsMax },
): IdleStamp {
  let left = 0
  let hasWritten = false
  let cancel: (() => void) | null = null

  function arm(): void {
    cancel = startTimer(tick, everyMs)
  }

  function tick(): void {
    left = hasWritten ? stampsMax : left - 1
    hasWritten = false
    cancel = null
    // Where the store is away nobody is answered either, and whoever asks next is told; until then it is interrupted.
    stamp().catch(() => undefined)
    if (left > 0) arm()
  }

  return {
    wrote: () => {
      hasWritten = true
      if (cancel === null) arm()
    },
    stop: () => {
      cancel?.()
      cancel = startNothing
    },
  }
}

/** After the stop there is no timer, and none is started. */
function startNothing(): void {}

/** Keeps no process alive. */
export function quietTimer(callback: () => void, afterMs: number): () => void {
  const timer = setTimeout(callback, afterMs).unref()
  return () => clearTimeout(timer)
}
