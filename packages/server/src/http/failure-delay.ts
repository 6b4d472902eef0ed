/**
 * Guessing made slow. Failed client authentications, garbage tokens and introspection scans are counted per key (client
 * and network) and minute; over the limit the same answer comes later, up to a tenth of a second: what is guessed is 128 bits or more, so this
 * protects the machine, not the secret. Nothing is refused that would
 * have succeeded, no success waits, and status and body never change, so a stranger can lock nobody out.
 */

export const failuresPerMinuteMax = 300
export const failureDelayMsMax = 100
/** Each failure over the limit waits this much longer than the one before. */
export const failureDelayStepMs = 1
/** Keys counted in one minute; what comes later shares one count, so that a flood of keys pushes none out. */
export const failureKeysMax = 10_000
/** Answers held back at one time; the one that waited longest makes room. */
export const failuresWaitingMax = 1_000

export interface FailureDelay {
  /** Counts a failure against the key; resolves when its answer may go out. */
  readonly delay: (key: string) => Promise<void>
  readonly waiting: () => number
  /** Lets every waiting answer go now, and later ones at once: the server is stopping. */
  readonly release: () => void
}

export interface FailureDelayParts {
  readonly startTimer?: StartTimer | undefined
  /** Threads of this node that count for themselves: the limits are divided among them. */
  readonly threads?: number
}

/** Calls back after so many milliseconds, unless the answer cancels it. */
export type StartTimer = (callback: () => void, afterMs: number) => () => void

export function failureDelay(nowMs: () => number, parts: FailureDelayParts = {}): FailureDelay {
  const { startTimer = systemTimer, threads = 1 } = parts
  const waiting = new Set<() => void>()
  let counts = new Map<string, number>()
  let minute = -1
  let isReleased = false

  const count = (key: string): number => {
    const current = Math.floor(nowMs() / 60_000)
    if (current !== minute) {
      minute = current
      counts = new Map()
    }
    const counted = counts.has(key) || counts.size < failureKeysMax ? key : othersKey
    const failures = (counts.get(counted) ?? 0) + 1
    counts.set(counted, failures)
    return failures
  }

  const hold = (afterMs: number): Promise<void> =>
    new Promise(resolve => {
      const cancel = startTimer(() => letGo(), afterMs)
      const letGo = (): void => {
        cancel()
        waiting.delete(letGo)
        resolve()
      }
      waiting.add(letGo)
      if (waiting.size > failuresWaitingMax / threads) oldest(waiting)?.()
    })

  return {
    delay: async key => {
      const over = count(key) - Math.ceil(failuresPerMinuteMax / threads)
      if (over > 0 && !isReleased) await hold(Math.min(failureDelayMsMax, over * failureDelayStepMs))
    },
    waiting: () => waiting.size,
    release: () => {
      isReleased = true
      for (const letGo of waiting) letGo()
    },
  }
}

/** No client id and network make this key: it holds a character neither may have. */
const othersKey = '\n'

function oldest(waiting: ReadonlySet<() => void>): (() => void) | undefined {
  return waiting.values().next().value
}

export function systemTimer(callback: () => void, afterMs: number): () => void {
  const timer = setTimeout(callback, afterMs)
  return () => clearTimeout(timer)
}
