/**
 * One connection to one file, with the settings that make an answer durable set and read back. A statement is prepared
 * once and kept: their number is that of the texts in `store/sql`, not of what is asked.
 */

import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { StoreRefused } from '../../domain/store.ts'
import type { Row, Statement } from '../sql/sql.ts'

export const memoryPath = ':memory:'

/** Small pages: a refresh changes one row, and one page of it is what goes to the log. */
const pageBytes = 1024
/** The log is copied into the database every 20 MB: seldom enough to be cheap, often enough to stay short. */
const checkpointPages = 20_000
const logBytesKeptMax = 64 * 1024 * 1024
/**
 * A cache and no memory map: where the disk fails, a map kills the process, and a read fails one request. Divided among
 * the threads of a process.
 */
const cacheKibibytes = 65_536
const ownerOnlyFile = 0o600
const ownerOnlyDirectory = 0o700

export interface Connection {
  readonly database: DatabaseSync
  readonly all: (statement: Statement) => readonly Row[]
  /** Answers how many rows it changed. */
  readonly run: (statement: Statement) => number
}

/** `threads` of this process have a connection each. Throws SQLite's error where the file is locked or cannot be opened; the caller decides whether to come again. */
export function connect(path: string, threads = 1): Connection {
  if (path !== memoryPath) prepareFile(path)
  const database = new DatabaseSync(path, { timeout: 0, returnArrays: true })
  try {
    configure(database, path, threads)
  } catch (error) {
    database.close()
    throw error
  }
  const prepared = new Map<string, StatementSync>()

  function prepare(text: string): StatementSync {
    const known = prepared.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(inSqlite(text))
    prepared.set(text, statement)
    return statement
  }

  return {
    database,
    all: ({ text, params }) => prepare(text).all(...params) as unknown as readonly Row[],
    run: ({ text, params }) => Number(prepare(text).run(...params).changes),
  }
}

/** SQLite has no clock that we would go by, and numbers its parameters with a question mark. */
function inSqlite(text: string): string {
  return text.replace(/store_now\(([^()]*)\)/g, '$1').replace(/\$(\d+)/g, '?$1')
}

/** The files are the owner's alone before anything is in them; SQLite gives its log and index the same mode. */
function prepareFile(path: string): void {
  const directory = dirname(resolve(path))
  const firstMade = mkdirSync(directory, { recursive: true, mode: ownerOnlyDirectory })
  closeSync(openSync(path, 'a', ownerOnlyFile))
  if (process.platform === 'win32') return
  if ((statSync(path).mode & 0o777) !== ownerOnlyFile) chmodSync(path, ownerOnlyFile)
  if (firstMade !== undefined) flushDirectories(directory, dirname(firstMade))
}

/** SQLite makes its files durable in their directory; a directory just made must itself be durable in its parents. */
function flushDirectories(from: string, upTo: string): void {
  for (let directory = dirname(from); ; directory = dirname(directory)) {
    const handle = openSync(directory, 'r')
    fsyncSync(handle)
    closeSync(handle)
    if (directory === upTo || directory === dirname(directory)) return
  }
}

function configure(database: DatabaseSync, path: string, threads: number): void {
  const set = (pragma: string) => database.prepare(`PRAGMA ${pragma}`).get() as unknown as Row | undefined
  set(`page_size = ${pageBytes}`)
  const journal = String(set('journal_mode = WAL')?.[0])
  if (path !== memoryPath && journal !== 'wal') {
    throw new StoreRefused(
      `SQLite keeps its journal as ${journal} here: put the database on a local file system that allows WAL.`,
    )
  }
  set('synchronous = FULL')
  const synchronous = Number(set('synchronous')?.[0])
  if (synchronous !== fullSynchronous) {
    throw new StoreRefused(
      `SQLite answered synchronous = ${synchronous}: an answer would not be durable, so none is given.`,
    )
  }
  // Only macOS knows the difference: there a plain flush stops at the drive's own cache.
  set('fullfsync = ON')
  set('checkpoint_fullfsync = ON')
  set(`wal_autocheckpoint = ${checkpointPages}`)
  set(`journal_size_limit = ${logBytesKeptMax}`)
  set(`cache_size = -${Math.ceil(cacheKibibytes / threads)}`)
  set('trusted_schema = OFF')
}

const fullSynchronous = 2
