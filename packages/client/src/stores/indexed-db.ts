/**
 * Grants in IndexedDB, shared by all tabs and workers of an origin. Records are sealed under a key that lies in the same
 * database as a `CryptoKey` which no script can read: who reads the database, a backup or an extension, finds no token in
 * plain. It is no protection from scripts that run in the page: those can use whatever the page can use.
 */

import { type CustodyKey, custodyKeyBytes, custodyKeyFromRoots, importRoot } from '../custody/custody-key.ts'
import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { drawBytes } from '../custody/entropy.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { leaseOf } from './browser-lease.ts'
import {
  answered,
  connect,
  type CustodyDatabase,
  inTransaction,
  read,
  replace,
  sweepGrants,
} from './custody-database.ts'

/** Nothing is opened before it is needed. Databases of different names know nothing of each other. */
export function openCustodyDatabase(name = 'pawl-custody'): CustodyDatabase {
  let opened: Promise<IDBDatabase> | null = null
  let connected: IDBDatabase | null = null
  let channel: BroadcastChannel | null = null
  const forget = (lost: IDBDatabase | null) => {
    if (lost === connected) opened = connected = null
  }
  const channelOf = () => {
    channel ??= new BroadcastChannel(name)
    return channel
  }
  return {
    name,
    async connection(lost) {
      if (lost !== undefined) forget(lost)
      opened ??= connect(name, forget)
      try {
        connected = await opened
      } catch (error) {
        forget(connected)
        throw error
      }
      return connected
    },
    tell: (grant, version) => channelOf().postMessage([grant, version]),
    listen: listener => listenTo(channelOf(), listener),
    persist: () => navigator.storage.persist(),
    close() {
      connected?.close()
      forget(connected)
      channel?.close()
      channel = null
    },
  }
}

/**
 * A store on a database. Its verbs reject with `BrowserStorageFailed`, which says what the person or the page can do. It
 * keeps DPoP keys as they are, so that they need not be extractable.
 */
export function indexedDbStore(database: CustodyDatabase, clock: HolderClock = machineClock): CustodyStore {
  /** A record whose time is over counts as none. */
  const living = (kept: KeptRecord | undefined): KeptRecord | null =>
    kept === undefined || (kept.expiresAtMs ?? Number.POSITIVE_INFINITY) <= clock.nowMs() ? null : kept
  return {
    keepsKeys: true,
    load: async name => living(await read<KeptRecord>(database, 'grants', name)),
    async save(name, record, ifVersion) {
      const isSaved = await replace<KeptRecord>(database, 'grants', {
        name,
        isStill: kept => (living(kept)?.version ?? null) === ifVersion,
        value: { ...record },
        sweep: table => sweepGrants(table, clock.nowMs()),
      })
      if (isSaved) database.tell(name, record.version)
      return isSaved ? 'saved' : 'moved'
    },
    async remove(name, ifVersion) {
      const isStill = (kept: KeptRecord | undefined) => living(kept)?.version === ifVersion
      if (!(await replace<KeptRecord>(database, 'grants', { name, isStill, value: null }))) return 'moved'
      database.tell(name, null)
      return 'removed'
    },
    lease: (name, seconds) => leaseOf(database, clock, name, seconds),
    watch: listener => database.listen(listener),
  }
}

/**
 * The custody key of the same database: made by the tab that needs it first, found by all others, not extractable. If the
 * browser has cleared the database, what was kept is gone with the key, and both begin anew.
 */
export function browserCustodyKey(database: CustodyDatabase): CustodyKey {
  const keys = new WeakMap<IDBDatabase, Promise<CustodyKey>>()
  const current = async () => {
    const connection = await database.connection()
    const known = keys.get(connection)
    if (known !== undefined) return known
    const found = findRoot(database).then(root => custodyKeyFromRoots(root))
    keys.set(connection, found)
    found.catch(() => keys.delete(connection))
    return found
  }
  return {
    seal: async (text, place) => (await current()).seal(text, place),
    open: async (sealed, place) => (await current()).open(sealed, place),
    retryKeyFor: async credential => (await current()).retryKeyFor(credential),
  }
}

const rootName = 'custody'

async function findRoot(database: CustodyDatabase): Promise<CryptoKey> {
  const standing = await read<CryptoKey>(database, 'keys', rootName)
  if (standing !== undefined) return standing
  const bytes = drawBytes(custodyKeyBytes)
  const drawn = await importRoot(bytes)
  bytes.fill(0)
  return inTransaction(database, {
    table: 'keys',
    kind: 'write durably',
    async run(store) {
      const first = (await answered(store.get(rootName))) as CryptoKey | undefined
      if (first === undefined) store.put(drawn, rootName)
      return first ?? drawn
    },
  })
}

function listenTo(channel: BroadcastChannel, listener: (name: string, version: string | null) => void): () => void {
  const heard = ({ data }: MessageEvent<unknown>) => {
    if (!Array.isArray(data)) return
    const [name, version] = data as readonly unknown[]
    if (typeof name !== 'string' || (version !== null && typeof version !== 'string')) return
    listener(name, version)
  }
  channel.addEventListener('message', heard)
  return () => channel.removeEventListener('message', heard)
}
