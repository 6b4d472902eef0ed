/**
 * Devices that wait for a person. Each row is answered once: by a yes, which opens the family in the same transaction, or
 * by a no. The sweep takes it when its device code has run out.
 */

import type { ClientId, FamilyId } from '@pawl/family'
import {
  type AskedByDevice,
  type DeviceDecision,
  type DeviceRequest,
  type DeviceRequestStore,
  intervalSecondsMax,
  pollSlackMs,
  slowDownSeconds,
} from '../../domain/device/device-request.ts'
import { eventStatements } from './events.ts'
import { openStatement } from './families.ts'
import { bytesAt, numberAt, type Row, type Sql, textAt, textOrNullAt, type Value } from './sql.ts'
import type { Sweeper } from './sweep.ts'

export function sqlDeviceRequests(sql: Sql, sweeper: Sweeper): DeviceRequestStore {
  const find = async (text: string, param: string) => {
    const [row] = await sql.read({ text, params: [param] })
    return row === undefined ? null : requestOf(row)
  }
  const guarded = (id: FamilyId, text: string, params: readonly Value[]) =>
    sql.write({ about: id, guard: { text, params }, statements: [] })

  return {
    add: request => guarded(request.id, addText, valuesOf(request)),
    read: id => find(readText, id),
    findByUserCode: userCodeKey => find(findText, userCodeKey),
    claim: (id, browserHash, nowMs) => guarded(id, claimText, [browserHash, id, nowMs]),
    poll: async (id, nowMs) => {
      if ((await guarded(id, pollText, [nowMs - pollSlackMs, id, nowMs])) === 'done') return true
      await guarded(id, slowDownText, [slowDownSeconds, id, intervalSecondsMax])
      return false
    },
    approve: async (family, events) => {
      const guard = { text: decideText, params: ['approved', family.id] }
      const statements = [openStatement(family), ...eventStatements(events)]
      const outcome = await sql.write({ about: family.id, guard, statements, mark: family })
      if (outcome === 'done') sweeper.opened()
      return outcome
    },
    deny: (id, events) => {
      const guard = { text: decideText, params: ['denied', id] }
      return sql.write({ about: id, guard, statements: eventStatements(events) })
    },
  }
}

const addText = `INSERT INTO device_requests
(id, client_id, seed, key_id, user_code_key, asked, claimed_by, decision, interval_seconds, created_ms, expires_ms, next_poll_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) ON CONFLICT DO NOTHING`
const readText = `SELECT id, client_id, seed, key_id, user_code_key, asked, claimed_by, decision, interval_seconds, created_ms,
expires_ms FROM device_requests WHERE id = $1`
const findText = `SELECT id, client_id, seed, key_id, user_code_key, asked, claimed_by, decision, interval_seconds, created_ms,
expires_ms FROM device_requests WHERE user_code_key = $1`
const claimText = `UPDATE device_requests SET claimed_by = $1
WHERE id = $2 AND (claimed_by IS NULL OR claimed_by = $1) AND decision = 'pending' AND expires_ms > $3`
const pollText = `UPDATE device_requests SET next_poll_ms = $1 + interval_seconds * 1000
WHERE id = $2 AND next_poll_ms <= $3`
/** Counts from the poll that came in time, so that who asks too often is still heard now and then. */
const slowDownText = `UPDATE device_requests SET next_poll_ms = next_poll_ms + $1 * 1000,
interval_seconds = interval_seconds + $1 WHERE id = $2 AND interval_seconds + $1 <= $3`
const decideText = "UPDATE device_requests SET decision = $1 WHERE id = $2 AND decision = 'pending'"

function valuesOf(request: DeviceRequest): Value[] {
  return [
    request.id,
    request.clientId,
    request.seed,
    request.keyId,
    request.userCodeKey,
    JSON.stringify(request.asked),
    request.claimedBy,
    request.decision,
    request.intervalSeconds,
    request.createdAtMs,
    request.expiresAtMs,
  ]
}

function requestOf(row: Row): DeviceRequest {
  return {
    id: textAt(row, 0) as FamilyId,
    clientId: textAt(row, 1) as ClientId,
    seed: bytesAt(row, 2),
    keyId: numberAt(row, 3),
    userCodeKey: textAt(row, 4),
    asked: JSON.parse(textAt(row, 5)) as AskedByDevice,
    claimedBy: textOrNullAt(row, 6),
    decision: textAt(row, 7) as DeviceDecision,
    intervalSeconds: numberAt(row, 8),
    createdAtMs: numberAt(row, 9),
    expiresAtMs: numberAt(row, 10),
  }
}
