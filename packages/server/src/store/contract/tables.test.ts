/** What a store keeps, seen from outside: the rows and bytes of every table. Not a test itself. */

import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'

export interface Table {
  readonly rows: number
  /** With its indexes. */
  readonly bytes: number
}

export type Tables = { readonly [name: string]: Table }

/** A second connection, which only reads; pages that are free belong to no table. */
export function sqliteTables(path: string): Tables {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
  try {
    const sizes = database
      .prepare(
        `SELECT m.tbl_name AS name, sum(s.pgsize) AS bytes FROM dbstat AS s JOIN sqlite_schema AS m ON m.name = s.name
GROUP BY m.tbl_name`,
      )
      .all() as { name: string; bytes: number }[]
    const rowsOf = (name: string): number =>
      Number(database.prepare(`SELECT count(*) AS rows FROM "${name}"`).get()?.['rows'])
    return Object.fromEntries(sizes.map(({ name, bytes }) => [name, { rows: rowsOf(name), bytes }]))
  } finally {
    database.close()
  }
}

export async function postgresTables(url: string): Promise<Tables> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const sizes = await client.query<{ name: string; bytes: string }>(
      "SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    const tables: { [name: string]: Table } = {}
    for (const { name, bytes } of sizes.rows) {
      const counted = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM "${name}"`)
      tables[name] = { rows: Number(counted.rows[0]?.rows), bytes: Number(bytes) }
    }
    return tables
  } finally {
    await client.end()
  }
}

/** What autovacuum does once a minute; the year of a test is over before it comes by. */
export async function vacuum(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('VACUUM')
  } finally {
    await client.end()
  }
}
