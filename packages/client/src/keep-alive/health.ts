/** What a keep-alive knows of each grant, small enough for a hundred thousand of them, and nothing of it secret. */

import type { EndReason } from '../custody/kept-grant.ts'
import type { GrantView } from '../holder/holder.ts'

/**
 * `unseen`: listed, not looked at yet. `alive`. `failing`: kept, but the last attempt to refresh it failed. `unrefreshable`:
 * there is no refresh token. `absent`: nothing is kept under the name. `ended`: somebody must sign in again.
 */
export type GrantState = 'unseen' | 'alive' | 'failing' | 'unrefreshable' | 'absent' | 'ended'

/** One line of the health list. Instants are of the issuer's clock where the server told them. */
export interface GrantHealth {
  readonly grant: string
  readonly state: GrantState
  readonly refreshedAtMs: number | null
  readonly idleExpiresAtMs: number | null
  readonly absoluteExpiresAtMs: number | null
  /** Whether the absolute end is near enough for a person to be asked. */
  readonly endsSoon: boolean
  readonly failingSinceMs: number | null
  readonly failures: number
  /** `no_answer`, `store`, `unexpected`, or the error code of the server. */
  readonly failure: string | null
  readonly endReason: EndReason | null
  readonly endedAtMs: number | null
  /** When it is looked at again, which is when it is refreshed if it is due by then. */
  readonly nextAttemptAtMs: number | null
}

/** The same, as it is kept: changed in place, because a hundred thousand of them are. */
export interface Entry {
  readonly grant: string
  state: GrantState
  refreshedAtMs: number
  idleExpiresAtMs: number
  absoluteExpiresAtMs: number
  failingSinceMs: number
  failures: number
  failure: string | null
  endReason: EndReason | null
  endedAtMs: number
  nextAttemptAtMs: number
  /** When it is to be refreshed, by what was known at the last look. */
  dueAtMs: number
  /** Drawn anew with each refresh that is seen. */
  jitter: number
  isWarned: boolean
  isEndTold: boolean
  /** In which listing it was named last. */
  listing: number
}

/** Stands where there is no instant: a number, so that an entry keeps its shape. */
export const never = -1

export function newEntry(grant: string, nowMs: number, listing: number): Entry {
  return {
    grant,
    state: 'unseen',
    refreshedAtMs: never,
    idleExpiresAtMs: never,
    absoluteExpiresAtMs: never,
    failingSinceMs: never,
    failures: 0,
    failure: null,
    endReason: null,
    endedAtMs: never,
    nextAttemptAtMs: nowMs,
    dueAtMs: never,
    jitter: 0,
    isWarned: false,
    isEndTold: false,
    listing,
  }
}

/** Takes over what the store has. A grant that moved is a success, whoever's it was; one that was born anew begins anew. */
export function note(entry: Entry, view: GrantView, jitter: number): void {
  const hasMoved = view.refreshedAtMs !== entry.refreshedAtMs
  if (view.absoluteExpiresAtMs !== instant(entry.absoluteExpiresAtMs)) entry.isWarned = false
  entry.refreshedAtMs = view.refreshedAtMs
  entry.idleExpiresAtMs = view.idleExpiresAtMs ?? never
  entry.absoluteExpiresAtMs = view.absoluteExpiresAtMs ?? never
  if (hasMoved) {
    entry.jitter = jitter
    recover(entry)
  }
  if (view.end !== null) return end(entry, view.end.reason, view.end.atMs)
  entry.isEndTold = false
  if (!view.hasRefreshToken) entry.state = 'unrefreshable'
  else if (entry.failures === 0) entry.state = 'alive'
}

export function recover(entry: Entry): void {
  entry.failures = 0
  entry.failure = null
  entry.failingSinceMs = never
  entry.endReason = null
  entry.endedAtMs = never
}

export function fail(entry: Entry, failure: string, nowMs: number): void {
  entry.state = 'failing'
  entry.failures += 1
  entry.failure = failure
  if (entry.failingSinceMs === never) entry.failingSinceMs = nowMs
}

export function end(entry: Entry, reason: EndReason, atMs: number): void {
  recover(entry)
  entry.state = 'ended'
  entry.endReason = reason
  entry.endedAtMs = atMs
}

export function endsSoon(entry: Entry, warnSeconds: number, nowMs: number): boolean {
  const isKept = entry.state === 'alive' || entry.state === 'failing'
  return isKept && entry.absoluteExpiresAtMs !== never && entry.absoluteExpiresAtMs - nowMs <= warnSeconds * 1000
}

export function healthOf(entry: Entry, warnSeconds: number, nowMs: number): GrantHealth {
  const { grant, state, failures, failure, endReason } = entry
  return {
    grant,
    state,
    refreshedAtMs: instant(entry.refreshedAtMs),
    idleExpiresAtMs: instant(entry.idleExpiresAtMs),
    absoluteExpiresAtMs: instant(entry.absoluteExpiresAtMs),
    endsSoon: endsSoon(entry, warnSeconds, nowMs),
    failingSinceMs: instant(entry.failingSinceMs),
    failures,
    failure,
    endReason,
    endedAtMs: instant(entry.endedAtMs),
    nextAttemptAtMs: instant(entry.nextAttemptAtMs),
  }
}

function instant(ms: number): number | null {
  return ms === never ? null : ms
}
