/** The one place that draws random bytes. Tests hand in a seeded source, so every run can be played again. */

import { randomFillSync } from 'node:crypto'

export interface Entropy {
  /** Fresh random bytes, owned by the caller. */
  readonly bytes: (count: number) => Uint8Array
}

const poolBytes = 4096

/** The system's generator, drawn in blocks: a refresh needs a few dozen bytes and a system call costs more than they do. */
export function systemEntropy(): Entropy {
  let pool = new Uint8Array(poolBytes)
  let used = poolBytes
  return {
    bytes: count => {
      if (count > poolBytes) return randomFillSync(new Uint8Array(count))
      if (used + count > poolBytes) {
        pool = randomFillSync(new Uint8Array(poolBytes))
        used = 0
      }
      const drawn = pool.slice(used, used + count)
      pool.fill(0, used, used + count)
      used += count
      return drawn
    },
  }
}
