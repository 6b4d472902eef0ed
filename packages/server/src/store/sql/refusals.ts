/**
 * The ring of refusals. Each takes the next running number and the slot that number names, so the table never has more
 * than `refusalsKeptMax` rows, whoever writes.
 */

import type { ClientId, FamilyId } from '@pawl/family'
import { type Refusal, type RefusalStore, refusalsKeptMax, refusalsKeptSeconds } from '../../domain/event/refusal.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import { always, numberAt, numberOrNullAt, type Row, type Sql, type Statement, textAt, textOrNullAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlRefusals(sql: Sql, clock: StoreClock): RefusalStore {
  return {
    record: async refusals => {
      if (refusals.length > 0) await sql.write(always(refusals.flatMap(refusalStatements)))
    },
    ofRequest: async requestId => {
      const keptFromMs = (await readNowMs(sql, clock)) - refusalsKeptSeconds * 1000
      const rows = await sql.read({ text: readText, params: [requestId, keptFromMs] })
      const row = rows[0]
      return row === undefined ? null : refusalOf(row)
    },
  }
}

const columns = 'request_id, at_ms, endpoint, code, detail, client_id, family_id, generation, address'
const countText = "UPDATE counters SET value = value + 1 WHERE name = 'refusals'"
const insertText = `INSERT INTO refusals (slot, ${columns})
VALUES ((SELECT value % $10 FROM counters WHERE name = 'refusals'), $1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (slot) DO UPDATE SET request_id = excluded.request_id, at_ms = excluded.at_ms,
endpoint = excluded.endpoint, code = excluded.code, detail = excluded.detail, client_id = excluded.client_id,
family_id = excluded.family_id, generation = excluded.generation, address = excluded.address`
const readText = `SELECT ${columns} FROM refusals WHERE request_id = $1 AND at_ms >= $2 ORDER BY at_ms DESC LIMIT 1`

function refusalStatements(refusal: Refusal): Statement[] {
  const { requestId, atMs, endpoint, code, detail, clientId, familyId, generation, address } = refusal
  const params = [requestId, atMs, endpoint, code, detail, clientId, familyId, generation, address, refusalsKeptMax]
  return [
    { text: countText, params: [] },
    { text: insertText, params },
  ]
}

function refusalOf(row: Row): Refusal {
  return {
    requestId: textAt(row, 0) as RequestId,
    atMs: numberAt(row, 1),
    endpoint: textAt(row, 2),
    code: textAt(row, 3),
    detail: textAt(row, 4),
    clientId: textOrNullAt(row, 5) as ClientId | null,
    familyId: textOrNullAt(row, 6) as FamilyId | null,
    generation: numberOrNullAt(row, 7),
    address: textAt(row, 8),
  }
}
