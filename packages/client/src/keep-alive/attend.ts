/** One grant at its time: look what became of it, refresh it if nobody has, and plan when to come again. */

import type { EndReason } from '../custody/kept-grant.ts'
import type { HolderClock } from '../holder/clock.ts'
import { CustodyFailed } from '../holder/custody-failed.ts'
import { RefreshPostponed, RefreshRefused, SignInNeeded } from '../holder/failures.ts'
import type { GrantView, Holder } from '../holder/holder.ts'
import { dueAtMs, idleEndMs, type KeepAlivePolicy, nextAttemptMs } from './due.ts'
import { end, endsSoon, type Entry, fail, type GrantHealth, healthOf, never, note, recover } from './health.ts'

export type KeepAliveEvent =
  /** A failure that is new, or another one than before. It goes on by itself. */
  | { readonly kind: 'failing'; readonly health: GrantHealth; readonly error: unknown }
  /** Somebody must sign in again. Each worker tells it once. */
  | { readonly kind: 'ended'; readonly health: GrantHealth }
  /** The absolute end is near: ask the person in time. Each worker tells it once. */
  | { readonly kind: 'endsSoon'; readonly health: GrantHealth }
  /** The list could not be read, or a listener failed; the grants that are known are looked after meanwhile. */
  | { readonly kind: 'trouble'; readonly error: unknown }

/**
 * What came of a grant that was due. `refreshed`: here, or by another worker at the very same time. `adopted`: another
 * worker had refreshed it before. `postponed`: no answer. `refused`: for a
 * reason that no sign-in mends. `failed`: the store, the custody key, or something nobody thought of.
 */
export type KeepAliveOutcome = 'refreshed' | 'adopted' | 'postponed' | 'refused' | 'failed' | 'ended'

/** Whose grants these are, and how they are looked after. */
export interface Ward {
  readonly holder: Pick<Holder, 'look' | 'refresh'>
  readonly policy: KeepAlivePolicy
  readonly clock: HolderClock
  readonly chance: () => number
  tell(event: KeepAliveEvent): void
  count(outcome: KeepAliveOutcome): void
}

/** Never rejects: what goes wrong with one grant is written down with it. */
export async function attend(ward: Ward, entry: Entry): Promise<void> {
  let view: GrantView | null = null
  try {
    view = await ward.holder.look(entry.grant)
    if (view !== null && isDue(ward, entry, view)) {
      view = await ward.holder.refresh(entry.grant)
      ward.count('refreshed')
    }
    if (view === null) missed(ward, entry)
    else plan(ward, entry, view)
  } catch (error) {
    if (error instanceof SignInNeeded) lost(ward, entry, error.reason)
    else failed(ward, entry, { ...failureOf(error), view, error })
  }
}

function isDue(ward: Ward, entry: Entry, view: GrantView): boolean {
  const { clock, policy } = ward
  const wasDue = entry.dueAtMs !== never && entry.dueAtMs <= clock.nowMs()
  const refreshedAtMs = entry.refreshedAtMs
  note(entry, view, ward.chance())
  if (wasDue && entry.refreshedAtMs !== refreshedAtMs) ward.count('adopted')
  if (entry.state !== 'alive' && entry.state !== 'failing') return false
  return dueAtMs(view, policy, entry.jitter) <= clock.nowMs()
}

/** When to come again: to refresh, or to see what others did. */
function plan(ward: Ward, entry: Entry, view: GrantView): void {
  const { clock, policy } = ward
  // Whoever comes here was answered by everybody it asked.
  recover(entry)
  note(entry, view, ward.chance())
  entry.dueAtMs = entry.state === 'alive' ? dueAtMs(view, policy, entry.jitter) : never
  const lookAtMs = clock.nowMs() + policy.lookSeconds * 1000
  entry.nextAttemptAtMs = entry.dueAtMs === never ? lookAtMs : Math.min(lookAtMs, entry.dueAtMs)
  if (entry.state === 'ended') toldOfEnd(ward, entry)
  else warned(ward, entry)
}

function missed(ward: Ward, entry: Entry): void {
  entry.state = 'absent'
  entry.dueAtMs = never
  entry.nextAttemptAtMs = ward.clock.nowMs() + ward.policy.lookSeconds * 1000
}

function lost(ward: Ward, entry: Entry, reason: EndReason | 'absent'): void {
  if (reason === 'absent') return missed(ward, entry)
  end(entry, reason, ward.clock.nowMs())
  ward.count('ended')
  entry.dueAtMs = never
  entry.nextAttemptAtMs = ward.clock.nowMs() + ward.policy.lookSeconds * 1000
  toldOfEnd(ward, entry)
}

interface Failed {
  readonly failure: string
  readonly outcome: KeepAliveOutcome
  readonly retryAfterMs: number
  readonly view: GrantView | null
  readonly error: unknown
}

function failureOf(error: unknown): Omit<Failed, 'view' | 'error'> {
  if (error instanceof RefreshPostponed) {
    return { failure: 'no_answer', outcome: 'postponed', retryAfterMs: error.retryAfterMs }
  }
  if (error instanceof RefreshRefused) return { failure: error.code, outcome: 'refused', retryAfterMs: 0 }
  return { failure: error instanceof CustodyFailed ? 'store' : 'unexpected', outcome: 'failed', retryAfterMs: 0 }
}

function failed(ward: Ward, entry: Entry, { failure, outcome, retryAfterMs, view, error }: Failed): void {
  const { clock, policy } = ward
  const isNew = entry.failure !== failure
  fail(entry, failure, clock.nowMs())
  ward.count(outcome)
  entry.nextAttemptAtMs = nextAttemptMs(
    {
      failures: entry.failures,
      retryAfterMs,
      nowMs: clock.nowMs(),
      idleEndMs: view === null ? Number.POSITIVE_INFINITY : idleEndMs(view, policy),
      chance: ward.chance(),
    },
    policy,
  )
  if (isNew) ward.tell({ kind: 'failing', health: lineOf(ward, entry), error })
  warned(ward, entry)
}

function toldOfEnd(ward: Ward, entry: Entry): void {
  if (entry.isEndTold) return
  entry.isEndTold = true
  ward.tell({ kind: 'ended', health: lineOf(ward, entry) })
}

function warned(ward: Ward, entry: Entry): void {
  if (entry.isWarned || !endsSoon(entry, ward.policy.warnSeconds, ward.clock.nowMs())) return
  entry.isWarned = true
  ward.tell({ kind: 'endsSoon', health: lineOf(ward, entry) })
}

function lineOf({ policy, clock }: Ward, entry: Entry): GrantHealth {
  return healthOf(entry, policy.warnSeconds, clock.nowMs())
}
