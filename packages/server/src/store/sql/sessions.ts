/**
 * Browser sessions. Only living ones are given out: a session that has run out, or whose sign-in lies before a cut-off of
 * its user, of itself or of everyone, is not there. The cut-offs are read in the same statement.
 */

import type { SessionId, Subject } from '@pawl/family'
import type { Session, SessionStore } from '../../domain/session/session.ts'
import { cutOffStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { always, numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import type { StoreClock } from './store-clock.ts'

export function sqlSessions(sql: Sql, clock: StoreClock): SessionStore {
  async function readLiving(where: string, key: string): Promise<Session | null> {
    const [row] = await sql.read({ text: `${selectText} AND ${where} = $1`, params: [key] })
    return row === undefined ? null : livingOf(row)
  }

  function livingOf(row: Row): Session | null {
    const session = sessionOf(row)
    const nowMs = clock.nowMs(numberAt(row, 8))
    return nowMs < session.expiresAtMs && session.authTimeMs >= cutOffMs(row) ? session : null
  }

  function endStatements(id: SessionId, kind: 'logout' | 'session', reason: string): Statement[] {
    const cutOff = { target: { kind, sessionId: id }, reason, by: 'rule', beforeMs: null }
    return [{ text: 'DELETE FROM sessions WHERE id = $1', params: [id] }, ...cutOffStatements(cutOff, clock)]
  }

  return {
    readBySecretHash: secretHash => readLiving('s.secret_hash', secretHash),
    read: id => readLiving('s.id', id),
    ofUser: async (subject, limit) => {
      const text = `${selectText} AND s.subject = $1 ORDER BY s.auth_time_ms DESC, s.id LIMIT $2`
      const rows = await sql.read({ text, params: [subject, limit] })
      return rows.map(livingOf).filter(session => session !== null)
    },
    save: async (session, replaces, events) => {
      const ends = replaces === null || replaces === session.id ? [] : endStatements(replaces, 'logout', 'replaced')
      await sql.write(always([...ends, saveStatement(session), ...eventStatements(events)]))
    },
    end: async (id, cutOff, reason, events) => {
      await sql.write(always([...endStatements(id, cutOff, reason), ...eventStatements(events)]))
    },
  }
}

/** The first nine columns are the session's; then the store's time, then the cut-offs. */
const selectText = `SELECT s.id, s.secret_hash, s.subject, s.auth_time_ms, s.acr, s.amr, s.created_ms, s.expires_ms,
store_now(c.high_ms),
(SELECT at_ms FROM cut_offs WHERE kind = 'everyone' AND target_key = ''),
(SELECT at_ms FROM cut_offs WHERE kind = 'user' AND target_key = s.subject AND spared_session <> s.id),
(SELECT at_ms FROM cut_offs WHERE kind = 'session' AND target_key = s.id),
(SELECT at_ms FROM cut_offs WHERE kind = 'logout' AND target_key = s.id)
FROM sessions s, store_clock c WHERE c.id = 1`

const saveText = `INSERT INTO sessions (id, secret_hash, subject, auth_time_ms, acr, amr, created_ms, expires_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, subject = excluded.subject,
auth_time_ms = excluded.auth_time_ms, acr = excluded.acr, amr = excluded.amr, created_ms = excluded.created_ms,
expires_ms = excluded.expires_ms`

function saveStatement(session: Session): Statement {
  const { id, secretHash, subject, authTimeMs, acr, amr, createdAtMs, expiresAtMs } = session
  return {
    text: saveText,
    params: [id, secretHash, subject, authTimeMs, acr, JSON.stringify(amr), createdAtMs, expiresAtMs],
  }
}

function cutOffMs(row: Row): number {
  let latestMs = 0
  for (const value of row.slice(9)) if (typeof value === 'number') latestMs = Math.max(latestMs, value)
  return latestMs
}

function sessionOf(row: Row): Session {
  return {
    id: textAt(row, 0) as SessionId,
    secretHash: textAt(row, 1),
    subject: textAt(row, 2) as Subject,
    authTimeMs: numberAt(row, 3),
    acr: textAt(row, 4),
    amr: JSON.parse(textAt(row, 5)) as string[],
    createdAtMs: numberAt(row, 6),
    expiresAtMs: numberAt(row, 7),
  }
}
