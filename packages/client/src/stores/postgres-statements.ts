/** The SQL of the PostgreSQL store: its two tables, and one statement for each thing that is done with them. */

import { sweptPerSave } from './expiry.ts'

export interface CustodyStatements {
  readonly durability: string
  readonly load: string
  readonly insert: string
  readonly update: string
  readonly remove: string
  readonly lease: string
  readonly release: string
}

export function custodyStatements(schema: string): CustodyStatements {
  const { records, leases } = tablesIn(schema)
  return {
    durability: `SELECT current_setting('synchronous_commit') AS setting`,
    load: `
SELECT version, sealed, expires_at_ms::float8 AS "expiresAtMs" FROM ${records} WHERE name = $1 AND ${lives}`,
    insert: `
WITH ${sweepOf(records)}
INSERT INTO ${records} AS kept (name, version, sealed, expires_at_ms) VALUES ($1, $2, $3, $4::bigint)
ON CONFLICT (name) DO UPDATE
SET version = excluded.version, sealed = excluded.sealed, expires_at_ms = excluded.expires_at_ms
WHERE kept.expires_at_ms <= ${nowMs}`,
    update: `
WITH ${sweepOf(records)}
UPDATE ${records} SET version = $2, sealed = $3, expires_at_ms = $4::bigint
WHERE name = $1 AND version = $5 AND ${lives}`,
    remove: `DELETE FROM ${records} WHERE name = $1 AND version = $2 AND ${lives}`,
    lease: `
INSERT INTO ${leases} AS held (name, token, until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET token = excluded.token, until = excluded.until
WHERE held.until <= clock_timestamp()`,
    // With it go leases that nobody gave back, of names that nobody asks for again, so that these do not gather.
    release: `
DELETE FROM ${leases} WHERE (name = $1 AND token = $2) OR until < clock_timestamp() - interval '1 day'`,
  }
}

const nowMs = '(extract(epoch FROM clock_timestamp()) * 1000)'
const lives = `(expires_at_ms IS NULL OR expires_at_ms > ${nowMs})`

/** A few that are over go with each save, but what it saves over, and what others are removing. */
function sweepOf(records: string): string {
  return `swept AS (
  DELETE FROM ${records} WHERE name IN (
    SELECT name FROM ${records} WHERE expires_at_ms <= ${nowMs} AND name <> $1
    ORDER BY expires_at_ms LIMIT ${sweptPerSave} FOR UPDATE SKIP LOCKED))`
}

/** Lower case, so that it is the same name with quotes and without. */
const plainName = /^[a-z_][a-z0-9_]{0,62}$/

/** Throws `RangeError` for a schema that is no plain name. */
export function tablesIn(schema: string): { readonly records: string; readonly leases: string } {
  if (!plainName.test(schema)) throw new RangeError(`'${schema}' is no plain name of a schema`)
  return { records: `"${schema}".pawl_custody`, leases: `"${schema}".pawl_custody_leases` }
}
