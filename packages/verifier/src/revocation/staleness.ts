/**
 * How old what we know is, by our own clock alone. An answer says how old it was when it was sent; how long it was on its
 * way is at most the time the request took, and at most the shortest way there is and what it came later than others.
 */

/** Answers that are compared. A clock that was set forward or back is believed again after so many. */
export const comparedAnswersMax = 16

export interface Heard {
  readonly askedAtMs: number
  readonly heardAtMs: number
  /** By the server's clock: when it sent the answer. */
  readonly sentAtServerMs: number
  /** How old it was then. */
  readonly ageMs: number
}

export interface Staleness {
  readonly heard: (answer: Heard) => void
  /** The moment of our clock by which everything is known; null before the first answer. */
  readonly knownAtMs: () => number | null
}

export function staleness(): Staleness {
  const compared: { readonly lagMs: number; readonly tookMs: number }[] = []
  let knownAtMs: number | null = null
  return {
    knownAtMs: () => knownAtMs,
    heard: ({ askedAtMs, heardAtMs, sentAtServerMs, ageMs }) => {
      const tookMs = Math.max(0, heardAtMs - askedAtMs)
      const lagMs = heardAtMs - sentAtServerMs
      compared.push({ lagMs, tookMs })
      if (compared.length > comparedAnswersMax) compared.shift()
      const quickestMs = Math.min(...compared.map(each => each.tookMs))
      const laterMs = lagMs - Math.min(...compared.map(each => each.lagMs))
      knownAtMs = heardAtMs - ageMs - Math.min(tookMs, quickestMs + laterMs)
    },
  }
}
