/** Two sets of migrations, one schema: what is written for one engine must mean the same to the other. */

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { systemEntropy } from '../../domain/entropy.ts'
import { openSqliteStore } from '../sqlite/sqlite-store.ts'
import { sceneOn } from './fixture.test.ts'

/** A table as its columns: each with the sort of its values and whether it may be without one. */
type Tables = { readonly [table: string]: readonly string[] }

describe('the schema of PostgreSQL', () => {
  it('has the tables and columns of SQLite, and one of its own for the lease on migrations', async test => {
    const scene = await sceneOn(test)
    await scene.open()
    const rows = await scene.ask(
      `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY table_name, column_name`,
    )
    const { schema_lease, ...tables } = tablesOf(
      rows.map(([table, column, type, nullable]) => ({
        table: String(table),
        column: `${String(column)} ${sortOf(String(type))}${nullable === 'YES' ? '?' : ''}`,
      })),
    )
    assert.ok(schema_lease !== undefined)
    assert.deepEqual(tables, await sqliteSchema())
  })
  it('has the indexes of SQLite, over the same columns and rows', async test => {
    const scene = await sceneOn(test)
    await scene.open()
    const rows = await scene.ask("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    const named = rows.map(([name, text]) => `${String(name)} ${plain(String(text).replace(/^.* USING btree /, ''))}`)
    const made = named.filter(text => !/_(?:pkey|key) /.test(text))
    assert.deepEqual(made.toSorted(), (await sqliteIndexes()).toSorted())
  })
})

function tablesOf(columns: readonly { readonly table: string; readonly column: string }[]): Tables {
  const grouped = Map.groupBy(columns, ({ table }) => table)
  return Object.fromEntries([...grouped].map(([table, of]) => [table, of.map(({ column }) => column).toSorted()]))
}

function sortOf(type: string): string {
  switch (type.toLowerCase()) {
    case 'bigint':
    case 'integer':
      return 'number'
    case 'bytea':
    case 'blob':
      return 'bytes'
    case 'text':
      return 'text'
    default:
      return type
  }
}

async function withSqlite<T>(use: (database: DatabaseSync) => T): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-schema-'))
  const path = join(directory, 'pawl.db')
  const store = await openSqliteStore({ path, clock: { nowMs: () => 0 }, entropy: systemEntropy() })
  await store.close()
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return use(database)
  } finally {
    database.close()
    await rm(directory, { recursive: true })
  }
}

function sqliteSchema(): Promise<Tables> {
  return withSqlite(database => {
    const columns = database
      .prepare(
        `SELECT m.name AS "table", i.name AS "column", i.type AS type, i."notnull" OR i.pk AS filled
FROM sqlite_schema m, pragma_table_info(m.name) i WHERE m.type = 'table'`,
      )
      .all()
    return tablesOf(
      columns.map(({ table, column, type, filled }) => ({
        table: String(table),
        column: `${String(column)} ${sortOf(String(type))}${filled === 0 ? '?' : ''}`,
      })),
    )
  })
}

function sqliteIndexes(): Promise<readonly string[]> {
  return withSqlite(database => {
    const made = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all()
    return made.map(({ name, sql }) => `${String(name)} ${plain(String(sql).replace(/^.* ON \w+ /s, ''))}`)
  })
}

/** PostgreSQL puts every condition in parentheses. */
function plain(text: string): string {
  const [columns = '', condition = ''] = text.split(' WHERE ')
  return `${columns} ${condition.replaceAll(/[()]/g, '')}`.trim()
}
