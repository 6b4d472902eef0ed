/** Which connections there are: a table of the application's own. What was granted to them is the holder's. */

import type { Pool } from 'pg'

export interface Connections {
  add(name: string): Promise<void>
  /** Every name, a page at a time: thousands are never in memory together. */
  names(): AsyncGenerator<string>
}

const pageRows = 1000

export const connectionsTable = 'CREATE TABLE IF NOT EXISTS connections (name text COLLATE "C" PRIMARY KEY)'

export function openConnections(pool: Pool): Connections {
  return {
    add: async name => {
      await pool.query('INSERT INTO connections (name) VALUES ($1) ON CONFLICT DO NOTHING', [name])
    },
    async *names() {
      let after = ''
      for (;;) {
        const page = 'SELECT name FROM connections WHERE name > $1 ORDER BY name LIMIT $2'
        const { rows } = await pool.query<{ name: string }>(page, [after, pageRows])
        for (const { name } of rows) yield name
        const last = rows.at(-1)
        if (last === undefined) return
        after = last.name
      }
    },
  }
}
