/**
 * What runs in a tab that tests custody in a browser: stores on IndexedDB under numbers, so that a test outside can use them
 * one call at a time, and the whole contract of a store, with views that share nothing but the database.
 */

import type { CustodyStore, KeptRecord, Lease } from '../../packages/client/src/custody/custody-store.ts'
import { machineClock } from '../../packages/client/src/holder/clock.ts'
import { BrowserStorageFailed } from '../../packages/client/src/stores/browser-storage-failed.ts'
import { answered } from '../../packages/client/src/stores/custody-database.ts'
import { browserCustodyKey, indexedDbStore, openCustodyDatabase } from '../../packages/client/src/stores/indexed-db.ts'
import { provesCustody } from '../../packages/client/src/testing/proves-custody.ts'

const stores: { readonly store: CustodyStore; close(): void }[] = []
const leases: Lease[] = []

/** How far the clock of the leases of this tab is ahead of the machine's. */
let aheadMs = 0
const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + aheadMs }

const calls = {
  /** One proof of the contract, by its sentence. */
  prove: async (sentence: string) => {
    await proofs('page')
      .find(proof => proof.sentence === sentence)
      ?.run()
  },
  open(name: string): number {
    const database = openCustodyDatabase(name)
    return stores.push({ store: indexedDbStore(database, clock), close: () => database.close() }) - 1
  },
  close: (at: number) => stores[at]?.close(),
  load: (at: number, name: string) => storeAt(at).load(name),
  save: (at: number, name: string, record: KeptRecord, ifVersion: string | null) =>
    storeAt(at).save(name, record, ifVersion),
  remove: (at: number, name: string, ifVersion: string) => storeAt(at).remove(name, ifVersion),
  /** The number of the lease, or null. */
  async lease(at: number, name: string, seconds: number): Promise<number | null> {
    const lease = await storeAt(at).lease(name, seconds)
    return lease === null ? null : leases.push(lease) - 1
  },
  release: async (at: number) => leases[at]?.release(),
  watch(at: number, told: (name: string, version: string | null) => void) {
    storeAt(at).watch?.(told)
  },
  pass: (seconds: number) => {
    aheadMs += seconds * 1000
  },
  retryKey: (database: string, credential: string) =>
    browserCustodyKey(openCustodyDatabase(database)).retryKeyFor(credential),
  nowMs: () => clock.nowMs(),
  /** How many grants lie in the database, whatever their time. */
  async count(database: string): Promise<number> {
    const connection = await openCustodyDatabase(database).connection()
    return answered(connection.transaction('grants').objectStore('grants').count())
  },
  canKeyBeRead,
  failureOf,
}

/** As seen from the test. */
export type CustodyCalls = typeof calls

Object.assign(globalThis, { custody: calls })

function proofs(name: string) {
  return provesCustody({
    open: async () => {
      const database = openCustodyDatabase(name)
      return { store: indexedDbStore(database, clock), close: async () => database.close() }
    },
    passSeconds: seconds => calls.pass(seconds),
    nowMs: () => clock.nowMs(),
  })
}

function storeAt(at: number): CustodyStore {
  const found = stores[at]
  if (found === undefined) throw new Error(`there is no store ${at}`)
  return found.store
}

/** Whether anybody gets at the bytes of the custody key. */
async function canKeyBeRead(database: string): Promise<boolean> {
  const connection = await openCustodyDatabase(database).connection()
  const key = (await answered(connection.transaction('keys').objectStore('keys').get('custody'))) as CryptoKey
  const formats = ['raw', 'jwk'] as const
  const exports = await Promise.allSettled(formats.map(format => crypto.subtle.exportKey(format, key)))
  return key.extractable || exports.some(({ status }) => status === 'fulfilled')
}

/** Why a save of so many characters fails here, or null. */
async function failureOf(database: string, characters: number): Promise<string | null> {
  const store = indexedDbStore(openCustodyDatabase(database))
  const record = { version: 'AAAAAAAAAAAAAAAAAAAAAA', sealed: 'x'.repeat(characters) }
  try {
    await store.save('grant', record, null)
    return null
  } catch (error) {
    return error instanceof BrowserStorageFailed ? error.reason : String(error)
  }
}
