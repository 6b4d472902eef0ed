/** What PostgreSQL counted of a database: how many updates touched no index, what is dead, and what was cleaned up. */

import { Client } from 'pg'

export interface Updates {
  readonly table: string
  readonly updates: number
  /** Heap-only tuples: the new row lies in the page of the old one, and no index was written. */
  readonly hotShare: number | null
  readonly deletes: number
  readonly liveRows: number
  readonly deadRows: number
  readonly autovacuums: number
  readonly bytes: number
}

const countersText = `SELECT relname, n_tup_upd, n_tup_hot_upd, n_tup_del, n_live_tup, n_dead_tup, autovacuum_count,
pg_total_relation_size(relid) FROM pg_stat_user_tables WHERE n_tup_upd + n_tup_del > 0 ORDER BY n_tup_upd DESC`

export async function updatesIn(url: string): Promise<readonly Updates[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('SELECT pg_stat_force_next_flush()')
    const { rows } = await client.query<string[]>({ text: countersText, rowMode: 'array' })
    return rows.map(([table = '', ...counters]) => {
      const [updates = 0, hot = 0, deletes = 0, liveRows = 0, deadRows = 0, autovacuums = 0, bytes = 0] =
        counters.map(Number)
      const hotShare = updates === 0 ? null : Number((hot / updates).toFixed(4))
      return { table, updates, hotShare, deletes, liveRows, deadRows, autovacuums, bytes }
    })
  } finally {
    await client.end()
  }
}
