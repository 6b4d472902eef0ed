/** What one attempt makes of a delivery. Pure: chance comes in as a number. */

import {
  deliveriesKeptSeconds,
  type Delivery,
  deliveryAgeSecondsMax,
  deliveryAttemptsMax,
  type DeliveryState,
} from './outbox.ts'

export interface Attempt {
  /** `pointless`: there is nobody to be told any more. */
  readonly kind: 'taken' | 'not_taken' | 'pointless'
  /** A status, or a word. */
  readonly result: string
}

/** After the first attempt; each further pause is twice as long, up to the longest. */
export const firstPauseSeconds = 15
export const pauseSecondsMax = 7200

/**
 * The delivery after an attempt that was counted in it. `chance`, from 0 up to 1, takes up to half of the pause away, so
 * that what failed together does not come back together.
 */
export function settledBy(delivery: Delivery, attempt: Attempt, nowMs: number, chance: number): Delivery {
  const tried = { ...delivery, lastAtMs: nowMs, lastResult: attempt.result }
  if (attempt.kind === 'taken') return over(tried, 'delivered', nowMs)
  if (attempt.kind === 'pointless') return over(tried, 'failed', nowMs)
  const nextAtMs = nowMs + Math.round(pauseMs(delivery.attempts) * (1 - chance / 2))
  const isGivenUp = delivery.attempts >= deliveryAttemptsMax || nextAtMs >= endOf(delivery)
  return isGivenUp ? over(tried, 'failed', nowMs) : { ...tried, nextAtMs }
}

/** True of one that waited so long that nobody needs to hear it any more. */
export function isTooOld(about: { readonly createdAtMs: number }, nowMs: number): boolean {
  return nowMs >= endOf(about)
}

function endOf({ createdAtMs }: { readonly createdAtMs: number }): number {
  return createdAtMs + deliveryAgeSecondsMax * 1000
}

function pauseMs(attempts: number): number {
  return Math.min(firstPauseSeconds * 2 ** (attempts - 1), pauseSecondsMax) * 1000
}

function over(delivery: Delivery, state: DeliveryState, nowMs: number): Delivery {
  return { ...delivery, state, nextAtMs: nowMs + deliveriesKeptSeconds * 1000 }
}
