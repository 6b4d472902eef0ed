/** The one place that reads the machine's clock. Everything else is told what time it is. */

export interface Clock {
  /** Milliseconds since the epoch, by this machine. The store's time, which never goes back, is what decides. */
  readonly nowMs: () => number
}

export const systemClock: Clock = { nowMs: () => Date.now() }
