/**
 * How often one family may be refreshed in a second, on one node: its threads count in the same memory. A client in a
 * loop is told to slow down before anything is judged or written; it is no theft and ends nothing. Families share a fixed
 * number of counters, so memory is bounded: two that share one count together, which matters to nobody at the limits in
 * use.
 */

import type { FamilyId } from '@pawl/family'

export const refreshesPerSecondDefault = 10_000
const counters = 16_384
const secondAt = counters

export interface FamilyRate {
  /** Counts one more; true when this second's limit is passed. */
  readonly isExceeded: (familyId: FamilyId) => boolean
}

/** Memory for the counters and the second they count in, of one thread or of several. */
export function familyRateMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((counters + 1) * Int32Array.BYTES_PER_ELEMENT)
}

export function familyRate(nowMs: () => number, perSecondMax: number, memory = familyRateMemory()): FamilyRate {
  const cells = new Int32Array(memory)
  return {
    isExceeded: familyId => {
      const current = Math.floor(nowMs() / 1000) | 0
      // What another thread counts while this one clears is lost: a few refreshes more than the limit pass, none less.
      if (Atomics.exchange(cells, secondAt, current) !== current) cells.fill(0, 0, counters)
      // The last characters of a UUIDv7 are random.
      const slot = Number.parseInt(familyId.slice(-6), 16) % counters
      return Atomics.add(cells, slot, 1) >= perSecondMax
    },
  }
}
