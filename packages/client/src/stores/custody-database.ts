/**
 * The IndexedDB database of an origin in which custody is kept: its connection, which the browser may close at any time, and
 * its transactions. Everything here rejects with `BrowserStorageFailed`.
 */

import { BrowserStorageFailed, storageFailure } from './browser-storage-failed.ts'

export interface CustodyDatabase {
  readonly name: string
  /** The connection as it stands, or another one than `lost`. It is opened when it is needed, and again after its end. */
  connection(lost?: IDBDatabase): Promise<IDBDatabase>
  /** Tells other tabs that a grant has this version now, or was removed. Nothing secret is said. */
  tell(name: string, version: string | null): void
  listen(listener: (name: string, version: string | null) => void): () => void
  /**
   * Asks the browser not to evict what this site keeps when room runs short. Some browsers ask the person, others decide by
   * themselves: call it after sign-in.
   */
  persist(): Promise<boolean>
  close(): void
}

export type Table = 'grants' | 'leases' | 'keys'

const databaseVersion = 1
const tables: readonly Table[] = ['grants', 'leases', 'keys']

/** Of the grants that have an end of their own. */
const expiryIndex = 'expiresAtMs'
/** More than one, so that a save removes more than it adds. */
const sweptMax = 4

/** `onLost` is called once the connection is of no use any more. */
export async function connect(name: string, onLost: (connection: IDBDatabase) => void): Promise<IDBDatabase> {
  if (!isSecureContext) throw new BrowserStorageFailed('insecure')
  const connection = await opened(name)
  const end = () => {
    connection.close()
    onLost(connection)
  }
  // Another tab changes or deletes the database; the browser has closed it, because it was evicted or cleared.
  connection.addEventListener('versionchange', end)
  connection.addEventListener('close', end)
  return connection
}

async function opened(name: string): Promise<IDBDatabase> {
  try {
    return await new Promise((resolve, reject) => {
      const request = indexedDB.open(name, databaseVersion)
      request.addEventListener('upgradeneeded', () => {
        for (const table of tables) request.result.createObjectStore(table)
        request.transaction?.objectStore('grants').createIndex(expiryIndex, expiryIndex)
      })
      request.addEventListener('error', () => reject(storageFailure(request.error, 'refused')))
      request.addEventListener('success', () => resolve(request.result))
    })
  } catch (error) {
    // Where there is no IndexedDB, or the page may not use it, the call itself throws.
    throw storageFailure(error, 'refused')
  }
}

export interface Errand<Answer> {
  readonly table: Table
  /** What is only read needs no durability, and a lease that is lost with the power is none. */
  readonly kind: 'read' | 'write' | 'write durably'
  /** Must wait for nothing but requests of this transaction. */
  readonly run: (table: IDBObjectStore) => Promise<Answer>
}

/** One transaction; answers once it is complete. */
export async function inTransaction<Answer>(database: CustodyDatabase, errand: Errand<Answer>): Promise<Answer> {
  try {
    const transaction = await begin(database, errand)
    const completed = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve())
      transaction.addEventListener('abort', () => reject(storageFailure(transaction.error, 'broken')))
    })
    const [answer] = await Promise.all([errand.run(transaction.objectStore(errand.table)), completed])
    return answer
  } catch (error) {
    throw storageFailure(error, 'broken')
  }
}

async function begin(database: CustodyDatabase, { table, kind }: Errand<unknown>): Promise<IDBTransaction> {
  const mode = kind === 'read' ? 'readonly' : 'readwrite'
  const options = { durability: kind === 'write durably' ? 'strict' : 'relaxed' } as const
  const connection = await database.connection()
  try {
    return connection.transaction(table, mode, options)
  } catch {
    // It was closed, and the event that says so has not arrived: once more, on a new one.
    return (await database.connection(connection)).transaction(table, mode, options)
  }
}

/** What a request of a transaction answers. */
export function answered<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(storageFailure(request.error, 'broken')))
  })
}

/** What lies in a table under a name. The caller knows what it has put there. */
export async function read<Value>(database: CustodyDatabase, table: Table, name: string): Promise<Value | undefined> {
  return inTransaction(database, {
    table,
    kind: 'read',
    run: async store => (await answered(store.get(name))) as Value | undefined,
  })
}

export interface Replacement<Value> {
  readonly name: string
  readonly isStill: (kept: Value | undefined) => boolean
  /** Null removes what is there. */
  readonly value: Value | null
  /** What else is done in the same transaction. */
  readonly sweep?: (table: IDBObjectStore) => Promise<void>
}

/** Compares and sets in one transaction; answers whether it did. */
export async function replace<Value>(
  database: CustodyDatabase,
  table: 'grants' | 'leases',
  { name, isStill, value, sweep }: Replacement<Value>,
): Promise<boolean> {
  return inTransaction(database, {
    table,
    kind: table === 'grants' ? 'write durably' : 'write',
    async run(store) {
      if (!isStill((await answered(store.get(name))) as Value | undefined)) return false
      if (value === null) store.delete(name)
      else store.put(value, name)
      await sweep?.(store)
      return true
    },
  })
}

/** Removes a few grants whose time is over, so that a table that is written to does not grow with them. */
export async function sweepGrants(table: IDBObjectStore, nowMs: number): Promise<void> {
  const over = table.index(expiryIndex).getAllKeys(IDBKeyRange.upperBound(nowMs), sweptMax)
  for (const name of await answered(over)) table.delete(name)
}
