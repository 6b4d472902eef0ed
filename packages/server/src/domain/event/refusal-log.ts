/**
 * Writes refusals down for `explain`, behind the answers. Under flood only the first of each second are kept: an operator
 * needs examples, not a million copies, and the store must not pay for an attack.
 */

import type { Background } from '../background.ts'
import type { Refusal, RefusalStore } from './refusal.ts'

export const refusalsKeptPerSecondMax = 200

/** Keeps the refusal, or passes it over when its second is full. Never throws and never waits. */
export type KeepRefusal = (refusal: Refusal) => void

export function refusalLog(refusals: RefusalStore, background: Background): KeepRefusal {
  let second = -1
  let kept = 0
  return refusal => {
    const current = Math.floor(refusal.atMs / 1000)
    if (current !== second) {
      second = current
      kept = 0
    }
    if (kept >= refusalsKeptPerSecondMax) return
    kept += 1
    background.run(() => refusals.record([refusal]))
  }
}
