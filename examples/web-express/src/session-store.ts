/**
 * Sessions, kept on the server. The browser has a random id and nothing else; the table has a hash of that id and a sealed
 * blob. A copy of the table alone opens nothing and signs nobody in.
 */

import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { type Keys, seal, unseal } from './seal.ts'

export interface Session {
  readonly subject: string
  readonly idToken: string
  readonly accessToken: string
  readonly accessTokenEndsAtMs: number
  readonly refreshToken: string
  readonly refreshes: number
  /** When the grant is over, used or not, as far as the authorization server has told. */
  readonly endsAtMs: number
}

export interface StoredSession {
  readonly session: Session
  /** Grows by one with every change. */
  readonly version: number
}

export interface SessionStore {
  readonly add: (id: string, session: Session) => void
  readonly read: (id: string, nowMs: number) => StoredSession | null
  /** False when the row has moved on or is gone; nothing is written then. */
  readonly replace: (id: string, session: Session, version: number) => boolean
  readonly remove: (id: string) => void
  /** Takes away what is over, a few rows at a time. */
  readonly sweep: (nowMs: number) => void
  readonly close: () => void
}

export const sweptRowsMax = 100

/** An answer of the authorization server is used only after it is on the disk, so that no crash can lose the new token. */
export function openSessionStore(path: string, keys: Keys): SessionStore {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000')
  database.exec(
    'CREATE TABLE IF NOT EXISTS sessions (id BLOB PRIMARY KEY, version INTEGER NOT NULL, ends_at_ms INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID',
  )
  const insert = database.prepare('INSERT INTO sessions (id, version, ends_at_ms, sealed) VALUES (?, 1, ?, ?)')
  const select = database.prepare('SELECT version, sealed FROM sessions WHERE id = ? AND ends_at_ms > ?')
  const update = database.prepare(
    'UPDATE sessions SET version = version + 1, ends_at_ms = ?, sealed = ? WHERE id = ? AND version = ?',
  )
  const drop = database.prepare('DELETE FROM sessions WHERE id = ?')
  const dropOver = database.prepare(
    'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at_ms <= ? LIMIT ?)',
  )
  return {
    add: (id, session) => void insert.run(hashOf(id), session.endsAtMs, sealed(keys, session, id)),
    read: (id, nowMs) => {
      const row = select.get(hashOf(id), nowMs)
      if (row === undefined) return null
      const text = unseal(keys, row['sealed'] as Uint8Array, belonging(id))
      // What this key cannot open was written under an older one, and is as good as gone.
      return text === null ? null : { session: JSON.parse(text) as Session, version: row['version'] as number }
    },
    replace: (id, session, version) =>
      update.run(session.endsAtMs, sealed(keys, session, id), hashOf(id), version).changes === 1,
    remove: id => void drop.run(hashOf(id)),
    sweep: nowMs => void dropOver.run(nowMs, sweptRowsMax),
    close: () => database.close(),
  }
}

function sealed(keys: Keys, session: Session, id: string): Uint8Array {
  return seal(keys, JSON.stringify(session), belonging(id))
}

function belonging(id: string): string {
  return `session ${hashOf(id).toString('base64url')}`
}

function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest()
}
