/** The audit log. Everything that writes an event in its own transaction takes the statement from here (I12). */

import type { ClientId, FamilyId, SessionId, Subject } from '@pawl/family'
import {
  type AuditEvent,
  detailBytesMax,
  type EventDetail,
  type EventKind,
  type EventStore,
  type RecordedEvent,
} from '../../domain/event/event.ts'
import type { EventId, RequestId } from '../../domain/identifiers.ts'
import { always, numberAt, type Row, type Sql, type Statement, textAt, textOrNullAt, type Value } from './sql.ts'

/** All three lists give the newest first. */
export function sqlEvents(sql: Sql): EventStore {
  async function select(where: string, params: readonly Value[]): Promise<readonly RecordedEvent[]> {
    const text = `SELECT ${columns} FROM events ${where} ORDER BY at_ms DESC, id DESC LIMIT $${params.length}`
    const rows = await sql.read({ text, params })
    return rows.map(eventOf)
  }

  return {
    record: async events => {
      if (events.length > 0) await sql.write(always(eventStatements(events)))
    },
    ofFamily: (familyId, limit) => select('WHERE family_id = $1', [familyId, limit]),
    ofRequest: (requestId, limit) => select('WHERE request_id = $1', [requestId, limit]),
    latest: limit => select('', [limit]),
  }
}

/** Throws where an event says more than it may: the log's rows are bounded, and nothing is cut off silently. */
export function eventStatements(events: readonly AuditEvent[]): Statement[] {
  return events.map(event => {
    const detail = JSON.stringify(event.detail)
    if (Buffer.byteLength(detail) > detailBytesMax) {
      throw new RangeError(`the detail of a ${event.kind} event is longer than ${detailBytesMax} bytes`)
    }
    const { id, kind, atMs, requestId, familyId, clientId, subject, sessionId } = event
    return { text: insertText, params: [id, kind, atMs, requestId, familyId, clientId, subject, sessionId, detail] }
  })
}

const columns = 'id, kind, at_ms, request_id, family_id, client_id, subject, session_id, detail, times, last_at_ms'

/** A counted id that is there already is counted up: its first telling stays as it was. */
const insertText = `INSERT INTO events (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $3)
ON CONFLICT (id) DO UPDATE SET times = events.times + 1,
last_at_ms = CASE WHEN events.last_at_ms < excluded.at_ms THEN excluded.at_ms ELSE events.last_at_ms END`

function eventOf(row: Row): RecordedEvent {
  return {
    id: textAt(row, 0) as EventId,
    kind: textAt(row, 1) as EventKind,
    atMs: numberAt(row, 2),
    requestId: textOrNullAt(row, 3) as RequestId | null,
    familyId: textOrNullAt(row, 4) as FamilyId | null,
    clientId: textOrNullAt(row, 5) as ClientId | null,
    subject: textOrNullAt(row, 6) as Subject | null,
    sessionId: textOrNullAt(row, 7) as SessionId | null,
    detail: JSON.parse(textAt(row, 8)) as EventDetail,
    count: numberAt(row, 9),
    lastAtMs: numberAt(row, 10),
  }
}
