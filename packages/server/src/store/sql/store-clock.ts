/**
 * The store's time: the later of this machine's clock, the highest time any process ever stored and the highest time
 * seen here. It never goes back, whatever the machine's clock does and whoever wrote last. Every batch of writes stores
 * it. The same row keeps the last interruption: the time in which the store answered nobody.
 */

import type { Interruption } from '@pawl/family'
import type { Clock } from '../../domain/time.ts'
import { numberAt, numberOrNullAt, type Row, type Sql, type Statement } from './sql.ts'

/** A pause shorter than this is a restart, not an interruption: no window needs to be opened again for it. */
export const interruptionMsMin = 10_000

export interface StoreClock {
  /** Takes in the stored time of a row just read and answers the store's time. */
  readonly nowMs: (storedHighMs: number) => number
  /** The interruption to judge by, from the clock's row (`clockColumns`) as it was just read. */
  readonly interruption: (row: Row, at: number, nowMs: number) => Interruption | null
  /** What every batch writes first. */
  readonly stamps: (batchId: string) => readonly Statement[]
  /** To be called once a batch with these stamps is durable. */
  readonly stamped: () => void
}

/** `interruption` and `nowMs` read these three, in this order. */
export const clockColumns = 'c.high_ms, c.interrupted_ms, c.resumed_ms'

/**
 * `storedHighMs` is the stored time at the moment of opening. Whether there was an interruption is settled then: a
 * store that is open and has nothing to write is idle, not interrupted.
 */
export function openStoreClock(clock: Clock, storedHighMs: number): StoreClock {
  let highMs = storedHighMs
  let resumes = storedHighMs > 0 && clock.nowMs() - storedHighMs > interruptionMsMin

  function nowMs(storedMs: number): number {
    highMs = Math.max(highMs, storedMs, clock.nowMs())
    return highMs
  }

  return {
    nowMs,
    interruption: (row, at, now) => {
      const storedMs = numberAt(row, at)
      // The first write after an interruption ends it. Until then it ends now, whenever that is.
      if (resumes && now - storedMs > interruptionMsMin) return { beganAtMs: storedMs, endedAtMs: now }
      const beganAtMs = numberOrNullAt(row, at + 1)
      const endedAtMs = numberOrNullAt(row, at + 2)
      return beganAtMs === null || endedAtMs === null ? null : { beganAtMs, endedAtMs }
    },
    stamps: batchId => {
      const now = nowMs(0)
      const time = { text: stampText, params: [now, batchId] }
      return resumes ? [{ text: resumeText, params: [now - interruptionMsMin, now] }, time] : [time]
    },
    stamped: () => {
      resumes = false
    },
  }
}

/** The store's time, read. */
export async function readNowMs(sql: Sql, clock: StoreClock): Promise<number> {
  const rows = await sql.read({ text: 'SELECT high_ms FROM store_clock WHERE id = 1', params: [] })
  const row = rows[0]
  if (row === undefined) throw new TypeError('the row of store_clock is missing')
  return clock.nowMs(numberAt(row, 0))
}

const stampText = `UPDATE store_clock SET high_ms = CASE WHEN high_ms < $1 THEN $1 ELSE high_ms END, batch_id = $2
WHERE id = 1`

/** Where another process came back first, the stored time is recent by now and this changes nothing. */
const resumeText = `UPDATE store_clock SET interrupted_ms = high_ms, resumed_ms = $2
WHERE id = 1 AND high_ms < $1`
