/** How long something lives that a test, or a bench, starts: whoever starts it says what ends it. */
export interface Lifetime {
  /** Called when it is over, the last one first. A `TestContext` is one. */
  readonly after: (end: () => unknown) => void
}

/** A lifetime that is no test's. */
export function openLifetime(): Lifetime & { readonly end: () => Promise<void> } {
  const ends: (() => unknown)[] = []
  return {
    after: end => {
      ends.push(end)
    },
    end: async () => {
      for (const end of ends.toReversed()) await end()
    },
  }
}
