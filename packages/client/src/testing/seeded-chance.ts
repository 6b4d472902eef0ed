/** Chance that comes out the same in every run: not for secrets. */

export interface SeededChance {
  /** From 0 up to but not including 1. */
  next(): number
  /** A whole number from 0 up to but not including `limit`. */
  below(limit: number): number
  /** True in this share of all cases. */
  happens(share: number): boolean
  one<T>(of: readonly [T, ...T[]]): T
  /** Lower-case letters and digits. */
  text(characters: number): string
  /** Another source, that draws nothing from this one. */
  branch(name: string): SeededChance
}

export function seededChance(seed: string): SeededChance {
  let state = hashOf(seed)
  // Mulberry32: 32 bits of state, every one of them used.
  const next = (): number => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    happens: share => next() < share,
    one: of => of[below(of.length)] ?? of[0],
    text: characters => Array.from({ length: characters }, () => below(36).toString(36)).join(''),
    branch: name => seededChance(`${seed}/${name}`),
  }
}

/** FNV-1a over the characters, then mixed, so that seeds that differ in one character begin far apart. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b)
  return hash ^ (hash >>> 13)
}
