/** What a holder waits for, and how long. */

import type { HolderLimits } from './holder.ts'
import { requestSecondsDefault } from './server.ts'

export const limitsDefault: HolderLimits = {
  requestSeconds: requestSecondsDefault,
  refreshSeconds: 25,
  renewAheadShare: 0.2,
  expiryMarginSeconds: 10,
  rereadSeconds: 5,
  cooldownSecondsMax: 60,
}

/** A lease outlives all attempts of a refresh and the saving of its answer. */
export const leaseMarginSeconds = 5

export function leaseSeconds({ refreshSeconds }: HolderLimits): number {
  return refreshSeconds + leaseMarginSeconds
}

/** The first pause before an ask is repeated, doubled from one to the next. */
export const backoffMsBase = 250
export const backoffMsMax = 8000
/** A server without retry keys is asked once more after an answer was lost: it may have a grace period, which is short. */
export const repeatsWithoutKey = 1
/** A server gives a nonce for the first proof, and a newer one when that has just run out. */
export const noncesMax = 2
/** Attempts to save one answer before its caller is told that it could not be. */
export const savesMax = 3
/** How often a refresh begins anew because the record moved under it. */
export const turnsMax = 5
/** So many grants one holder remembers; what it forgets it loads again. */
export const heldGrantsMax = 10_000

export interface Again {
  /** Asks so far, and how many of them may have been taken. */
  readonly asks: number
  readonly unknowns: number
  readonly mayRepeat: boolean
  readonly retryAfterMs: number | null
  readonly leftMs: number
}

/** How long to wait before the same is asked again, with full jitter, or null: then this refresh is postponed. */
export function pauseBeforeAgain(
  { asks, unknowns, mayRepeat, retryAfterMs, leftMs }: Again,
  chance: number,
): number | null {
  if (!mayRepeat && unknowns > repeatsWithoutKey) return null
  const pauseMs = (retryAfterMs ?? 0) + chance * Math.min(backoffMsMax, backoffMsBase * 2 ** (asks - 1))
  return pauseMs < leftMs ? pauseMs : null
}
