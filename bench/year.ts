/**
 * `npm run simulate:year`: a year in which a million families are opened, refreshed and left, revoked, replayed or cut
 * off, lived through a store of this machine at a clock that is set (`store/contract/year.test.ts` is the traffic). Once
 * a week everything is counted: the families in the table against those that live, every other table against its named
 * bound, and the bytes on the disk. It fails where one of them grows beyond its bound.
 *
 *     npm run simulate:year                               a million families on SQLite; many minutes
 *     npm run simulate:year -- --store postgres           the same on PostgreSQL, with the share of HOT updates
 *     npm run simulate:year -- --families 20000           a fiftieth of it
 *     npm run simulate:year -- --directory /dev/shm       in memory: rows and bytes are the same, flushes cost nothing
 */

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Store } from '../packages/server/src/domain/store.ts'
import { seededEntropy, settableClock, startMs } from '../packages/server/src/store/contract/fixture.test.ts'
import { postgresTables, sqliteTables, type Tables } from '../packages/server/src/store/contract/tables.test.ts'
import { liveAYear, type YearSample } from '../packages/server/src/store/contract/year.test.ts'
import { faultOfYear } from '../packages/server/src/store/contract/year-bounds.test.ts'
import { openPostgresStore } from '../packages/server/src/store/postgres/postgres-store.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite/sqlite-store.ts'
import { describeMachine } from './measure/machine.ts'
import { createDatabase, startCluster } from './postgres/cluster.ts'
import { updatesIn } from './postgres/updates.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    families: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '365' },
    directory: { type: 'string', default: tmpdir() },
  },
})
const clock = settableClock(startMs)
const entropy = seededEntropy('a year')
const directory = mkdtempSync(join(values.directory, 'pawl-year-'))
const plan = {
  families: Number(values.families),
  days: Number(values.days),
  together: Math.max(1, Math.round(Number(values.families) / 1000)),
  samples: 50,
}

interface Ground {
  readonly store: Store
  readonly tables: () => Tables | Promise<Tables>
  /** What the engine says of its updates, where it does. */
  readonly updates: () => Promise<unknown>
  readonly close: () => Promise<void>
}

const ground = values.store === 'postgres' ? await onPostgres() : await onSqlite()
const weeks: (YearSample & { readonly tables: Tables })[] = []
const startedAtMs = performance.now()
try {
  await liveAYear({ store: ground.store, clock, entropy }, plan, async sample => {
    const tables = await ground.tables()
    weeks.push({ ...sample, tables })
    const { families, events } = tables
    process.stderr.write(
      `day ${sample.day.toFixed(0)}: ${sample.opened} opened, ${sample.steps} steps, ${sample.living} live in ` +
        `${families?.rows} rows and ${megabytes(families?.bytes)}; events ${megabytes(events?.bytes)}\n`,
    )
  })
  const updates = await ground.updates()
  const minutes = (performance.now() - startedAtMs) / 60_000
  const fault = faultOfYear(weeks)
  const report = {
    machine: describeMachine(values.directory),
    store: values.store,
    plan,
    minutes,
    weeks,
    updates,
    fault,
  }
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`)
  if (fault !== null) process.exitCode = 1
} finally {
  await ground.close()
  rmSync(directory, { recursive: true, force: true })
}

async function onSqlite(): Promise<Ground> {
  const path = join(directory, 'pawl.db')
  const store = await openSqliteStore({ path, clock, entropy })
  return { store, tables: () => sqliteTables(path), updates: () => Promise.resolve(null), close: () => store.close() }
}

async function onPostgres(): Promise<Ground> {
  // PostgreSQL runs under an account of its own.
  chmodSync(directory, 0o755)
  const cluster = await startCluster(directory, {})
  // A week passes in seconds here: autovacuum comes by as much more often, and does what it does by default.
  await cluster.admin.query("ALTER SYSTEM SET autovacuum_naptime = '1s'")
  await cluster.admin.query('SELECT pg_reload_conf()')
  const url = await createDatabase(cluster, 'year')
  const store = await openPostgresStore({ url, clock, entropy })
  return {
    store,
    tables: () => postgresTables(url),
    updates: () => updatesIn(url),
    close: async () => {
      await store.close()
      await cluster.stop()
    },
  }
}

function megabytes(bytes = 0): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}
