/** Notices and deliveries. Every move is a compare-and-set, so any number of couriers may work here at once. */

import type { ClientId, FamilyId, SessionId, Subject } from '@pawl/family'
import { cutOffKey } from '../../domain/cut-off/cut-off.ts'
import {
  type ChannelName,
  type Delivery,
  type DeliveryState,
  type Notice,
  type NoticeTarget,
  type OutboxStore,
  restingMax,
} from '../../domain/outbox/outbox.ts'
import { targetOf } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { numberAt, numberOrNullAt, type Row, type Sql, type Statement, textAt, textOrNullAt } from './sql.ts'

export function sqlOutbox(sql: Sql): OutboxStore {
  return {
    notices: async limit => {
      const rows = await sql.read({ text: noticesText, params: [limit] })
      return rows.map(noticeOf)
    },
    spread: async (notice, deliveries, after, events) => {
      const statements = [...deliveries.map(addStatement), ...eventStatements(events)]
      return sql.write({ about: aboutNotice(notice), guard: moveStatement(notice, after), statements })
    },
    countPending: async limit => {
      const [row] = await sql.read({ text: countText, params: [limit] })
      return row === undefined ? 0 : numberAt(row, 0)
    },
    due: async (nowMs, resting, limit) => {
      const left = Array.from({ length: restingMax }, (_, at) => resting[at] ?? '')
      const rows = await sql.read({ text: dueText, params: [nowMs, limit, ...left] })
      return rows.map(deliveryOf)
    },
    claim: async ({ id, attempts }, untilMs) => {
      const guard = { text: claimText, params: [untilMs, id, attempts] }
      return sql.write({ about: id, guard, statements: [] })
    },
    settle: async (delivery, events) => {
      const { id, state, attempts, nextAtMs, lastAtMs, lastResult } = delivery
      const guard = { text: settleText, params: [state, nextAtMs, lastAtMs, lastResult, id, attempts] }
      return sql.write({ about: id, guard, statements: eventStatements(events) })
    },
    list: async (state, limit) => {
      const rows =
        state === null
          ? await sql.read({ text: `${selectText} ORDER BY created_ms DESC, id LIMIT $1`, params: [limit] })
          : await sql.read({ text: listText, params: [state, limit] })
      return rows.map(deliveryOf)
    },
  }
}

const noticesText = `SELECT kind, target_key, reason, at_ms, after_family, version FROM notices
ORDER BY at_ms, kind, target_key LIMIT $1`
const onText = `UPDATE notices SET after_family = $1, version = version + 1
WHERE kind = $2 AND target_key = $3 AND version = $4`
const awayText = 'DELETE FROM notices WHERE kind = $1 AND target_key = $2 AND version = $3'

const columns = `id, channel, client_id, subject, session_id, reason, created_ms, state, attempts, next_ms, last_ms,
last_result`
const selectText = `SELECT ${columns} FROM deliveries`
const addText = `INSERT INTO deliveries (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING`
const countText = `SELECT COUNT(*) FROM (SELECT id FROM deliveries WHERE state = 'pending' LIMIT $1) AS p`
const dueText = `${selectText} WHERE state = 'pending' AND next_ms <= $1
AND client_id NOT IN (${Array.from({ length: restingMax }, (_, at) => `$${at + 3}`).join(', ')})
ORDER BY next_ms, id LIMIT $2`
const listText = `${selectText} WHERE state = $1 ORDER BY next_ms DESC, id LIMIT $2`

const claimText = `UPDATE deliveries SET attempts = attempts + 1, next_ms = $1
WHERE id = $2 AND attempts = $3 AND state = 'pending'`
const settleText = `UPDATE deliveries SET state = $1, next_ms = $2, last_ms = $3, last_result = $4
WHERE id = $5 AND attempts = $6 AND state = 'pending'`

function moveStatement(notice: Notice, after: FamilyId | null): Statement {
  const key = [notice.target.kind, cutOffKey(notice.target)]
  if (after === null) return { text: awayText, params: [...key, notice.version] }
  return { text: onText, params: [after, ...key, notice.version] }
}

function addStatement(delivery: Delivery): Statement {
  const { id, channel, clientId, subject, sessionId, reason, createdAtMs } = delivery
  const { state, attempts, nextAtMs, lastAtMs, lastResult } = delivery
  const about = [id, channel, clientId, subject, sessionId, reason, createdAtMs]
  return { text: addText, params: [...about, state, attempts, nextAtMs, lastAtMs, lastResult] }
}

function aboutNotice({ target }: Notice): string {
  return `notice ${target.kind} ${cutOffKey(target)}`
}

function noticeOf(row: Row): Notice {
  return {
    target: targetOf(textAt(row, 0) as NoticeTarget['kind'], textAt(row, 1)) as NoticeTarget,
    reason: textAt(row, 2),
    atMs: numberAt(row, 3),
    after: textOrNullAt(row, 4) as FamilyId | null,
    version: numberAt(row, 5),
  }
}

function deliveryOf(row: Row): Delivery {
  return {
    id: textAt(row, 0),
    channel: textAt(row, 1) as ChannelName,
    clientId: textAt(row, 2) as ClientId,
    subject: textAt(row, 3) as Subject,
    sessionId: textOrNullAt(row, 4) as SessionId | null,
    reason: textAt(row, 5),
    createdAtMs: numberAt(row, 6),
    state: textAt(row, 7) as DeliveryState,
    attempts: numberAt(row, 8),
    nextAtMs: numberAt(row, 9),
    lastAtMs: numberOrNullAt(row, 10),
    lastResult: textOrNullAt(row, 11),
  }
}
