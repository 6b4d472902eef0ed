/**
 * Writes refusals down for `explain`, behind the answers. Under flood only the first of each second are kept: an operator
 * needs examples, not a million copies, and the store must not pay for an attack.
 */

import type { Background } from '../background.ts'
import type { Refusal, RefusalStore } from './refusal.ts'

export const refusalsKeptPerSecondMax = 200
/** A sentence of ours is shorter; one that quotes a stranger is cut. */
export const refusalDetailCharactersMax = 1000

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
    const detail = keptDetail(refusal.detail)
    background.run(() => refusals.record([{ ...refusal, detail }]))
  }
}

/** What is quoted of a JWT or of JSON may hold a NUL, which no text in PostgreSQL does. */
function keptDetail(detail: string): string {
  return detail.slice(0, refusalDetailCharactersMax).toWellFormed().replaceAll('\0', '\ufffd')
}
