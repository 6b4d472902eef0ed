/** Waiting for another process that writes, without holding up this one: pauses that grow, with jitter, up to a limit. */

import { setTimeout } from 'node:timers/promises'
import { randomShare } from '../custody/entropy.ts'

const firstPauseMs = 1
const pauseMsMax = 32

export type Pause = (pauseMs: number) => Promise<unknown>

/** Yields before each new attempt how many milliseconds all pauses have taken so far; the first time at once, with 0. */
export async function* attempts(pause: Pause = setTimeout): AsyncGenerator<number> {
  let waitedMs = 0
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    yield waitedMs
    // Between half the pause and the whole, so that those who wait do not knock together; never 0.
    const jitteredMs = Math.max(1, Math.round(pauseMs * (0.5 + randomShare() / 2)))
    await pause(jitteredMs)
    waitedMs += jitteredMs
  }
}
