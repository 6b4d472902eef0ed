/**
 * A database on the store of this run: `PAWL_TEST_STORE=sqlite`, the default, or `postgres`. For stages that end and come
 * back, for several servers on one database, and for tests that look at it, or break it, from outside.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sharedCluster } from '../postgres/databases.ts'
import { migratedDatabaseOn } from '../postgres/migrated.ts'
import { withClient } from '../postgres/query.ts'

export type Engine = 'sqlite' | 'postgres'

export interface TestDatabase {
  /** As the setting `store` names it. */
  readonly store: string
  /** Somebody else's hands on it: a statement of the kind both engines take. */
  readonly run: (statement: string) => Promise<void>
  /** Every update of a row of this table fails, until what it answers is called. */
  readonly breakUpdates: (table: string) => Promise<() => Promise<void>>
  /** All that is on the disk for it. */
  readonly bytes: () => Promise<Buffer>
  readonly drop: () => Promise<void>
}

export function engineOfTheRun(): Engine {
  const name = process.env['PAWL_TEST_STORE'] ?? 'sqlite'
  if (name === 'sqlite' || name === 'postgres') return name
  throw new Error(`PAWL_TEST_STORE is ${name}: it is sqlite or postgres`)
}

/** Whoever opens it drops it. */
export function openDatabase(): Promise<TestDatabase> {
  switch (engineOfTheRun()) {
    case 'sqlite':
      return Promise.resolve(sqliteDatabase())
    case 'postgres':
      return postgresDatabase()
  }
}

/** For a single stage: in memory, where the engine can. */
export async function openStageDatabase(): Promise<Pick<TestDatabase, 'store' | 'drop'>> {
  if (engineOfTheRun() === 'postgres') return postgresDatabase()
  return { store: 'sqlite::memory:', drop: async () => {} }
}

function sqliteDatabase(): TestDatabase {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-database-'))
  const path = join(directory, 'pawl.db')
  const execute = (statement: string): void => {
    const database = new DatabaseSync(path)
    database.exec(statement)
    database.close()
  }
  const run = async (statement: string): Promise<void> => execute(statement)
  return {
    store: `sqlite:${path}`,
    run,
    breakUpdates: async table => {
      execute(`CREATE TRIGGER broken BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, 'broken'); END`)
      return () => run('DROP TRIGGER broken')
    },
    bytes: async () => {
      const files = [path, `${path}-wal`, `${path}-shm`].filter(file => existsSync(file))
      return Buffer.concat(files.map(file => readFileSync(file)))
    },
    drop: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function postgresDatabase(): Promise<TestDatabase> {
  const { url, drop } = await migratedDatabaseOn(await sharedCluster())
  const run = (statement: string): Promise<void> =>
    withClient(url, async client => {
      await client.query(statement)
    })
  return {
    store: url,
    drop,
    run,
    breakUpdates: async table => {
      await run(`
        CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
        CREATE TRIGGER broken BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION broken()`)
      return () => run('DROP FUNCTION broken CASCADE')
    },
    bytes: () =>
      withClient(url, async client => {
        await client.query('CHECKPOINT')
        const { rows } = await client.query<{ bytes: Buffer }>(filesOfOurs)
        return Buffer.concat(rows.map(row => row.bytes))
      }),
  }
}

/** Tables, their indexes, and where long values are kept. */
const filesOfOurs = `
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) AS bytes FROM pg_class c
WHERE pg_relation_filepath(c.oid) IS NOT NULL AND c.oid >= 16384`
