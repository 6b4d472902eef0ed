/**
 * Waiting for another process that writes the same file, without holding up the requests of this one. SQLite's own busy
 * handler would sleep on the event loop, so it is off, and what is busy is tried again after a jittered pause.
 */

import { setTimeout } from 'node:timers/promises'
import type { Entropy } from '../../domain/entropy.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { isBusy, isUnavailable, unavailable } from './sqlite-error.ts'

const firstPauseMs = 1
const pauseMsMax = 50
/** How long all pauses together may be before the request is told to come again. */
export const busyMsMax = 10_000

export type Patiently = <T>(action: () => T) => Promise<T>

/** Rejects with `StoreUnavailable` where the database is away or busy for too long; what else the action throws, it throws. */
export function patience(entropy: Entropy, pause: (pauseMs: number) => Promise<unknown> = setTimeout): Patiently {
  return async action => {
    let waitedMs = 0
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      try {
        return action()
      } catch (error) {
        if (isUnavailable(error)) throw unavailable(error)
        if (!isBusy(error)) throw error
        if (waitedMs >= busyMsMax) throw new StoreUnavailable('the SQLite database stayed locked', { cause: error })
      }
      const jitteredMs = jittered(pauseMs, entropy)
      await pause(jitteredMs)
      waitedMs += jitteredMs
    }
  }
}

/** Between half the pause and the whole, so that waiting processes do not knock together. Never 0: that would not wait. */
function jittered(pauseMs: number, entropy: Entropy): number {
  const [byte = 0] = entropy.bytes(1)
  return Math.max(1, Math.round((pauseMs * (256 + byte)) / 512))
}
