/**
 * The step: read, decide, write if nobody wrote since; otherwise read again. The decision is made from one reading and
 * saved only against that reading, so that two of them can never both count (I1). Within one process the steps of one
 * family queue up, which spares the store pointless conflicts; between processes the compare-and-set decides.
 */

import type { Family, FamilyId } from '@pawl/family'
import type { CutOff } from '../cut-off/cut-off.ts'
import type { Entropy } from '../entropy.ts'
import type { AuditEvent } from '../event/event.ts'
import { newStepId } from '../identifiers.ts'
import type { Mark } from '../mark/mark-store.ts'
import { StoreUnavailable } from '../store.ts'
import { FamilyBusy, laneWaitersMax } from './family-busy.ts'
import type { FamilyReading, FamilyStore } from './family-store.ts'

/** How often a step is tried against a row that keeps moving before the client is asked to come back. */
export const stepAttemptsMax = 64

/** What a decision wants saved, or null when nothing changes, with what the caller gets once it is. */
export interface Attempt<T> {
  readonly change: FamilyChange | null
  readonly result: T
  /** A mark that the change takes along, and what the caller gets where it is taken: then nothing is saved. */
  readonly mark?: Mark & { readonly taken: T }
}

export interface FamilyChange {
  readonly family: Family
  readonly events: readonly AuditEvent[]
  readonly cutOffs: readonly CutOff[]
  /** A branch, opened in the same transaction. */
  readonly opens?: Family | null
}

/** Decides from one reading. It may be asked several times, and only the last answer counts. */
export type Decide<T> = (reading: FamilyReading | null) => Attempt<T> | Promise<Attempt<T>>

/**
 * Runs one step on a family and answers what `decide` made of it, after what it wanted saved is durable. Rejects with
 * `StoreUnavailable` when the store cannot say, with `FamilyBusy` when too many wait, or with what `decide` threw: then
 * nothing of this step was saved.
 */
export type StepFamily = <T>(id: FamilyId, decide: Decide<T>, first?: EarlyReading) => Promise<T>

/** A reading that was asked for since the request came in, to begin with. */
export type EarlyReading = Promise<FamilyReading | null>

interface Lane {
  tail: Promise<unknown>
  waiters: number
}

export function familySteps(families: FamilyStore, entropy: Entropy): StepFamily {
  const lanes = new Map<FamilyId, Lane>()

  function leave(id: FamilyId, lane: Lane): void {
    lane.waiters -= 1
    if (lane.waiters === 0) lanes.delete(id)
  }

  return (id, decide, first) => {
    const lane = lanes.get(id)
    if (lane !== undefined && lane.waiters >= laneWaitersMax) return Promise.reject(new FamilyBusy(id))
    const attempt = (early?: EarlyReading) => attemptStep({ families, entropy, id, early }, decide)
    // Who had to wait reads again: the step ahead has moved the family.
    const work = lane === undefined ? attempt(first) : lane.tail.then(() => attempt())
    const joined = lane ?? { tail: work, waiters: 0 }
    joined.waiters += 1
    // The outcome belongs to the caller of the step; a lane only waits for it to be over.
    const over = (): void => leave(id, joined)
    joined.tail = work.then(over, over)
    if (lane === undefined) lanes.set(id, joined)
    return work
  }
}

interface Step {
  readonly families: FamilyStore
  readonly entropy: Entropy
  readonly id: FamilyId
  readonly early: EarlyReading | undefined
}

async function attemptStep<T>({ families, entropy, id, early }: Step, decide: Decide<T>): Promise<T> {
  for (let attempt = 0; attempt < stepAttemptsMax; attempt++) {
    const reading = await (attempt === 0 && early !== undefined ? early : families.read(id))
    const decided = decide(reading)
    const { change, result, mark } = decided instanceof Promise ? await decided : decided
    if (change === null || reading === null) return result
    const family = { ...change.family, stepId: newStepId(entropy) }
    const { events, cutOffs, opens } = change
    const outcome = await families.commit({
      readAt: reading.family.stepId,
      family,
      events,
      cutOffs,
      mark: mark ?? null,
      opens: opens ?? null,
    })
    if (outcome === 'done') return result
    if (outcome === 'marked' && mark !== undefined) return mark.taken
  }
  throw new StoreUnavailable(`family ${id} moved ${stepAttemptsMax} times in a row`)
}
