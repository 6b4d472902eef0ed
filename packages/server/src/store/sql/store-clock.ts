/**
 * The store's time: the later of this machine's clock, the highest time any process ever stored and the highest time
 * seen here. It never goes back, whatever the machine's clock does and whoever wrote last. Every batch of writes stores
 * it. The same row keeps the last interruptions: times in which the store answered nobody.
 */

import type { Interruption } from '@pawl/family'
import type { Clock } from '../../domain/time.ts'
import { numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'

/** A pause shorter than this is a restart, not an interruption: no window needs to be opened again for it. */
export const interruptionMsMin = 10_000
/** A server that keeps falling over interrupts again and again, and each time may cut short what the last one left. */
export const interruptionsKeptMax = 8

export interface StoreClock {
  /** Takes in the stored time of a row just read and answers the store's time. */
  readonly nowMs: (storedHighMs: number) => number
  /** The interruptions to judge by, the oldest first, from the clock's row (`clockColumns`) as it was just read. */
  readonly interruptions: (row: Row, at: number, nowMs: number) => readonly Interruption[]
  /** What every batch writes first. */
  readonly stamps: (batchId: string) => readonly Statement[]
  /** To be called once a batch with these stamps is durable. */
  readonly stamped: () => void
}

/** `interruptions` and `nowMs` read these two, in this order. */
export const clockColumns = 'c.high_ms, c.interruptions'

/**
 * `storedHighMs` is the stored time at the moment of opening. Whether there was an interruption is settled then: a
 * store that is open and has nothing to write is idle, not interrupted.
 */
export function openStoreClock(clock: Clock, storedHighMs: number): StoreClock {
  let highMs = storedHighMs
  const kept = interruptionReader()
  let resumes = storedHighMs > 0 && clock.nowMs() - storedHighMs > interruptionMsMin

  function nowMs(storedMs: number): number {
    highMs = Math.max(highMs, storedMs, clock.nowMs())
    return highMs
  }

  return {
    nowMs,
    interruptions: (row, at, now) => {
      const storedMs = numberAt(row, at)
      const known = kept(textAt(row, at + 1))
      // The first write after an interruption ends it. Until then it ends now, whenever that is.
      if (resumes && now - storedMs > interruptionMsMin) return [...known, { beganAtMs: storedMs, endedAtMs: now }]
      return known
    },
    stamps: batchId => {
      const now = nowMs(0)
      const time = { text: stampText, params: [now, batchId] }
      return resumes
        ? [{ text: resumeText, params: [now - interruptionMsMin, String(now), keptCharacters] }, time]
        : [time]
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
const resumeText = `UPDATE store_clock SET
interruptions = substr(CAST(high_ms AS TEXT) || '-' || $2 || ' ' || interruptions, 1, $3)
WHERE id = 1 AND high_ms < $1`

/** `began-ended`, the newest first. An instant has 13 digits until the year 2286, so a text that is cut ends with a pair. */
const pairPattern = /(\d{13})-(\d{13}) /g
const pairCharacters = 28
const keptCharacters = interruptionsKeptMax * pairCharacters

/** Reads the kept text. It hardly ever changes, so what it said last is remembered. */
function interruptionReader(): (text: string) => readonly Interruption[] {
  let lastText = ''
  let last: readonly Interruption[] = []
  return text => {
    if (text === lastText) return last
    const pairs = [...text.matchAll(pairPattern)].reverse()
    last = pairs.map(([, began, ended]) => ({ beganAtMs: Number(began), endedAtMs: Number(ended) }))
    lastText = text
    return last
  }
}
