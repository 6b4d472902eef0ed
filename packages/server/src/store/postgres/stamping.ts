/**
 * When the store's time is written down. Not with every batch: all nodes would queue up for one row. A node that writes
 * puts it in front of a batch once a second, and while it rests, for as long as any repeat window may still be open, every
 * few seconds. A silence of ten seconds therefore says that nobody could write, and not that nobody wanted to; whoever
 * finds it takes it for an interruption, on whichever node. What a failover to a server with an earlier clock can take
 * back of the time is what was not written down yet, about a second: a cut-off raises the stored time in its own
 * transaction, so nothing it ended comes back, and every node brings the highest time it was told to the next stamp.
 */

import { idleStampMs, idleStampsMax, type Rhythm, type StartTimer } from '../sql/idle-stamp.ts'
import { interruptionMsMin, type StoreClock } from '../sql/store-clock.ts'
import type { Stamping } from './batch.ts'

/** A node that writes stores the time no more often than this. */
export const stampMsMin = 1000
/**
 * A node at rest stores the time this many times within what would be taken for an interruption. Of so many, one may fail,
 * and the next may be as late as the database is slow, and nobody reads a silence into it.
 */
export const stampsBeforeSilence = 4
const restingStampMs = interruptionMsMin / stampsBeforeSilence

/** As long as an embedded store goes on with it (`idleStampsMax`). */
export const restingRhythm: Rhythm = {
  everyMs: restingStampMs,
  stampsMax: Math.ceil((idleStampMs * idleStampsMax) / restingStampMs),
}

export function stampingBy(clock: StoreClock, startTimer: StartTimer): Stamping {
  let isDue = true
  return {
    due: () => {
      if (!isDue) return []
      isDue = false
      startTimer(() => {
        isDue = true
      }, stampMsMin)
      return clock.stamps('')
    },
    now: () => clock.stamps(''),
    stamped: clock.stamped,
  }
}

/** Where a test tells the time, every batch stores it, as an embedded store does. */
export function stampingAlways(clock: StoreClock): Stamping {
  return { due: () => clock.stamps(''), now: () => clock.stamps(''), stamped: clock.stamped }
}
