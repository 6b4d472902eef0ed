/** Counters that are the same for every process: one statement counts and answers, so no two charges see one number. */

import type { ThrottleStore } from '../../domain/throttle/throttle-store.ts'
import { always, numberAt, type Sql } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlThrottles(sql: Sql, clock: StoreClock): ThrottleStore {
  return {
    charge: async (key, windowSeconds) => {
      const nowMs = await readNowMs(sql, clock)
      const params = [key, nowMs + windowSeconds * 1000, nowMs]
      const rows = await sql.writeReturning({ text: chargeText, params })
      const row = rows[0]
      if (row === undefined) throw new TypeError('a charge answered nothing')
      return { count: numberAt(row, 0), windowEndsAtMs: numberAt(row, 1) }
    },
    refund: async key => {
      await sql.write(always([{ text: refundText, params: [key] }]))
    },
    look: async key => {
      const nowMs = await readNowMs(sql, clock)
      const [row] = await sql.read({ text: lookText, params: [key, nowMs] })
      return row === undefined ? null : { count: numberAt(row, 0), windowEndsAtMs: numberAt(row, 1) }
    },
  }
}

/** A window that is over begins again with this charge. */
const chargeText = `INSERT INTO throttles (throttle_key, charges, window_ends_ms) VALUES ($1, 1, $2)
ON CONFLICT (throttle_key) DO UPDATE SET
charges = CASE WHEN throttles.window_ends_ms <= $3 THEN 1 ELSE throttles.charges + 1 END,
window_ends_ms = CASE WHEN throttles.window_ends_ms <= $3 THEN excluded.window_ends_ms ELSE throttles.window_ends_ms END
RETURNING charges, window_ends_ms`

const refundText = 'UPDATE throttles SET charges = charges - 1 WHERE throttle_key = $1 AND charges > 0'

const lookText = 'SELECT charges, window_ends_ms FROM throttles WHERE throttle_key = $1 AND window_ends_ms > $2'
