/**
 * Which DPoP proofs were used (RFC 9449 §11.1). A mark is kept until the proof is over by its own time, and never makes
 * room for another: where there is no room, the request is put off, because an old proof must not become good again.
 */

/** Where several processes answer for one API, they share one of these: a table, or Redis. */
export interface ProofMarks {
  /** `taken` for exactly one of all who ask with the same mark before it expires. */
  readonly take: (mark: string, expiresAtMs: number) => ProofMarkOutcome | Promise<ProofMarkOutcome>
}

export type ProofMarkOutcome = 'taken' | 'used before' | 'full'

/** About 150 bytes each. */
export const proofMarksMax = 200_000

/** Marks of this process alone, in memory that is bounded. */
export function memoryMarks(nowMs: () => number, marksMax: number = proofMarksMax): ProofMarks {
  // The same proof always has the same end, so whatever ends in one second is kept, found and dropped together.
  const bySecond = new Map<number, Set<string>>()
  let count = 0

  function dropOver(now: number): void {
    for (const [second, marks] of bySecond) {
      if (second >= now) continue
      bySecond.delete(second)
      count -= marks.size
    }
  }

  return {
    take: (mark, expiresAtMs) => {
      const second = Math.ceil(expiresAtMs / 1000)
      const known = bySecond.get(second)
      if (known?.has(mark) === true) return 'used before'
      if (count >= marksMax) dropOver(nowMs() / 1000)
      if (count >= marksMax) return 'full'
      count += 1
      if (known !== undefined) known.add(mark)
      else {
        dropOver(nowMs() / 1000)
        bySecond.set(second, new Set([mark]))
      }
      return 'taken'
    },
  }
}
