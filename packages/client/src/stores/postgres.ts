/**
 * Two tables in PostgreSQL, any number of processes and machines: for services that have one already. Each verb is one
 * statement, so nothing is held across a round trip and nothing is left behind by a connection that breaks. Leases end by
 * the database's clock. It takes any `pg.Pool`, `pg.Client`, or what answers like them; it opens and closes nothing.
 */

import type { CustodyStore, KeptRecord, Lease } from '../custody/custody-store.ts'
import { withEnd } from './expiry.ts'
import { newLeaseToken } from './lease-token.ts'
import { custodyStatements, type CustodyStatements, tablesIn } from './postgres-statements.ts'
import { withoutKey } from './without-key.ts'

/** What is used of `pg`. A query that may have been carried out must reject when its answer is lost, and not be repeated. */
export interface PostgresPool {
  query(text: string, values: unknown[]): Promise<PostgresAnswer>
}

export interface PostgresAnswer {
  readonly rowCount: number | null
  readonly rows: readonly unknown[]
}

export interface PostgresStoreOptions {
  /** To the primary: what is read from a standby may be behind. */
  readonly pool: PostgresPool
  /** Where the tables are; `public` by default. */
  readonly schema?: string
}

/** Rolled back for certain, so they may be sent again: serialization_failure and deadlock_detected. */
const rolledBackCodes: readonly unknown[] = ['40001', '40P01']
const attemptsMax = 10

/**
 * Throws `RangeError` for a schema that is no plain name. Every verb rejects with the error of the pool; the first one
 * also where the server acknowledges what is not on its disk (`synchronous_commit = off`). Make the tables with
 * `createCustodyTables`.
 */
export function postgresStore({ pool, schema = 'public' }: PostgresStoreOptions): CustodyStore {
  const statements = custodyStatements(schema)
  const ask = askingDurably(pool, statements)
  return {
    keepsKeys: false,
    load: async name => {
      const { rows } = await ask(statements.load, [name])
      const row = rows[0] as KeptRow | undefined
      return row === undefined ? null : withEnd(row.version, row.sealed, row.expiresAtMs)
    },
    save: async (name, record, ifVersion) => {
      const { version, sealed, expiresAtMs = null } = withoutKey(record)
      // Never before: a fraction of a millisecond counts as a whole one.
      const values = [name, version, sealed, expiresAtMs === null ? null : Math.ceil(expiresAtMs)]
      const { rowCount } =
        ifVersion === null ? await ask(statements.insert, values) : await ask(statements.update, [...values, ifVersion])
      return rowCount === 1 ? 'saved' : 'moved'
    },
    lease: async (name, seconds) => {
      const token = newLeaseToken()
      const { rowCount } = await ask(statements.lease, [name, token, seconds])
      if (rowCount !== 1) return null
      const lease: Lease = {
        release: async () => {
          await ask(statements.release, [name, token])
        },
      }
      return lease
    },
    remove: async (name, ifVersion) => {
      const { rowCount } = await ask(statements.remove, [name, ifVersion])
      return rowCount === 1 ? 'removed' : 'moved'
    },
  }
}

/**
 * SQL that makes the tables where they are missing, for a migration. Texts are compared byte by byte, whatever the
 * database's collation. Leases are not worth a flush: after a crash there are none, and no harm is done. Throws
 * `RangeError` for a schema that is no plain name.
 */
export function createCustodyTables(schema = 'public'): string {
  const { records, leases } = tablesIn(schema)
  return `
CREATE TABLE IF NOT EXISTS ${records} (
  name text COLLATE "C" PRIMARY KEY,
  version text COLLATE "C" NOT NULL,
  sealed text COLLATE "C" NOT NULL,
  expires_at_ms bigint
);
CREATE INDEX IF NOT EXISTS pawl_custody_ends ON ${records} (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE UNLOGGED TABLE IF NOT EXISTS ${leases} (
  name text COLLATE "C" PRIMARY KEY,
  token text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL
);`
}

interface KeptRow extends Omit<KeptRecord, 'expiresAtMs'> {
  readonly expiresAtMs: number | null
}

type Ask = (text: string, values: unknown[]) => Promise<PostgresAnswer>

/** Asks once, before all else, what an acknowledgement of this server is worth. */
function askingDurably(pool: PostgresPool, { durability }: CustodyStatements): Ask {
  let isDurable = false
  return async (text, values) => {
    if (!isDurable) {
      const { rows } = await pool.query(durability, [])
      const { setting } = rows[0] as { readonly setting: string }
      if (setting === 'off') throw new Error('synchronous_commit is off here: set it to on for this role or database')
      isDurable = true
    }
    return askAgainIfRolledBack(pool, text, values)
  }
}

async function askAgainIfRolledBack(pool: PostgresPool, text: string, values: unknown[]): Promise<PostgresAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.query(text, values)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (!rolledBackCodes.includes(code) || attempt === attemptsMax) throw error
    }
  }
}
