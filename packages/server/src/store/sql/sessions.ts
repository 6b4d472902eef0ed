/**
 * Browser sessions. Only living ones are given out: a session that has run out, or whose sign-in lies before a cut-off of
 * its user, of itself or of everyone, is not there. The cut-offs are read in the same statement.
 */

import type { SessionId, Subject } from '@pawl/family'
import type { Session, SessionStore } from '../../domain/session/session.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { cutOffStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { always, numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { type StoreClock, touchText } from './store-clock.ts'

export function sqlSessions(sql: Sql, clock: StoreClock): SessionStore {
  async function readLiving(where: string, key: string): Promise<Session | null> {
    const [row] = await sql.read({ text: `${selectText} AND ${where} = $1`, params: [key] })
    return row === undefined ? null : livingOf(row, clock)
  }

  function cutOffOf(id: SessionId, kind: 'logout' | 'session', reason: string): Statement[] {
    return cutOffStatements({ target: { kind, sessionId: id }, reason, by: 'rule', beforeMs: null }, clock)
  }

  /** Last of all: while the row is there, whoever comes again with its cookie finishes an end that was not acknowledged. */
  async function forget(id: SessionId): Promise<void> {
    await sql.write(always([{ text: forgetText, params: [id] }]))
  }

  async function end(id: SessionId, cutOff: Statement[], events: Statement[]): Promise<void> {
    await sql.write(always([...cutOff, ...events]))
    await forget(id)
  }

  return {
    readBySecretHash: secretHash => readLiving('s.secret_hash', secretHash),
    read: id => readLiving('s.id', id),
    ofUser: async (subject, limit) => {
      const text = `${selectText} AND s.subject = $1 ORDER BY s.auth_time_ms DESC, s.id LIMIT $2`
      const rows = await sql.read({ text, params: [subject, limit] })
      return rows.map(row => livingOf(row, clock)).filter(session => session !== null)
    },
    save: async (session, replaces, events) => {
      const replaced = replaces === session.id ? null : replaces
      const ends = replaced === null ? [] : cutOffOf(replaced, 'logout', 'replaced')
      await sql.write(always([...ends, saveStatement(session), ...eventStatements(events)]))
      if (replaced !== null) await forget(replaced)
    },
    end: (id, kind, reason, events) => end(id, cutOffOf(id, kind, reason), eventStatements(events)),
    settleEnd: async secretHash => {
      const guard = { text: goneText, params: [secretHash] }
      if ((await sql.write({ about: null, guard, statements: [] })) === 'done') return null
      const [row] = await sql.read({ text: 'SELECT id FROM sessions WHERE secret_hash = $1', params: [secretHash] })
      if (row === undefined) throw new StoreUnavailable('a session was forgotten while its end was looked at')
      const living = await readLiving('s.secret_hash', secretHash)
      if (living !== null) return living
      const id = textAt(row, 0) as SessionId
      await end(id, cutOffOf(id, 'logout', 'ended before'), [])
      return null
    },
  }
}

function livingOf(row: Row, clock: StoreClock): Session | null {
  const session = sessionOf(row)
  const nowMs = clock.nowMs(numberAt(row, 10))
  return nowMs < session.expiresAtMs && session.authTimeMs >= cutOffMs(row) ? session : null
}

/** Not one that has begun anew since: it may be the same person who signed in again meanwhile. */
const forgetText = `DELETE FROM sessions WHERE id = $1 AND auth_time_ms < (
SELECT MAX(at_ms) FROM cut_offs WHERE kind IN ('logout', 'session') AND target_key = $1)`

const goneText = `${touchText} AND NOT EXISTS (SELECT 1 FROM sessions WHERE secret_hash = $1)`

/** The first ten columns are the session's; then the store's time, then the cut-offs. */
const selectText = `SELECT s.id, s.secret_hash, s.subject, s.auth_time_ms, s.acr, s.amr, s.created_ms, s.expires_ms,
s.address, s.agent, store_now(c.high_ms),
(SELECT at_ms FROM cut_offs WHERE kind = 'everyone' AND target_key = ''),
(SELECT at_ms FROM cut_offs WHERE kind = 'user' AND target_key = s.subject AND spared_session <> s.id),
(SELECT at_ms FROM cut_offs WHERE kind = 'session' AND target_key = s.id),
(SELECT at_ms FROM cut_offs WHERE kind = 'logout' AND target_key = s.id)
FROM sessions s, store_clock c WHERE c.id = 1`

const saveText = `INSERT INTO sessions (id, secret_hash, subject, auth_time_ms, acr, amr, created_ms, expires_ms,
address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, subject = excluded.subject,
auth_time_ms = excluded.auth_time_ms, acr = excluded.acr, amr = excluded.amr, created_ms = excluded.created_ms,
expires_ms = excluded.expires_ms, address = excluded.address, agent = excluded.agent`

function saveStatement(session: Session): Statement {
  const { id, secretHash, subject, authTimeMs, acr, amr, createdAtMs, expiresAtMs, address, agent } = session
  const signIn = [subject, authTimeMs, acr, JSON.stringify(amr), createdAtMs, expiresAtMs, address, agent]
  return { text: saveText, params: [id, secretHash, ...signIn] }
}

function cutOffMs(row: Row): number {
  let latestMs = 0
  for (const value of row.slice(11)) if (typeof value === 'number') latestMs = Math.max(latestMs, value)
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
    address: textAt(row, 8),
    agent: textAt(row, 9),
  }
}
