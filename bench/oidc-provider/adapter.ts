/**
 * A SQLite adapter for `oidc-provider`, as fast as its contract lets one be: one table per model, prepared statements,
 * partial indexes for what is looked up, and group commit, so that requests that arrive together share a flush. Each
 * write is answered after its commit; `oidc-provider` writes twice in a rotation (consume, then upsert), one after the
 * other, and that is its design, not ours to change. Expired rows stay until swept, as in its own adapters.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { type Commit, type Committing, groupCommit } from '../group-commit.ts'
import { grantable } from './grantable.ts'

export interface AdapterDatabase {
  readonly adapter: (model: string) => Adapter
  readonly close: () => void | Promise<void>
}

export function openAdapterDatabase(file: string, committing: Committing): AdapterDatabase {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000')
  const commit = committing === 'together' ? groupCommit(database) : async (apply: () => void) => apply()
  return { adapter: model => createAdapter(database, commit, model), close: () => database.close() }
}

function createAdapter(database: DatabaseSync, commit: Commit, model: string): Adapter {
  createTable(database, model)
  const upsert = database.prepare(
    `INSERT INTO "${model}" (id, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
       user_code = excluded.user_code, expires_at = excluded.expires_at`,
  )
  const selectById = database.prepare(`SELECT payload, consumed FROM "${model}" WHERE id = ?`)
  const selectByUid = database.prepare(`SELECT payload, consumed FROM "${model}" WHERE uid = ?`)
  const selectByUserCode = database.prepare(`SELECT payload, consumed FROM "${model}" WHERE user_code = ?`)
  const consume = database.prepare(`UPDATE "${model}" SET consumed = ? WHERE id = ?`)
  const destroy = database.prepare(`DELETE FROM "${model}" WHERE id = ?`)
  const revoke = database.prepare(`DELETE FROM "${model}" WHERE grant_id = ?`)
  return {
    upsert: (id, payload, expiresInSeconds) => {
      const grantId = grantable.has(model) ? (payload.grantId ?? null) : null
      const expiresAt = expiresInSeconds === undefined ? null : nowSeconds() + expiresInSeconds
      const columns = [id, JSON.stringify(payload), grantId, payload.uid ?? null, payload.userCode ?? null, expiresAt]
      return commit(() => void upsert.run(...columns))
    },
    find: async id => found(selectById, id),
    findByUid: async uid => found(selectByUid, uid),
    findByUserCode: async userCode => found(selectByUserCode, userCode),
    consume: id => commit(() => void consume.run(nowSeconds(), id)),
    destroy: id => commit(() => void destroy.run(id)),
    revokeByGrantId: grantId => commit(() => void revoke.run(grantId)),
  }
}

function createTable(database: DatabaseSync, model: string): void {
  database.exec(
    `CREATE TABLE IF NOT EXISTS "${model}" (id TEXT PRIMARY KEY, payload TEXT NOT NULL, grant_id TEXT, uid TEXT,
       user_code TEXT, consumed INTEGER, expires_at INTEGER);
     CREATE INDEX IF NOT EXISTS "${model}_grant_id" ON "${model}" (grant_id) WHERE grant_id IS NOT NULL;
     CREATE INDEX IF NOT EXISTS "${model}_uid" ON "${model}" (uid) WHERE uid IS NOT NULL;
     CREATE INDEX IF NOT EXISTS "${model}_user_code" ON "${model}" (user_code) WHERE user_code IS NOT NULL`,
  )
}

function found(select: StatementSync, key: string): AdapterPayload | undefined {
  const row = select.get(key)
  if (row === undefined) return undefined
  const payload = JSON.parse(String(row['payload'])) as AdapterPayload
  return row['consumed'] === null ? payload : { ...payload, consumed: Number(row['consumed']) }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
