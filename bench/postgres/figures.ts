/** What PostgreSQL tells about the disk. */

import { Client } from 'pg'
import type { Cluster } from './cluster.ts'

/** Bytes of write-ahead log so far, of all databases of the cluster. */
export async function walPosition(cluster: Cluster): Promise<number> {
  const { rows } = await cluster.admin.query<{ bytes: string }>(
    "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes",
  )
  return Number(rows[0]?.bytes)
}

/** Bytes of all tables of a database with their indexes. */
export async function tableBytes(url: string): Promise<number> {
  const text = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'`
  return Number((await ask(url, text))[0]?.['bytes'])
}

/** How many rows a table has and how many bytes their values take. */
export async function rowsInTable(
  url: string,
  table: string,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const [row] = await ask(
    url,
    `SELECT count(*) AS rows, coalesce(sum(pg_column_size(t.*)), 0) AS bytes FROM ${table} t`,
  )
  return { rows: Number(row?.['rows']), bytes: Number(row?.['bytes']) }
}

async function ask(url: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<{ [column: string]: unknown }>(text)).rows
  } finally {
    await client.end()
  }
}
