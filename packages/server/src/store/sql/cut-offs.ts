/**
 * Cut-offs: one row per target, the latest wins. Where no instant is given, T is taken inside the transaction: the
 * highest time any process ever stored, plus one millisecond, which becomes the store's time. Whatever was opened and
 * acknowledged before stands below T, whatever reads the time afterwards stands on it or later, on every node.
 */

import { type ClientId, cutOffOf, type GrantId, noCutOffs, type SessionId, type Subject } from '@pawl/family'
import {
  type CutOff,
  type CutOffStore,
  type CutOffTarget,
  cutOffKey,
  type RecordedCutOff,
} from '../../domain/cut-off/cut-off.ts'
import type { Ends } from '../../domain/user/ends.ts'
import { eventStatements } from './events.ts'
import { isLiving, scanFamilies, type Where } from './family-scan.ts'
import { noticeStatements } from './notices.ts'
import { revokedByCutOff, revokedByLaterCutOff } from './revocation-statements.ts'
import { always, numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlCutOffs(sql: Sql, clock: StoreClock): CutOffStore {
  const latest: CutOffStore['latest'] = async target => {
    const [row] = await sql.read({ text: readText, params: keyOf(target) })
    return row === undefined ? 0 : numberAt(row, 0)
  }

  return {
    latest,
    set: async (cutOff, events) => {
      await refuseFuture(sql, clock, cutOff)
      const statements = cutOffStatements(cutOff, clock)
      await sql.write(always([...statements, ...eventStatements(events)]))
      return latest(cutOff.target)
    },
    countLiving: async (target, beforeMs) => {
      const atMs = beforeMs ?? (await readNowMs(sql, clock)) + 1
      const cutOffs = { ...noCutOffs, [`${target.kind}Ms`]: atMs }
      let count = 0
      for (const where of wheresOfTarget(target)) {
        for await (const reading of scanFamilies(sql, clock, where, null)) {
          if (isLiving(reading) && cutOffOf(reading.family, cutOffs) !== null) count += 1
        }
      }
      return count
    },
    list: async limit => {
      const text = `SELECT kind, target_key, at_ms, reason, set_by, set_at_ms FROM cut_offs
ORDER BY set_at_ms DESC, kind, target_key LIMIT $1`
      const rows = await sql.read({ text, params: [limit] })
      return rows.map(recordedOf)
    },
  }
}

/** A scheduled cut-off is a job, not a row: T is never in the future. */
export async function refuseFuture(sql: Sql, clock: StoreClock, cutOff: CutOff): Promise<void> {
  if (cutOff.beforeMs === null) return
  const nowMs = await readNowMs(sql, clock)
  if (cutOff.beforeMs > nowMs) throw new RangeError(`a cut-off at ${cutOff.beforeMs} lies after the store's ${nowMs}`)
}

/** What writes a cut-off, the notice of it and what the feed tells of it, for the transaction of whatever causes it. */
export function cutOffStatements(cutOff: CutOff, clock: StoreClock): Statement[] {
  const { reason, by, beforeMs } = cutOff
  const key = keyOf(cutOff.target)
  const spared = (cutOff.target.kind === 'user' ? cutOff.target.spares : undefined) ?? ''
  const told = [revokedByCutOff(...key), ...noticeStatements(cutOff)]
  if (beforeMs !== null) {
    return [{ text: setAtText, params: [...key, reason, by, spared, beforeMs, clock.nowMs(0)] }, ...told]
  }
  return [...clock.raises(), { text: setNowText, params: [...key, reason, by, spared] }, ...told]
}

/** What a change of a user ends, for its transaction. */
export function endStatements(subject: Subject, ends: Ends, clock: StoreClock, reason = 'user changed'): Statement[] {
  if (ends === 'nothing') return []
  const spared = ends === 'all' ? {} : { spares: ends.allBut }
  return cutOffStatements({ target: { kind: 'user', subject, ...spared }, reason, by: 'rule', beforeMs: null }, clock)
}

/**
 * Between the moment T is taken and the moment its COMMIT can be seen, time goes on: whoever asks meanwhile is told a
 * time after T and knows nothing of the cut-off, of the new password or of the client that is gone, and what is opened on
 * that would live. So T is taken once more when the first one can be seen, where anybody may have been told so late a
 * time, and only then is the cut-off acknowledged.
 */
export function withSettledCutOffs(sql: Sql, clock: StoreClock): Sql {
  return {
    read: statement => sql.read(statement),
    writeReturning: statement => sql.writeReturning(statement),
    write: async unit => {
      const outcome = await sql.write(unit)
      const sets = unit.statements.filter(({ text }) => text === setNowText)
      if (outcome === 'moved' || sets.length === 0) return outcome
      await sql.write(always(sets.flatMap(set => settling(set, clock))))
      return outcome
    },
  }
}

function settling(set: Statement, clock: StoreClock): readonly Statement[] {
  const [kind, key] = [String(set.params[0]), String(set.params[1])]
  return [clock.raisesOver(kind, key), set, revokedByLaterCutOff(kind, key)]
}

/**
 * The latest wins. One that spares nobody also takes back what an earlier-written, later one spares: too much ends then,
 * and never too little.
 */
const conflictText = `ON CONFLICT (kind, target_key) DO UPDATE SET
at_ms = CASE WHEN cut_offs.at_ms < excluded.at_ms THEN excluded.at_ms ELSE cut_offs.at_ms END, reason = excluded.reason,
set_by = excluded.set_by, set_at_ms = excluded.set_at_ms, spared_session = excluded.spared_session
WHERE cut_offs.at_ms < excluded.at_ms OR (cut_offs.spared_session <> '' AND excluded.spared_session = '')`

/**
 * The session that is spared, unless the cut-off in whose place this one comes has ended it already: whoever asked in a
 * session while it was being ended must not bring it back (I3). One that is asked for twice, or settled, spares it still.
 */
const sparedText = `CASE WHEN EXISTS (SELECT 1 FROM cut_offs c WHERE c.kind = $1 AND c.target_key = $2 AND c.spared_session <> $5
AND c.at_ms > COALESCE((SELECT auth_time_ms FROM sessions WHERE id = $5), 0)) THEN '' ELSE $5 END`

const insertText = 'INSERT INTO cut_offs (kind, target_key, at_ms, reason, set_by, set_at_ms, spared_session)'

const setAtText = `${insertText} VALUES ($1, $2, $6, $3, $4, store_now($7), ${sparedText}) ${conflictText}`

const highText = '(SELECT high_ms FROM store_clock WHERE id = 1)'
const setNowText = `${insertText} VALUES ($1, $2, ${highText}, $3, $4, ${highText}, ${sparedText}) ${conflictText}`

const readText = 'SELECT at_ms FROM cut_offs WHERE kind = $1 AND target_key = $2'

function keyOf(target: CutOffTarget): [string, string] {
  return [target.kind, cutOffKey(target)]
}

/**
 * The families a target can concern, each found by an index; of everyone, all of them. A grant's first family has the
 * grant's id, and only branches carry another: one condition for both would be found by none.
 */
export function wheresOfTarget(target: CutOffTarget): readonly Where[] {
  switch (target.kind) {
    case 'everyone':
      return [{ text: '', params: [] }]
    case 'client':
      return [{ text: 'f.client_id = $1', params: [target.clientId] }]
    case 'user':
      return [{ text: 'f.subject = $1', params: [target.subject] }]
    case 'session':
    case 'logout':
      return [{ text: 'f.session_id = $1', params: [target.sessionId] }]
    case 'grant': {
      const params = [target.grantId]
      return ['f.id = $1', 'f.grant_id = $1 AND f.grant_id <> f.id'].map(text => ({ text, params }))
    }
    case 'consent':
      return [{ text: 'f.subject = $1 AND f.client_id = $2', params: [target.subject, target.clientId] }]
  }
}

function recordedOf(row: Row): RecordedCutOff {
  const kind = textAt(row, 0) as CutOffTarget['kind']
  return {
    target: targetOf(kind, textAt(row, 1)),
    atMs: numberAt(row, 2),
    reason: textAt(row, 3),
    by: textAt(row, 4),
    setAtMs: numberAt(row, 5),
  }
}

/** The way back from `cutOffKey`. */
export function targetOf(kind: CutOffTarget['kind'], key: string): CutOffTarget {
  switch (kind) {
    case 'everyone':
      return { kind }
    case 'client':
      return { kind, clientId: key as ClientId }
    case 'user':
      return { kind, subject: key as Subject }
    case 'session':
    case 'logout':
      return { kind, sessionId: key as SessionId }
    case 'grant':
      return { kind, grantId: key as GrantId }
    case 'consent': {
      const space = key.indexOf(' ')
      return { kind, subject: key.slice(0, space) as Subject, clientId: key.slice(space + 1) as ClientId }
    }
  }
}
