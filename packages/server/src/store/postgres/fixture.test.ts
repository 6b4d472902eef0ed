/** Databases, stores and a network between them for the tests of this folder. Not a test itself. */

import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type FaultProxy, faultProxy } from '../../../../../test/network/fault-proxy.ts'
import { type PostgresFaults, postgresFaults } from '../../../../../test/network/postgres-faults.ts'
import { databaseOn, sharedCluster } from '../../../../../test/postgres/databases.ts'
import { ask } from '../../../../../test/postgres/query.ts'
import type { Entropy } from '../../domain/entropy.ts'
import { newStepId } from '../../domain/identifiers.ts'
import { type Store, StoreUnavailable } from '../../domain/store.ts'
import { advanced, newFamily, readFamily, seededEntropy } from '../contract/fixture.test.ts'
import { openPostgresStore, type PostgresOptions } from './postgres-store.ts'

export const attemptsMax = 12_000
export const pollMs = 10

/** Asks again until it goes well; anything but `StoreUnavailable` is a failure at once. */
export async function soon<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempts === attemptsMax) throw error
      await pause(pollMs)
    }
  }
}

export interface Scene {
  readonly url: string
  readonly entropy: Entropy
  /** Opens a store that is closed with the test. */
  readonly open: (options?: Partial<PostgresOptions>) => Promise<Store>
  /** Asks the database itself. */
  readonly ask: (statement: string, values?: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>
}

/** An empty database on the cluster at this URL, or on the one that all tests share. */
export async function sceneOn(test: TestContext, clusterUrl?: string): Promise<Scene> {
  const database = await databaseOn(clusterUrl === undefined ? await sharedCluster() : { url: clusterUrl })
  const entropy = seededEntropy(test.name)
  const stores: Store[] = []
  test.after(async () => {
    for (const store of stores) await store.close()
    await database.drop()
  })
  return {
    url: database.url,
    entropy,
    open: async (options = {}) => {
      const store = await openPostgresStore({ url: database.url, entropy, ...options })
      stores.push(store)
      return store
    },
    ask: async (statement, values) =>
      (await ask(database.url, statement, values)).map(row => (Array.isArray(row) ? row : Object.values(row))),
  }
}

export interface Between {
  readonly proxy: FaultProxy
  readonly faults: PostgresFaults
  /** Of the database, through the proxy. */
  readonly url: string
}

export async function between(test: TestContext, { url }: Scene): Promise<Between> {
  const far = new URL(url)
  const proxy = await faultProxy(test, Number(far.port))
  const faults = postgresFaults(proxy)
  far.port = String(proxy.port)
  return { proxy, faults, url: far.href }
}

/** A family in the store, opened at its time. */
export async function openedIn(store: Store, entropy: Entropy) {
  const family = newFamily(entropy, await store.now())
  if ((await store.families.open(family, [])) !== 'done') throw new Error('the family was there already')
  return family
}

/** A rotation that is ready to be committed. */
export async function nextStep(store: Store, entropy: Entropy, family: Parameters<typeof readFamily>[1]) {
  const reading = await readFamily(store, family)
  const next = { ...advanced(reading), stepId: newStepId(entropy) }
  return { readAt: reading.family.stepId, family: next, events: [], cutOffs: [] } as const
}
