import type { Holder } from '@pawl/client'
import { type KeepAlive, keepAlive } from '@pawl/client/keep-alive'
import type { Pool } from 'pg'

/**
 * In any number of workers: each looks before it asks, and the lease keeps two from asking at once. `health()` of what this
 * answers is for a page of your own: who lives, who fails since when, who ended and why.
 */
export function lookAfter(pool: Pool, holder: Holder): KeepAlive {
  return keepAlive({
    holder,
    async *grants() {
      const { rows } = await pool.query<{ name: string }>('SELECT name FROM connections')
      for (const { name } of rows) yield name
    },
  })
}
