/** How long a lease lasts by the clock of this machine, which may be set while it lasts. */

export interface LeaseTime {
  readonly takenAtMs: number
  readonly untilMs: number
}

/**
 * Whoever looks at a lease may have asked the clock before it was taken, and been held up since: so much is no sign that
 * the clock was set.
 */
export const heldUpMsMax = 60_000

export function leaseTimeFrom(nowMs: number, seconds: number): LeaseTime {
  return { takenAtMs: nowMs, untilMs: nowMs + Math.ceil(seconds * 1000) }
}

/**
 * Also over when the clock stands long before it was taken: it was set back, and the lease would last for nobody knows
 * how long.
 */
export function isLeaseOver({ takenAtMs, untilMs }: LeaseTime, nowMs: number): boolean {
  return nowMs >= untilMs || nowMs < takenAtMs - heldUpMsMax
}
