/** What the tests of keys and tokens start from. Everything is fixed or drawn from a seed, so each run repeats the last. */

import { hash } from 'node:crypto'
import type { Entropy } from '../entropy.ts'
import { type MasterKeys, masterKeys, newMasterKey, parseMasterKeys } from './master-keys.ts'
import type { SigningKeyStore, StoredSigningKey } from './signing-key-store.ts'

/** Bytes that look random and are the same for the same seed: SHA-256 of seed and counter. */
export function seededEntropy(seed: string): Entropy {
  let counter = 0
  return {
    bytes: count => {
      const drawn = Buffer.alloc(count)
      for (let at = 0; at < count; at += 32) hash('sha256', `${seed} ${counter++}`, 'buffer').copy(drawn, at)
      return new Uint8Array(drawn)
    },
  }
}

/** SHA-256 of "pawl golden master key 7", as key 7: the key of every golden vector. */
export const goldenKeys: MasterKeys = parseMasterKeys('7:Fl9TekdFeYGZn2aH672n9RY4LEbEilMRgmMKo-hVIpY')
/** SHA-256 of "pawl golden seed". */
export const goldenSeed: Uint8Array = new Uint8Array(
  Buffer.from('lEnDu0bBQzBxENwLu4_SRBCUgjvy1tKQZ7DLRdTqet0', 'base64url'),
)

export function keysNamed(...ids: readonly number[]): MasterKeys {
  return masterKeys(ids.map(id => newMasterKey(seededEntropy(`master key ${id}`), id)))
}

/** The port in memory, with the one rule it has: an addition goes in only on the count it was decided on. */
export function signingKeysInMemory(): SigningKeyStore & { rows: readonly StoredSigningKey[]; eventKinds: string[] } {
  const store = {
    rows: [] as readonly StoredSigningKey[],
    eventKinds: [] as string[],
    list: (): Promise<readonly StoredSigningKey[]> => Promise.resolve(store.rows),
    reseal: (kid: string, sealedPrivateKey: Uint8Array): Promise<void> => {
      store.rows = store.rows.map(row => (row.kid === kid ? { ...row, sealedPrivateKey } : row))
      return Promise.resolve()
    },
    add: (...[keys, retire, expectedCount, events]: Parameters<SigningKeyStore['add']>): Promise<'done' | 'moved'> => {
      if (expectedCount !== store.rows.length) return Promise.resolve('moved')
      const untilMs = new Map(retire.map(one => [one.kid, one.verifiesUntilMs]))
      const retired = store.rows.map(row => ({ ...row, verifiesUntilMs: untilMs.get(row.kid) ?? row.verifiesUntilMs }))
      store.rows = [...retired, ...keys]
      store.eventKinds.push(...events.map(event => event.kind))
      return Promise.resolve('done')
    },
  }
  return store
}
