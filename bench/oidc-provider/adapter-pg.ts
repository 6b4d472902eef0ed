/**
 * A PostgreSQL adapter for `oidc-provider`, on `pg` and its pool as such adapters are written, and as fast as the contract
 * lets one be: one table per model, named prepared statements, partial indexes for what is looked up, rows with room for
 * an update in place. PostgreSQL itself lets transactions that commit together share a flush.
 */

import { Pool } from 'pg'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { AdapterDatabase } from './adapter.ts'
import { grantable } from './grantable.ts'

/** Each waits for its own commit: so many rotations can share a flush. The pool of `pg` has 10 if nobody asks. */
export const poolConnections = 32

/** The tables are made by `createTables`, once. */
export function openPgAdapter(url: string): AdapterDatabase {
  const pool = new Pool({ connectionString: url, max: poolConnections })
  pool.on('error', error => console.error(error))
  return { adapter: model => createAdapter(pool, model), close: () => pool.end() }
}

export async function createTables(url: string): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1 })
  for (const model of ['Session', 'Grant', 'Interaction', 'ReplayDetection', 'Client', ...grantable]) {
    await pool.query(
      `CREATE TABLE "${model}" (id text PRIMARY KEY, payload json NOT NULL, grant_id text, uid text, user_code text,
         consumed bigint, expires_at bigint) WITH (fillfactor = 80);
       CREATE INDEX ON "${model}" (grant_id) WHERE grant_id IS NOT NULL;
       CREATE INDEX ON "${model}" (uid) WHERE uid IS NOT NULL;
       CREATE INDEX ON "${model}" (user_code) WHERE user_code IS NOT NULL`,
    )
  }
  await pool.end()
}

function createAdapter(pool: Pool, model: string): Adapter {
  const run = async (name: string, text: string, values: readonly unknown[]): Promise<Row[]> => {
    const { rows } = await pool.query<Row>({ name: `${model}.${name}`, text, values: [...values] })
    return rows
  }
  const find = async (column: string, key: string): Promise<AdapterPayload | undefined> => {
    const text = `SELECT payload, consumed FROM "${model}" WHERE ${column} = $1`
    const [row] = await run(column, text, [key])
    if (row === undefined) return undefined
    return row.consumed === null ? row.payload : { ...row.payload, consumed: Number(row.consumed) }
  }
  return {
    upsert: async (id, payload, expiresInSeconds) => {
      const grantId = grantable.has(model) ? (payload.grantId ?? null) : null
      const expiresAt = expiresInSeconds === undefined ? null : nowSeconds() + expiresInSeconds
      const uid = payload.uid ?? null
      await run('upsert', upsertText(model), [id, payload, grantId, uid, payload.userCode ?? null, expiresAt])
    },
    find: id => find('id', id),
    findByUid: uid => find('uid', uid),
    findByUserCode: userCode => find('user_code', userCode),
    consume: async id => {
      await run('consume', `UPDATE "${model}" SET consumed = $1 WHERE id = $2`, [nowSeconds(), id])
    },
    destroy: async id => {
      await run('destroy', `DELETE FROM "${model}" WHERE id = $1`, [id])
    },
    revokeByGrantId: async grantId => {
      await run('revoke', `DELETE FROM "${model}" WHERE grant_id = $1`, [grantId])
    },
  }
}

interface Row {
  readonly payload: AdapterPayload
  readonly consumed: string | null
}

function upsertText(model: string): string {
  return `INSERT INTO "${model}" (id, payload, grant_id, uid, user_code, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
      user_code = excluded.user_code, expires_at = excluded.expires_at`
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
