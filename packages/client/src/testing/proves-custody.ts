/**
 * What a store must keep to be one: the definition of `CustodyStore`, as proofs that any test runner can run. Whoever
 * writes a store of his own proves it in three lines:
 *
 *     for (const { sentence, run } of provesCustody({ open: async () => ({ store: myStore(db), close: async () => {} }) })) {
 *       it(sentence, run)
 *     }
 *
 * It needs nothing but the platform, so it runs where the store runs: in a browser, in a worker, on a phone. The proofs
 * take names of their own, which are new in every run, and leave them empty; what else is in the store stays as it is.
 */

import type { CustodyStore } from '../custody/custody-store.ts'
import { expiryProofs } from './custody-expiry.ts'
import { leaseProofs } from './custody-leases.ts'
import { nameProofs } from './custody-names.ts'
import { raceProofs } from './custody-races.ts'
import { saveProofs } from './custody-saves.ts'
import { type CustodyCase, type CustodyGround, type CustodyView, newVersion } from './custody-scene.ts'
import { watchProofs } from './custody-watch.ts'

/** A name for a test, and the test; it rejects with `CustodyDisproved`. */
export interface CustodyProof {
  readonly sentence: string
  readonly run: () => Promise<void>
}

/** The whole contract, in an order that says first what is most basic. Each proof opens its own views. */
export function provesCustody(ground: CustodyGround): readonly CustodyProof[] {
  const cases = { ...saveProofs, ...raceProofs, ...nameProofs, ...expiryProofs, ...leaseProofs, ...watchProofs }
  return Object.entries(cases).map(([sentence, prove]) => ({ sentence, run: () => runCase(ground, prove) }))
}

async function runCase(ground: CustodyGround, prove: CustodyCase): Promise<void> {
  const opened: CustodyView[] = []
  const names: string[] = []
  const view = async (): Promise<CustodyStore> => {
    const one = await ground.open()
    opened.push(one)
    return one.store
  }
  const newName = (beginning = 'proof'): string => {
    const name = `${beginning} ${newVersion()}`
    names.push(name)
    return name
  }
  const views = async (count: number): Promise<readonly CustodyStore[]> =>
    Promise.all(Array.from({ length: count }, view))
  try {
    await prove({ ground, newName, view, views })
    const last = await view()
    for (const name of names) await clear(last, name)
  } finally {
    await Promise.all(opened.map(({ close }) => close()))
  }
}

async function clear(store: CustodyStore, name: string): Promise<void> {
  const record = await store.load(name)
  if (record !== null) await store.remove(name, record.version)
}
