/**
 * One of several processes that refresh the same families of one file (`processes.test.ts` starts them). It reports every
 * step it was told is done: `family, step id read`. Run as a test file of its own it has nothing to do.
 */

import { writeSync } from 'node:fs'
import type { FamilyId } from '@pawl/family'
import { systemEntropy } from '../../domain/entropy.ts'
import { newStepId } from '../../domain/identifiers.ts'
import type { Store } from '../../domain/store.ts'
import { systemClock } from '../../domain/time.ts'
import { openSqliteStore } from './sqlite-store.ts'

export interface Race {
  readonly path: string
  readonly families: readonly FamilyId[]
  readonly generations: number
}

const entropy = systemEntropy()

async function race(store: Store, id: FamilyId, generations: number): Promise<void> {
  for (;;) {
    const reading = await store.families.read(id)
    if (reading === null) throw new Error(`family ${id} is gone`)
    const { family } = reading
    if (family.generation >= generations) return
    const next = { ...family, generation: family.generation + 1, stepId: newStepId(entropy) }
    const outcome = await store.families.commit({ readAt: family.stepId, family: next, events: [], cutOffs: [] })
    if (outcome === 'done') writeSync(1, `${id} ${family.stepId}\n`)
  }
}

const [, , task] = process.argv
if (task !== undefined) {
  const { path, families, generations } = JSON.parse(task) as Race
  const store = await openSqliteStore({ path, clock: systemClock, entropy })
  await Promise.all(families.map(id => race(store, id, generations)))
  await store.close()
}
