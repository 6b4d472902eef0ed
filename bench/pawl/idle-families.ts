/**
 * Living families that nobody presents, written by SQL in thousands at a time, each with its user, grant and opening event
 * like those the store writes. Their ids and subjects are random as all are; the rest is copied from one real family.
 * Indexes are taken away first and made anew at the end, as they were: millions of rows are written in a third of the time.
 */

import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { Place } from '../contender.ts'

export interface IdleFamilies {
  /** Needs one real family to be there already. */
  readonly write: (count: number) => Promise<void>
  /** Brings the database into the state that a server finds after a while: everything in its files, statistics known. */
  readonly finish: () => Promise<void>
}

const columns = {
  families:
    'id, step_id, state, binding, seed, grant_id, client_id, subject, session_id, created_ms, absolute_expires_ms, refreshable, redeem_seconds, idle_seconds, opening',
  users: 'subject, email_key, email, email_verified, password_hash, claims, disabled, created_ms, version',
  events: 'id, kind, at_ms, request_id, family_id, client_id, subject, session_id, detail, times, last_at_ms',
}

const tables = ['families', 'users', 'events'] as const

/** The parts of a family that differ; `n` is an id of 36 characters, `s` a subject of 22. */
const familyOf = (
  seed: string,
): string => `n.id, n.s, t.state, t.binding, ${seed}, n.id, t.client_id, n.s, t.session_id,
  t.created_ms, t.absolute_expires_ms, t.refreshable, t.redeem_seconds, t.idle_seconds, t.opening`
const userOf = `f.subject, f.subject || '@bench.example', f.subject || '@bench.example', t.email_verified, t.password_hash,
  t.claims, t.disabled, t.created_ms, t.version`
const eventOf = `f.id, t.kind, t.at_ms, t.request_id, f.id, t.client_id, f.subject, t.session_id, t.detail, t.times,
  t.last_at_ms`
const template = (table: string): string => `(SELECT * FROM ${table} WHERE subject IS NOT NULL LIMIT 1) t`

export function openIdleFamilies(place: Place): IdleFamilies {
  return place.kind === 'sqlite' ? onSqlite(place.file) : onPostgres(place.url)
}

function onSqlite(file: string): IdleFamilies {
  const database = new DatabaseSync(file, { timeout: 5000 })
  // Nothing here has to outlive a crash: a run that does not finish begins again.
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000; PRAGMA temp_store = MEMORY')
  const indexes = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (?, ?, ?)")
    .all(...tables)
  for (const index of indexes) database.exec(`DROP INDEX ${String(index['name'])}`)
  const hex = (bytes: number): string => `lower(hex(randomblob(${bytes})))`
  const id = `$1 || '-7' || substr(${hex(2)}, 2) || '-a' || substr(${hex(2)}, 2) || '-' || ${hex(6)}`
  const families = database.prepare(`WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < $2)
    INSERT INTO families (${columns.families})
    SELECT ${familyOf('randomblob(32)')} FROM (SELECT ${id} AS id, ${hex(11)} AS s FROM i) n, ${template('families')}`)
  const users = database.prepare(
    `INSERT INTO users (${columns.users}) SELECT ${userOf} FROM families f, ${template('users')} WHERE f.rowid > $1`,
  )
  const events = database.prepare(
    `INSERT INTO events (${columns.events}) SELECT ${eventOf} FROM families f, ${template('events')} WHERE f.rowid > $1`,
  )
  const last = database.prepare('SELECT max(rowid) AS last FROM families')
  return {
    write: async count => {
      const before = Number(last.get()?.['last'])
      database.exec('BEGIN IMMEDIATE')
      families.run({ $1: timePart(), $2: count })
      users.run({ $1: before })
      events.run({ $1: before })
      database.exec('COMMIT')
    },
    finish: async () => {
      for (const index of indexes) database.exec(String(index['sql']))
      database.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}

function onPostgres(url: string): IdleFamilies {
  const client = new Client({ connectionString: url })
  // What goes wrong in between is told by the next query.
  client.on('error', error => console.error(error))
  const connecting = client.connect().then(() => withoutIndexes(client))
  const hex = "replace(gen_random_uuid()::text, '-', '')"
  const text = `WITH n AS MATERIALIZED (
      SELECT $1 || '-7' || substr(h, 1, 3) || '-a' || substr(h, 14, 3) || '-' || substr(h, 18, 12) AS id,
        substr(${hex}, 1, 22) AS s FROM (SELECT ${hex} AS h FROM generate_series(1, $2::int)) r),
    f AS (INSERT INTO families (${columns.families})
      SELECT ${familyOf("decode(md5(n.id) || md5(n.s), 'hex')")} FROM n, ${template('families')} RETURNING id, subject),
    u AS (INSERT INTO users (${columns.users}) SELECT ${userOf} FROM f, ${template('users')})
    INSERT INTO events (${columns.events}) SELECT ${eventOf} FROM f, ${template('events')}`
  return {
    write: async count => {
      await connecting
      await client.query(text, [timePart(), count])
    },
    finish: async () => {
      for (const text of await connecting) await client.query(text)
      await client.query('VACUUM (ANALYZE)')
      await client.query('CHECKPOINT')
      await client.end()
    },
  }
}

/** Drops keys and indexes, and answers the statements that make them again. */
async function withoutIndexes(client: Client): Promise<readonly string[]> {
  await client.query("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
  const constraints = await client.query<{ drop: string; add: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS add
     FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid::regclass::text = ANY($1)`,
    // The store counts what happens again by the key of an event, and goes on writing between the waves.
    [tables.filter(table => table !== 'events')],
  )
  const indexes = await client.query<{ drop: string; add: string }>(
    `SELECT format('DROP INDEX %I', indexname) AS drop, indexdef AS add FROM pg_indexes
     WHERE tablename = ANY($1) AND indexname NOT IN (SELECT conname FROM pg_constraint)`,
    [tables],
  )
  const all = [...constraints.rows, ...indexes.rows]
  for (const { drop } of all) await client.query(drop)
  return all.map(({ add }) => add)
}

/** The first two groups of a UUIDv7 (RFC 9562 §5.7) made now. */
function timePart(): string {
  const hex = Date.now().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}
