/**
 * The schema, forward only: each migration is applied once, in a transaction of its own, and never edited afterwards.
 * Types and physical layout are SQLite's; the names are those of every engine. No index stands on anything that moves
 * with a refresh. Tables searched by their primary key alone are WITHOUT ROWID; `families`, `events` and `clients` are
 * not, because their rows are too long to sit in the inner pages of a tree of small pages.
 */

import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '../../domain/store.ts'
import { revocationsSoFar } from '../sql/revocations-so-far.ts'
import { initial } from './first-schema.ts'

export function schemaVersionOf(database: DatabaseSync): number {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'").get()
  if (known === undefined) return 0
  const row = database.prepare('SELECT version FROM schema_version WHERE id = 1').get() as unknown as
    | [number]
    | undefined
  if (row === undefined) throw new Error('the database has a schema_version table without its row')
  return row[0]
}

/**
 * Brings the database to the newest schema. Two processes may do this at once: the version is read again inside each
 * transaction. Throws on a schema newer than this program.
 */
export function migrate(database: DatabaseSync): void {
  while (schemaVersionOf(database) !== migrations.length) {
    database.exec('BEGIN IMMEDIATE')
    try {
      migrateOnce(database)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function migrateOnce(database: DatabaseSync): void {
  const version = schemaVersionOf(database)
  const next = migrations[version]
  if (next !== undefined) {
    database.exec(next)
    database.prepare('UPDATE schema_version SET version = ? WHERE id = 1').run(version + 1)
  } else if (version > migrations.length) {
    throw new StoreRefused(
      `The database has schema ${version} and this program knows up to ${migrations.length}: use the newer program.`,
    )
  }
}

/** One interruption was too few: a second one soon after the first made the first forgotten. */
const severalInterruptions = `
ALTER TABLE store_clock ADD COLUMN interruptions TEXT NOT NULL DEFAULT '';
UPDATE store_clock SET interruptions = interrupted_ms || '-' || resumed_ms || ' ' WHERE resumed_ms IS NOT NULL;
ALTER TABLE store_clock DROP COLUMN interrupted_ms;
ALTER TABLE store_clock DROP COLUMN resumed_ms;
`

/** What may be shown once, kept for as long as it would be good. */
const marks = `
CREATE TABLE marks (id TEXT NOT NULL PRIMARY KEY, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** Authorization requests that wait for their browser, or are too long to ride in it. */
const pushedRequests = `
CREATE TABLE pushed_requests (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL,
  request TEXT NOT NULL,
  opens_until_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_ms);
`

/** What people show besides a password, and the one session that a change of it spares. */
const credentials = `
CREATE TABLE totps (
  subject TEXT NOT NULL PRIMARY KEY,
  sealed_key BLOB NOT NULL,
  last_step INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE recovery_codes (
  subject TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (subject, code_hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE passkeys (
  id TEXT NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  public_key BLOB NOT NULL,
  counter INTEGER NOT NULL,
  transports TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER
) STRICT;
CREATE INDEX passkeys_of_user ON passkeys (subject);
CREATE INDEX sessions_of_user ON sessions (subject);
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE cut_offs ADD COLUMN spared_session TEXT NOT NULL DEFAULT '';
`

/** Clients that came by themselves, and the tokens that let them in. */
const registrations = `
CREATE TABLE registered_clients (
  client_id TEXT NOT NULL PRIMARY KEY,
  kept_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registered_clients_by_end ON registered_clients (kept_until_ms);
CREATE TABLE registration_tokens (
  name TEXT NOT NULL PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL,
  uses_left INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX registration_tokens_by_end ON registration_tokens (expires_ms);
`

/** The APIs that access tokens are meant for. */
const resources = `
CREATE TABLE resources (
  indicator TEXT NOT NULL PRIMARY KEY,
  audience TEXT NOT NULL,
  document TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX resources_of_audience ON resources (audience, indicator);
`

/** What may be asked for in authorization details. */
const detailsTypes = `
CREATE TABLE details_types (
  type TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
`

/** Devices that wait for a person. */
const deviceRequests = `
CREATE TABLE device_requests (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL,
  seed BLOB NOT NULL,
  key_id INTEGER NOT NULL,
  user_code_key TEXT NOT NULL UNIQUE,
  asked TEXT NOT NULL,
  claimed_by TEXT,
  decision TEXT NOT NULL,
  interval_seconds INTEGER NOT NULL,
  next_poll_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX device_requests_by_end ON device_requests (expires_ms);
`

/** What others must be told: notices of what happened, and what became of telling each of them. */
const outbox = `
CREATE TABLE notices (
  kind TEXT NOT NULL,
  target_key TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  after_family TEXT,
  version INTEGER NOT NULL,
  PRIMARY KEY (kind, target_key)
) STRICT;
CREATE INDEX notices_by_time ON notices (at_ms);
CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY,
  channel TEXT NOT NULL,
  client_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  session_id TEXT,
  reason TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_ms INTEGER NOT NULL,
  last_ms INTEGER,
  last_result TEXT
) STRICT;
CREATE INDEX deliveries_by_next ON deliveries (state, next_ms);
CREATE INDEX deliveries_by_time ON deliveries (created_ms);
`

/** Other OpenID providers, who of theirs is who of ours, and who is on the way. */
const upstreams = `
CREATE TABLE upstreams (
  id TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL,
  added_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE upstream_links (
  upstream_id TEXT NOT NULL,
  upstream_subject TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (upstream_id, upstream_subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX upstream_links_of_user ON upstream_links (subject);
CREATE TABLE upstream_attempts (
  id TEXT NOT NULL PRIMARY KEY,
  sealed TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX upstream_attempts_by_end ON upstream_attempts (expires_ms);
`

/** Places of families in the lists of status, and cut-offs by when they were set. */
const statusEntries = `
CREATE TABLE status_entries (
  family_id TEXT NOT NULL PRIMARY KEY,
  idx INTEGER NOT NULL UNIQUE,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX status_entries_by_end ON status_entries (until_ms);
CREATE INDEX cut_offs_by_setting ON cut_offs (set_at_ms);
`

/** The families of a grant are read in the order of their ids, a page at a time. */
const branchesInOrder = `
DROP INDEX branches_of_grant;
CREATE INDEX branches_of_grant ON families (grant_id, id) WHERE grant_id <> id;
`

/** What has been revoked lately, for those who follow the feed; with what was in the hours before there was one. */
const revocations = `
CREATE TABLE revocations (
  kind TEXT NOT NULL,
  target_key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  place INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, target_key, at_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_place ON revocations (place);
CREATE INDEX revocations_by_end ON revocations (until_ms);
${revocationsSoFar}`

const migrations: readonly string[] = [
  initial,
  severalInterruptions,
  marks,
  pushedRequests,
  credentials,
  registrations,
  resources,
  detailsTypes,
  deviceRequests,
  outbox,
  upstreams,
  statusEntries,
  branchesInOrder,
  revocations,
]
