/** When a grant is refreshed though nobody uses it: pure functions of what is known of it. */

import type { GrantView } from '../holder/holder.ts'

/** How a keep-alive goes about its work. Each waiting and each list has its limit here. */
export interface KeepAlivePolicy {
  /** How many grants are asked for at a time. */
  readonly concurrency: number
  /** More grants than these are not looked after; `counts().left` says how many were left out. */
  readonly grantsMax: number
  /** How often `grants` is asked for the list. */
  readonly listSeconds: number
  /** How often the store is asked what became of a grant that is not due: others refresh and sign out too. */
  readonly lookSeconds: number
  /** A grant is refreshed once this share of its idle time is over, at the latest. */
  readonly idleShare: number
  /** It is refreshed up to this share of that time earlier, so that grants of one hour do not come back in one hour. */
  readonly jitterShare: number
  /** The idle time of a grant whose server does not tell it (`refresh_token_timeout`). */
  readonly assumedIdleSeconds: number
  /** A grant is refreshed this often however long it may idle: so a revocation is noticed. */
  readonly refreshSecondsMax: number
  /** The first cooldown after a failure; it doubles up to the longest, and a random part of it is waited. */
  readonly cooldownSeconds: number
  readonly cooldownSecondsMax: number
  /** So long before the absolute end of a grant it is told that somebody must sign in again. */
  readonly warnSeconds: number
}

const hour = 3600
const day = 86_400

export const defaultPolicy: KeepAlivePolicy = {
  concurrency: 8,
  grantsMax: 100_000,
  listSeconds: 600,
  lookSeconds: hour,
  idleShare: 0.5,
  jitterShare: 0.2,
  assumedIdleSeconds: 7 * day,
  refreshSecondsMax: 7 * day,
  cooldownSeconds: 30,
  cooldownSecondsMax: hour,
  warnSeconds: 7 * day,
}

/** When the refresh token runs out if nobody refreshes it: as the server told, else as the policy assumes. */
export function idleEndMs(view: GrantView, policy: KeepAlivePolicy): number {
  return view.idleExpiresAtMs ?? view.refreshedAtMs + policy.assumedIdleSeconds * 1000
}

/** `chance` is drawn once per refresh: a due time that was drawn again at each look would creep forward. */
export function dueAtMs(view: GrantView, policy: KeepAlivePolicy, chance: number): number {
  const idleMs = Math.max(0, idleEndMs(view, policy) - view.refreshedAtMs)
  const restMs = Math.min(idleMs * policy.idleShare, policy.refreshSecondsMax * 1000)
  return view.refreshedAtMs + restMs * (1 - policy.jitterShare * chance)
}

export interface Failure {
  /** In a row, this one included. */
  readonly failures: number
  /** What the server asked for, or nothing. */
  readonly retryAfterMs: number
  readonly nowMs: number
  /** When it will be too late. */
  readonly idleEndMs: number
  readonly chance: number
}

/**
 * Full jitter over a doubling cooldown, never before the server's `Retry-After`; but where the idle end comes near, a
 * quarter of what is left is waited at most, so that a server that comes back late still finds somebody asking.
 */
export function nextAttemptMs(failure: Failure, policy: KeepAlivePolicy): number {
  const { failures, retryAfterMs, nowMs, chance } = failure
  const doubled = policy.cooldownSeconds * 2 ** Math.min(failures - 1, doublingsMax)
  const cooldownMs = Math.min(doubled, policy.cooldownSecondsMax) * 1000 * (1 - chance)
  const leftMs = failure.idleEndMs - nowMs
  const patienceMs = leftMs > 0 ? Math.max(attemptMsMin, leftMs / 4) : Number.POSITIVE_INFINITY
  return nowMs + Math.max(attemptMsMin, retryAfterMs, Math.min(cooldownMs, patienceMs))
}

const doublingsMax = 20
/** Chance may draw almost nothing; a grant that fails is left alone for this long all the same. */
export const attemptMsMin = 1000
