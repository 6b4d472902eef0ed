/**
 * How a grant comes to have what is wanted of it: look into the store, let one refresh at a time happen among all tabs,
 * processes and callers that share it, and take what somebody else brought. Calls of one process queue by grant; the lease
 * is for the others.
 */

import { checkCooldown } from './cooldown.ts'
import { RefreshPostponed, SignInNeeded } from './failures.ts'
import type { Held } from './held.ts'
import { asCustodyFailure, demandLiving, type Inside, issuerNowMs, reread, tellOutcome } from './inside.ts'
import { leaseSeconds, turnsMax } from './limits.ts'
import { type Goal, refreshOnce } from './refresh.ts'
import { saveUnsaved } from './save-answer.ts'
import type { Kept } from './vault.ts'

/** The record once it meets `goal`. Calls with the same goal share one answer. Rejects with the failures of `failures.ts`. */
export function obtain(inside: Inside, held: Held, goal: Goal): Promise<Kept> {
  const shared = held.running.get(goal.key)
  if (shared !== undefined) return shared
  const turn = held.queue.then(() => takeTurn(inside, held, goal))
  held.queue = turn.catch(() => undefined)
  held.running.set(goal.key, turn)
  const over = () => held.running.delete(goal.key)
  turn.then(over, over)
  return turn
}

async function takeTurn(inside: Inside, held: Held, goal: Goal): Promise<Kept> {
  const { clock, limits } = inside
  // Whoever has the lease may fail, and the next one needs as long again.
  const untilMs = clock.nowMs() + 2 * leaseSeconds(limits) * 1000
  for (let moves = 0, waits = 0; moves < turnsMax; ) {
    const seen = held.kept?.version
    const kept = await lookFirst(inside, held, goal)
    if (goal.isMet(kept)) return adopted(inside, held, kept, seen)
    checkCooldown(inside, held)
    const lease = await inside.vault.lease(held.name, leaseSeconds(limits))
    if (lease === null) {
      if (!goal.waits || clock.nowMs() >= untilMs) throw new RefreshPostponed(held.name, leaseBusyMs)
      await waitForOthers(inside, held, waits++)
      continue
    }
    try {
      // Between the look and the lease somebody may have finished.
      const current = await lookFirst(inside, held, goal)
      if (goal.isMet(current)) return adopted(inside, held, current, kept.version)
      const result = await refreshOnce(inside, held, current, goal)
      if (result !== 'moved' && !isStale(inside, result, goal)) return result
      moves++
    } finally {
      await giveBack(inside, held, lease)
    }
  }
  throw new RefreshPostponed(held.name, leaseBusyMs)
}

/** What is told to whoever finds others refreshing for longer than that can take. */
const leaseBusyMs = 1000

/** The record in the store, once everything we know is in it. Rejects where nothing can be done with it. */
async function lookFirst(inside: Inside, held: Held, goal: Goal): Promise<Kept> {
  if (held.unsaved !== null) {
    const { kept } = held.unsaved
    try {
      await saveUnsaved(inside, held)
    } catch (error) {
      if (goal.isMet(kept)) return kept
      throw asCustodyFailure(held.name, error)
    }
  }
  const kept = demandLiving(held.name, await reread(inside, held))
  if (kept.grant.refreshToken === null && !goal.isMet(kept)) throw new SignInNeeded(held.name, 'expired')
  return kept
}

/** Somebody else brought it, unless it is what this process had stored before. */
function adopted(inside: Inside, held: Held, kept: Kept, seen: string | undefined): Kept {
  if (held.unsaved !== null || kept.version === seen) return kept
  held.cooldown = null
  tellOutcome(inside, held, 'adopted', { requests: 0 })
  return kept
}

/** The machine slept between the request and now, and what came of it is over. */
function isStale(inside: Inside, kept: Kept, goal: Goal): boolean {
  const ageMs = issuerNowMs(inside) - kept.grant.refreshedAtMs
  return goal.exchange === null && ageMs > leaseSeconds(inside.limits) * 1000 && !goal.isMet(kept)
}

const pauseMsMin = 20
const pauseMsMax = 400

/** A moment, or until the store says that something moved. */
async function waitForOthers({ clock, chance }: Inside, held: Held, waits: number): Promise<void> {
  const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** waits) * (0.5 + chance() / 2)
  await clock.wait(pauseMs, held.bell.signal)
}

async function giveBack(inside: Inside, held: Held, lease: { release(): Promise<void> }): Promise<void> {
  try {
    await lease.release()
  } catch (error) {
    // It runs out by itself.
    inside.tell({ kind: 'trouble', grant: held.name, error })
  }
}
