/**
 * Rows for the peers whose storage is left to whoever uses them: as fast as their contracts let it be. SQLite with
 * prepared statements and group commit, so that requests that arrive together share a flush; PostgreSQL with a pool and
 * named prepared statements. Every write is answered after its commit.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Pool } from 'pg'
import type { Place } from '../contender.ts'
import { type Committing, groupCommit } from '../group-commit.ts'
import { poolConnections } from '../oidc-provider/adapter-pg.ts'

export type Value = string | number | null
export interface Row {
  readonly [column: string]: unknown
}

/** SQL with `$1`, `$2` …, in words that both stores understand. */
export interface Rows {
  readonly define: (script: string) => Promise<void>
  /** The first row, or null. */
  readonly find: (text: string, params: readonly Value[]) => Promise<Row | null>
  /** How many rows were written. */
  readonly change: (text: string, params: readonly Value[]) => Promise<number>
  readonly close: () => Promise<void>
}

/** `alone` is a transaction for each write on SQLite, as such storage is usually written. */
export function openRows(place: Place, committing: Committing): Rows {
  return place.kind === 'sqlite' ? sqliteRows(place.file, committing) : postgresRows(place.url)
}

function sqliteRows(file: string, committing: Committing): Rows {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000')
  const commit = committing === 'together' ? groupCommit(database) : async (apply: () => void) => apply()
  const prepared = new Map<string, StatementSync>()
  const prepare = (text: string): StatementSync => {
    const known = prepared.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(text.replaceAll(/\$(\d+)/g, '?$1'))
    prepared.set(text, statement)
    return statement
  }
  return {
    define: async script => database.exec(script),
    find: async (text, params) => prepare(text).get(...(params as SQLInputValue[])) ?? null,
    change: async (text, params) => {
      let changes = 0
      await commit(() => {
        changes = Number(prepare(text).run(...(params as SQLInputValue[])).changes)
      })
      return changes
    },
    close: async () => database.close(),
  }
}

function postgresRows(url: string): Rows {
  const pool = new Pool({ connectionString: url, max: poolConnections })
  pool.on('error', error => console.error(error))
  const names = new Map<string, string>()
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `s${names.size}`
    names.set(text, name)
    return name
  }
  return {
    define: async script => void (await pool.query(script)),
    find: async (text, params) => {
      const { rows } = await pool.query<Row>({ name: nameOf(text), text, values: [...params] })
      return rows[0] ?? null
    },
    change: async (text, params) => {
      const { rowCount } = await pool.query({ name: nameOf(text), text, values: [...params] })
      return rowCount ?? 0
    },
    close: () => pool.end(),
  }
}

/** SQLite files have names, PostgreSQL databases addresses. */
export function placeOf(text: string): Place {
  return text.startsWith('postgres:') ? { kind: 'postgres', url: text } : { kind: 'sqlite', file: text }
}

export function textOf(place: Place): string {
  return place.kind === 'sqlite' ? place.file : place.url
}
