/** What a server leaves on disk. */

import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const busyMs = 5000

/**
 * Bytes of all files beside the database once its write-ahead log has been folded into it, log files of the server
 * excluded. The server may be running, but must be idle.
 */
export function bytesOnDisk(directory: string, databaseFile: string): number {
  const database = new DatabaseSync(databaseFile, { timeout: busyMs })
  const outcome = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  database.close()
  if (outcome?.['busy'] !== 0) throw new Error(`${databaseFile} could not be checkpointed: a reader holds on to it`)
  let bytes = 0
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.log') || entry.name.endsWith('-shm')) continue
    bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return bytes
}

const memoryFileSystems = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** The name of the memory file system the directory is on, or null: a flush there costs nothing and proves nothing. */
export function memoryFileSystem(directory: string): string | null {
  return memoryFileSystems.get(statfsSync(directory).type) ?? null
}

/** How many rows a table has and how many bytes their values take, without what SQLite adds. Numbers count as 8. */
export function bytesInTable(databaseFile: string, table: string): { readonly rows: number; readonly bytes: number } {
  const database = new DatabaseSync(databaseFile, { readOnly: true, timeout: busyMs })
  const rows = database.prepare(`SELECT * FROM "${table}"`).all()
  database.close()
  const bytes = rows.flatMap(row => Object.values(row)).reduce<number>((sum, value) => sum + bytesOf(value), 0)
  return { rows: rows.length, bytes }
}

function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value === null ? 0 : 8
}
