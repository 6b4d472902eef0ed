/**
 * Limits on failures. An attempt is charged before it is made, so that many at once cannot all be the first, and what
 * turns out not to be a failure is refunded. Nothing here knows what is being tried.
 */

import type { ThrottleStore } from './throttle-store.ts'

export interface Limit {
  /** Says in the audit log what ran full, such as `account_network`. */
  readonly name: string
  /** A keyed hash; different for every limit and window. */
  readonly key: string
  readonly failuresMax: number
  readonly windowSeconds: number
}

export type Charged = { readonly kind: 'within'; readonly keys: readonly string[] } | Over

export interface Over {
  readonly kind: 'over'
  readonly limit: Limit
  readonly endsAtMs: number
  readonly isFirstOver: boolean
}

/**
 * Charges the limits in order, the narrowest first. At the first one that is over, what was charged before it is given
 * back and nothing after it is charged: an attempt that was never made must not fill the wider limits, or one address
 * could use up what belongs to the whole account. `isFirstOver` is true once per key and window.
 */
export async function charge(throttles: ThrottleStore, limits: readonly Limit[]): Promise<Charged> {
  const keys: string[] = []
  for (const limit of limits) {
    const { count, windowEndsAtMs } = await throttles.charge(limit.key, limit.windowSeconds)
    if (count > limit.failuresMax) {
      await refund(throttles, keys)
      return { kind: 'over', limit, endsAtMs: windowEndsAtMs, isFirstOver: count === limit.failuresMax + 1 }
    }
    keys.push(limit.key)
  }
  return { kind: 'within', keys }
}

/**
 * The first limit that is over already, or null. To be asked before `charge`: whoever goes on against a limit that is
 * full then costs reads alone, and no write on the disk that everybody shares.
 */
export async function findOver(throttles: ThrottleStore, limits: readonly Limit[]): Promise<Over | null> {
  for (const limit of limits) {
    const seen = await throttles.look(limit.key)
    if (seen !== null && seen.count > limit.failuresMax) {
      return { kind: 'over', limit, endsAtMs: seen.windowEndsAtMs, isFirstOver: false }
    }
  }
  return null
}

export async function refund(throttles: ThrottleStore, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map(key => throttles.refund(key)))
}

/** Whole seconds until then, for `Retry-After`; at least one. */
export function secondsUntil(endsAtMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((endsAtMs - nowMs) / 1000))
}
