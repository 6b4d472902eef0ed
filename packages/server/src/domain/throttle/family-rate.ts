/**
 * How often one family may be refreshed in a second, in one process. A client in a loop is told to slow down before the
 * store is asked; it is no theft and ends nothing. Families share a fixed number of counters, so memory is bounded: two
 * that share one count together, which matters to nobody at the limits in use.
 */

import type { FamilyId } from '@pawl/family'

export const refreshesPerSecondDefault = 10_000
const counters = 16_384

export interface FamilyRate {
  /** Counts one more; true when this second's limit is passed. */
  readonly isExceeded: (familyId: FamilyId) => boolean
}

export function familyRate(nowMs: () => number, perSecondMax: number): FamilyRate {
  const counts = new Uint32Array(counters)
  let second = 0
  return {
    isExceeded: familyId => {
      const current = Math.floor(nowMs() / 1000)
      if (current !== second) {
        second = current
        counts.fill(0)
      }
      // The last characters of a UUIDv7 are random.
      const slot = Number.parseInt(familyId.slice(-6), 16) % counters
      const count = (counts[slot] ?? 0) + 1
      counts[slot] = count
      return count > perSecondMax
    },
  }
}
