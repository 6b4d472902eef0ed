/**
 * Does this master key belong to this database? The store keeps, per key id, a value derived from the key under a
 * purpose of its own, set by whoever came first with that id. It tells nothing about the key.
 */

import { timingSafeEqual } from 'node:crypto'
import type { Store } from '../store.ts'
import { deriveKey, type MasterKeys } from './master-keys.ts'

/** Null when every key is the one this database knows by its id, or is new to it; else a sentence that says what to do. */
export async function checkMasterKeys(store: Pick<Store, 'setting'>, keys: MasterKeys): Promise<string | null> {
  for (const key of keys.all) {
    const proof = deriveKey(key, 'key check')
    const known = await store.setting(`key-check.${key.id}`, Uint8Array.from(proof))
    if (known.length !== proof.length || !timingSafeEqual(known, proof)) {
      return `Master key ${key.id} is not the one this database was made with. Give the master key that belongs to it, or another database; nothing in it can be read with this key.`
    }
  }
  return null
}
