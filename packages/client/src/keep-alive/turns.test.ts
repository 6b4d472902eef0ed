/** Time for keep-alives under test: it passes from turn to turn, when every worker has done what was due. */

import type { HolderClock } from '../holder/clock.ts'
import type { VirtualClock } from '../testing/virtual-clock.ts'

/** Whoever pauses moves the time on. Deadlines, which nobody waits out here, do not pass. */
export function passingClock(clock: VirtualClock): HolderClock {
  return {
    nowMs: clock.nowMs,
    wait: (ms, signal) => {
      if (ms >= deadlineMsMin && signal !== undefined) return aborted(signal)
      clock.sleep(ms)
      return new Promise(resolve => setImmediate(resolve))
    },
  }
}

const deadlineMsMin = 5000

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export interface Turns {
  nowMs(): number
  /** The clock of one more worker, which is waited for from now on. */
  worker(): HolderClock
  /** No worker is waited for any more. */
  dismiss(): void
  /** Lets so much time pass, turn by turn. */
  pass(ms: number): Promise<void>
}

interface Pause {
  readonly dueMs: number
  resume(): void
}

export function turnsOf(clock: VirtualClock): Turns {
  const pauses = new Set<Pause>()
  let workers = 0
  const allPause = async (): Promise<void> => {
    while (pauses.size < workers) await new Promise(next => setImmediate(next))
  }
  return {
    nowMs: clock.nowMs,
    worker() {
      workers += 1
      return { nowMs: clock.nowMs, wait: (ms, signal) => paused(pauses, clock.nowMs() + ms, signal) }
    },
    dismiss() {
      workers = 0
    },
    async pass(ms) {
      const endMs = clock.nowMs() + ms
      for (;;) {
        await allPause()
        const nextMs = Math.min(...[...pauses].map(({ dueMs }) => dueMs))
        if (nextMs > endMs) break
        clock.sleep(Math.max(0, nextMs - clock.nowMs()))
        for (const pause of pauses) if (pause.dueMs <= nextMs) pause.resume()
      }
      clock.sleep(Math.max(0, endMs - clock.nowMs()))
    },
  }
}

function paused(pauses: Set<Pause>, dueMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const pause: Pause = {
      dueMs,
      resume: () => {
        pauses.delete(pause)
        resolve()
      },
    }
    if (signal?.aborted === true) return resolve()
    pauses.add(pause)
    signal?.addEventListener('abort', pause.resume, { once: true })
  })
}
