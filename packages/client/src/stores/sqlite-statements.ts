/** The SQL of the SQLite store: its two tables, and one statement for each thing that is done with them. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { sweptPerSave } from './expiry.ts'
import { heldUpMsMax } from './lease-time.ts'

export interface SqliteStatements {
  readonly load: StatementSync
  readonly insert: StatementSync
  readonly update: StatementSync
  readonly remove: StatementSync
  readonly sweep: StatementSync
  readonly lease: StatementSync
  readonly leasedBy: StatementSync
  readonly takeOver: StatementSync
  readonly release: StatementSync
}

/** Makes the tables where they are missing. */
export function prepareStatements(database: DatabaseSync): SqliteStatements {
  database.exec(tables)
  return {
    load: database.prepare(`SELECT version, sealed, expires_at_ms FROM pawl_custody WHERE name = ? AND ${lives}`),
    insert: database.prepare(insert),
    update: database.prepare(update),
    remove: database.prepare(`DELETE FROM pawl_custody WHERE name = ? AND version = ? AND ${lives}`),
    sweep: database.prepare(sweep),
    lease: database.prepare(lease),
    leasedBy: database.prepare('SELECT mark FROM pawl_custody_leases WHERE name = ?'),
    takeOver: database.prepare(
      'UPDATE pawl_custody_leases SET mark = ?, taken_at_ms = ?, until_ms = ? WHERE name = ? AND mark = ?',
    ),
    release: database.prepare(release),
  }
}

/** Its last parameter is the time. */
const lives = '(expires_at_ms IS NULL OR expires_at_ms > ?)'

/** Where the record that is there is over, it is as if there were none. */
const insert = `
INSERT INTO pawl_custody AS kept (name, version, sealed, expires_at_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE
SET version = excluded.version, sealed = excluded.sealed, expires_at_ms = excluded.expires_at_ms
WHERE kept.expires_at_ms <= ?`

const update = `
UPDATE pawl_custody SET version = ?, sealed = ?, expires_at_ms = ? WHERE name = ? AND version = ? AND ${lives}`

const sweep = `
DELETE FROM pawl_custody WHERE name IN
(SELECT name FROM pawl_custody WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${sweptPerSave})`

/** Texts are compared byte by byte, which is what SQLite does unless it is told otherwise. */
const tables = `
CREATE TABLE IF NOT EXISTS pawl_custody (
  name TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  sealed TEXT NOT NULL,
  expires_at_ms REAL
) STRICT;
CREATE INDEX IF NOT EXISTS pawl_custody_ends ON pawl_custody (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS pawl_custody_leases (
  name TEXT PRIMARY KEY,
  mark TEXT NOT NULL,
  taken_at_ms REAL NOT NULL,
  until_ms REAL NOT NULL
) STRICT`

/** Over as `isLeaseOver` says: its time is past, or the clock was set back to long before it was taken. */
const lease = `
INSERT INTO pawl_custody_leases AS held (name, mark, taken_at_ms, until_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE
SET mark = excluded.mark, taken_at_ms = excluded.taken_at_ms, until_ms = excluded.until_ms
WHERE held.until_ms <= excluded.taken_at_ms OR held.taken_at_ms - ${heldUpMsMax} > excluded.taken_at_ms`

/** So that leases which nobody gave back, of names that nobody asks for again, do not gather: 86,400,000 ms are a day. */
const release = `
DELETE FROM pawl_custody_leases WHERE (name = ?1 AND mark = ?2) OR until_ms < ?3 - 86400000`
