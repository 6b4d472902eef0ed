/** What one holder knows of its grants between two calls: a bounded memory, in which nothing is that the store lacks. */

import type { Prover } from './dpop-proof.ts'
import { heldGrantsMax } from './limits.ts'
import type { Kept } from './vault.ts'

export interface Held {
  readonly name: string
  /** As last seen in the store. */
  kept: Kept | null
  /** When it was last seen; before the beginning of time when it must be looked at again. */
  readAtMs: number
  /** An answer of the server that could not be stored yet: never refreshed from, never forgotten. */
  unsaved: Unsaved | null
  cooldown: Cooldown | null
  /** Refreshes under way, by what they are for: who wants the same shares one. */
  readonly running: Map<string, Promise<Kept>>
  /** The end of the queue of refreshes of this grant. */
  queue: Promise<unknown>
  /** In the background, once the kept access token has less than this share of its life left. */
  renewShare: number
  /** Cuts short the waiting for somebody else's refresh. */
  bell: AbortController
  proving: { readonly grantId: string; readonly prover: Prover } | null
}

export interface Unsaved {
  readonly kept: Kept
  readonly ifVersion: string
}

/** While it lasts the server is left alone, and who asks gets the same error again. */
export interface Cooldown {
  readonly untilMs: number
  readonly failures: number
  error(leftMs: number): Error
}

/** Finds or begins what is known of a name; forgets the longest unused when there are too many. */
export function heldGrants(): { of(name: string): Held; all(): Iterable<Held>; find(name: string): Held | undefined } {
  const held = new Map<string, Held>()
  return {
    of(name) {
      const known = held.get(name)
      if (known !== undefined) held.delete(name)
      const found = known ?? unknown(name)
      held.set(name, found)
      if (known === undefined) forgetOldest(held)
      return found
    },
    all: () => held.values(),
    find: name => held.get(name),
  }
}

function unknown(name: string): Held {
  return {
    name,
    kept: null,
    readAtMs: Number.NEGATIVE_INFINITY,
    unsaved: null,
    cooldown: null,
    running: new Map(),
    queue: Promise.resolve(),
    renewShare: 0,
    bell: new AbortController(),
    proving: null,
  }
}

function forgetOldest(held: Map<string, Held>): void {
  for (const each of held.values()) {
    if (held.size <= heldGrantsMax) return
    if (each.running.size === 0 && each.unsaved === null && each.cooldown === null) held.delete(each.name)
  }
}
