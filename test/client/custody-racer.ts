/**
 * One of several processes that count in the same store (`custody-processes.ts` starts them, and kills some). It has two
 * counters: one that it moves by comparing alone, one that it moves under a lease. It writes a line for each step that
 * the store acknowledged, and one for what may not happen.
 */

import fs, { writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { CustodyStore } from '@pawl/client'
import { newVersion } from '../../packages/client/src/testing/custody-scene.ts'
import { openRaceStore, type RacePlace } from './custody-places.ts'

export interface Race {
  readonly place: RacePlace
  /** How far both counters go. */
  readonly steps: number
  readonly leaseSeconds: number
}

export const counters = { compared: 'compared/counter', leased: 'leased counter' } as const

/** A lease of a process that was killed must not keep the others waiting for as long as this takes. */
const asksMax = 100_000

async function run({ place, steps, leaseSeconds }: Race): Promise<void> {
  slowTheDisk()
  const { store, close } = await openRaceStore(place)
  let isDone = false
  while (!isDone) {
    const compared = await step(store, counters.compared, steps)
    const leased = await stepUnderLease(store, { steps, leaseSeconds })
    isDone = compared === 'done' && leased === 'done'
  }
  await close()
}

/** Between the look at a record and the moment it is replaced somebody else has time to come, as on a disk that is slow. */
function slowTheDisk(): void {
  const rename = fs.renameSync
  fs.renameSync = (from, to) => {
    const looks = String(to).endsWith('.grant') ? looksBeforeRename : 0
    for (let look = 0; look < looks; look++) fs.statSync(import.meta.filename)
    rename(from, to)
  }
  syncBuiltinESMExports()
}

const looksBeforeRename = 1000

async function step(store: CustodyStore, name: string, steps: number): Promise<'saved' | 'moved' | 'done'> {
  const kept = await store.load(name)
  const count = Number(kept?.sealed ?? 0)
  if (count >= steps) return 'done'
  const next = { version: newVersion(), sealed: String(count + 1) }
  const answer = await store.save(name, next, kept?.version ?? null)
  if (answer === 'saved') writeSync(1, `saved ${name} ${count + 1}\n`)
  return answer
}

async function stepUnderLease(store: CustodyStore, race: { readonly steps: number; readonly leaseSeconds: number }) {
  for (let asks = 0; asks < asksMax; asks++) {
    const lease = await store.lease(counters.leased, race.leaseSeconds)
    if (lease !== null) {
      const answer = await step(store, counters.leased, race.steps)
      // Whoever has the lease is alone: nobody can have been first.
      if (answer === 'moved') writeSync(1, 'moved under a lease\n')
      await lease.release()
      return answer
    }
    if (Number((await store.load(counters.leased))?.sealed ?? 0) >= race.steps) return 'done'
  }
  writeSync(1, 'no lease to be had\n')
  return 'done'
}

const [, , task] = process.argv
if (task !== undefined) await run(JSON.parse(task) as Race)
