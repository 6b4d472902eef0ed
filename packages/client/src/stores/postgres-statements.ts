/** The SQL of the PostgreSQL store: its two tables, and one statement for each thing that is done with them. */

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
    load: `SELECT version, sealed FROM ${records} WHERE name = $1`,
    insert: `INSERT INTO ${records} (name, version, sealed) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
    update: `UPDATE ${records} SET version = $2, sealed = $3 WHERE name = $1 AND version = $4`,
    remove: `DELETE FROM ${records} WHERE name = $1 AND version = $2`,
    lease: `
INSERT INTO ${leases} AS held (name, token, until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET token = excluded.token, until = excluded.until
WHERE held.until <= clock_timestamp()`,
    // With it go leases that nobody gave back, of names that nobody asks for again, so that these do not gather.
    release: `
DELETE FROM ${leases} WHERE (name = $1 AND token = $2) OR until < clock_timestamp() - interval '1 day'`,
  }
}

/** Lower case, so that it is the same name with quotes and without. */
const plainName = /^[a-z_][a-z0-9_]{0,62}$/

/** Throws `RangeError` for a schema that is no plain name. */
export function tablesIn(schema: string): { readonly records: string; readonly leases: string } {
  if (!plainName.test(schema)) throw new RangeError(`'${schema}' is no plain name of a schema`)
  return { records: `"${schema}".pawl_custody`, leases: `"${schema}".pawl_custody_leases` }
}
