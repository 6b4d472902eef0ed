/** Pushed requests, each found by its id alone; the sweep takes the rows once nothing can go on with them. */

import type { ClientId } from '@pawl/family'
import type { PushedRequest, PushedRequestStore } from '../../domain/pushed-request/pushed-request.ts'
import { always, numberAt, type Row, type Sql, textAt } from './sql.ts'

export function sqlPushedRequests(sql: Sql): PushedRequestStore {
  return {
    save: async ({ id, clientId, request, opensUntilMs, expiresAtMs }) => {
      const params = [id, clientId, request, opensUntilMs, expiresAtMs]
      await sql.write(always([{ text: saveText, params }]))
    },
    read: async id => {
      const [row] = await sql.read({ text: readText, params: [id] })
      return row === undefined ? null : pushedOf(row)
    },
    keep: async (id, untilMs) => {
      await sql.write(always([{ text: keepText, params: [untilMs, id] }]))
    },
    close: async id => {
      await sql.write(always([{ text: closeText, params: [id] }]))
    },
  }
}

const saveText = `INSERT INTO pushed_requests (id, client_id, request, opens_until_ms, expires_ms)
VALUES ($1, $2, $3, $4, $5)`
const readText = `SELECT id, client_id, request, opens_until_ms, expires_ms FROM pushed_requests WHERE id = $1`
const keepText = 'UPDATE pushed_requests SET expires_ms = $1 WHERE id = $2 AND expires_ms < $1'
const closeText = 'UPDATE pushed_requests SET opens_until_ms = 0 WHERE id = $1'

function pushedOf(row: Row): PushedRequest {
  return {
    id: textAt(row, 0),
    clientId: textAt(row, 1) as ClientId,
    request: textAt(row, 2),
    opensUntilMs: numberAt(row, 3),
    expiresAtMs: numberAt(row, 4),
  }
}
