/** Choices that can be made again: everything a test leaves to chance comes from a seed that it prints. */

import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'

export interface Chance {
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number
  /** A source of its own, so that who asks first does not matter. */
  readonly branch: (name: string) => Chance
}

/** The seed of this run: `PAWL_SEED`, or a fresh one, said either way. */
export function chanceOf(test: TestContext): Chance {
  const seed = process.env['PAWL_SEED'] ?? String(process.pid * 1_000_003 + Math.floor(performance.timeOrigin))
  test.diagnostic(`PAWL_SEED=${seed}`)
  return chanceFrom(seed)
}

export function chanceFrom(seed: string): Chance {
  let drawn = 0
  return {
    below: limit => {
      drawn += 1
      return createHash('sha256').update(`${seed} ${drawn}`).digest().readUInt32BE(0) % limit
    },
    branch: name => chanceFrom(`${seed}/${name}`),
  }
}
