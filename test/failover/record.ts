/** What the clients of a failover test were told: of every kept promise there is a note here, and of every broken one. */

import type { FamilyId } from '@pawl/family'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { ledger } from '../processes/holders.ts'
import { familyIdIn, generationIn } from '../processes/inside-token.ts'
import { OutcomeUnknown } from './outcome-unknown.ts'

/** How somebody ended what they held. */
export const endings = ['token', 'family', 'user', 'client', 'command'] as const
export type EndingKind = (typeof endings)[number]

export interface Ended {
  readonly kind: EndingKind
  readonly registered: ClientWithSecret
  readonly refreshToken: string
  readonly familyId: FamilyId
}

export interface Record {
  /** Notes an acknowledged rotation or redemption. */
  readonly moved: (presented: string, answered: string) => void
  /** Notes a revocation that was acknowledged. */
  readonly ended: (ending: Ended) => void
  /** Notes an answer or a broken connection that left the outcome open (I14), and throws `OutcomeUnknown`. */
  readonly unknown: (what: string) => never
  /** Notes any other acknowledged write. */
  readonly wrote: () => void
  /** Notes what must not have happened, as a sentence. */
  readonly violated: (sentence: string) => void
  /** None in a good run. */
  readonly violations: () => readonly string[]
  /** The highest generation each family was acknowledged to have. */
  readonly generations: ReadonlyMap<FamilyId, number>
  readonly revocations: readonly Ended[]
  readonly counts: () => Counts
  /** Resolves after so many more acknowledged writes, or once something is violated. */
  readonly acknowledged: (count: number) => Promise<void>
  /** The longest time without an acknowledged write since it was last asked. */
  readonly longestGapMs: () => number
}

export interface Counts {
  readonly writes: number
  readonly rotations: number
  readonly unknown: number
}

export function startRecord(): Record {
  const kept = ledger()
  const generations = new Map<FamilyId, number>()
  const revocations: Ended[] = []
  const own: string[] = []
  const violations = (): readonly string[] => [...kept.violations, ...own]
  let waiting: { readonly writes: number; readonly tell: () => void }[] = []
  let [writes, unknown, gapMs] = [0, 0, 0]
  let lastAtMs = performance.now()

  const tellWaiting = (): void => {
    const isOver = violations().length > 0
    for (const each of waiting) if (isOver || writes >= each.writes) each.tell()
    waiting = waiting.filter(each => !isOver && writes < each.writes)
  }
  const wrote = (): void => {
    writes += 1
    const nowMs = performance.now()
    gapMs = Math.max(gapMs, nowMs - lastAtMs)
    lastAtMs = nowMs
    tellWaiting()
  }
  const violated = (sentence: string): void => {
    own.push(sentence)
    tellWaiting()
  }

  return {
    violations,
    generations,
    revocations,
    wrote,
    violated,
    moved: (presented, answered) => {
      kept.acknowledge(presented, answered)
      const [family, generation] = [familyIdIn(answered), generationIn(answered)]
      if (generation !== generationIn(presented) + 1) violated(`generation ${generation} came out of turn`)
      generations.set(family, Math.max(generation, generations.get(family) ?? 0))
      wrote()
    },
    ended: ending => {
      revocations.push(ending)
      wrote()
    },
    unknown: what => {
      unknown += 1
      throw new OutcomeUnknown(what)
    },
    counts: () => ({ writes, rotations: kept.rotations(), unknown }),
    acknowledged: count =>
      new Promise(resolve => {
        waiting.push({ writes: writes + count, tell: resolve })
        tellWaiting()
      }),
    longestGapMs: () => {
      const longest = gapMs
      gapMs = 0
      return longest
    },
  }
}
