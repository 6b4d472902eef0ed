/**
 * The store's time: the later of the database's own clock, the highest time any process ever stored and the highest time
 * seen here. It never goes back, whatever a clock does and whoever wrote last. An embedded database has no clock; there
 * this machine's takes its place. The row that stores it keeps the last interruptions too: times in which the store
 * answered nobody.
 *
 * In the statements `store_now(x)` stands for the later of x and the database's own time; where the database has none it
 * is x itself. A process never runs ahead of that time, because all it knows of it are answers.
 */

import type { Interruption } from '@pawl/family'
import type { Clock } from '../../domain/time.ts'
import { numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'

/** A pause shorter than this is a restart, not an interruption: no window needs to be opened again for it. */
export const interruptionMsMin = 10_000
/** A server that keeps falling over interrupts again and again, and each time may cut short what the last one left. */
export const interruptionsKeptMax = 8

export interface StoreClock {
  /** Takes in a time just read from the database and answers the store's time. */
  readonly nowMs: (readMs: number) => number
  /** The interruptions to judge by, the oldest first, from the clock's row (`clockColumns`) as it was just read. */
  readonly interruptions: (row: Row, at: number, nowMs: number) => readonly Interruption[]
  /** What stores the time, and the end of an interruption with it. */
  readonly stamps: (batchId: string) => readonly Statement[]
  /** To be called once these stamps are durable. */
  readonly stamped: () => void
  /** What makes the store's time, inside a transaction, later than whatever anybody was told before. */
  readonly raises: () => readonly Statement[]
  /** The same, where the cut-off of this kind and key stands on a time that has been told since. */
  readonly raisesOver: (kind: string, key: string) => Statement
}

/** `interruptions` reads the first two, in this order; the last is the store's time. */
export const clockColumns = 'c.high_ms, c.interruptions, store_now(c.high_ms)'
export const clockColumnsCount = 3

/**
 * Who may take a silence of the stored time for an interruption. `opening`: whoever opens the store and finds it; a
 * store that is open and has nothing to write is idle. `anybody`: where every process that lives and has written lately
 * stores the time well within `interruptionMsMin`, writes or none, a longer silence is an interruption whoever finds it.
 */
export type SilenceRule = 'opening' | 'anybody'

/** `storedHighMs` is the stored time at the moment of opening. */
export function openStoreClock(clock: Clock, storedHighMs: number, rule: SilenceRule = 'opening'): StoreClock {
  let highMs = storedHighMs
  const kept = interruptionReader()
  let resumes = rule === 'anybody' || clock.nowMs() - storedHighMs > interruptionMsMin

  function nowMs(readMs: number): number {
    highMs = Math.max(highMs, readMs, clock.nowMs())
    return highMs
  }

  function withResume(now: number, statement: Statement): readonly Statement[] {
    if (!resumes) return [statement]
    const found = rule === 'opening' ? storedHighMs : Number.MAX_SAFE_INTEGER
    return [{ text: resumeText, params: [now, interruptionMsMin, keptCharacters, found] }, statement]
  }

  return {
    nowMs,
    interruptions: (row, at, now) => {
      const storedMs = numberAt(row, at)
      const known = kept(textAt(row, at + 1))
      // Somebody who opened the store as late has written since, and with that the interruption was over for all.
      if (rule === 'opening' && storedMs > storedHighMs) resumes = false
      // The first write after an interruption ends it. Until then it ends now, whenever that is.
      const isOpen = resumes && storedMs > 0 && now - storedMs > interruptionMsMin
      return isOpen ? [...known, { beganAtMs: storedMs, endedAtMs: now }] : known
    },
    stamps: batchId => {
      const now = nowMs(0)
      return withResume(now, { text: stampText, params: [now, batchId] })
    },
    stamped: () => {
      resumes = rule === 'anybody'
    },
    raises: () => {
      const now = nowMs(0)
      return withResume(now, { text: raiseText, params: [now] })
    },
    raisesOver: (kind, key) => ({ text: raiseOverText, params: [nowMs(0), kind, key] }),
  }
}

/** The store's time, read. */
export async function readNowMs(sql: Sql, clock: StoreClock): Promise<number> {
  const rows = await sql.read({ text: 'SELECT store_now(high_ms) FROM store_clock WHERE id = 1', params: [] })
  const row = rows[0]
  if (row === undefined) throw new TypeError('the row of store_clock is missing')
  return clock.nowMs(numberAt(row, 0))
}

/**
 * Changes nothing and is a write: once it is acknowledged, everything that its transaction found is durable too. What is
 * added to it says what must be found. PostgreSQL shows what a COMMIT waits for when its connection is ended. SQLite shows
 * nothing that is not flushed, but for what was being flushed when its process died: whoever opens the file next finds it
 * in the log.
 */
export const touchText = 'UPDATE store_clock SET high_ms = high_ms WHERE id = 1'

/** The time is asked for once: a clock that is set back between two looks must not take the stored time back with it. */
const laterText = `(SELECT CASE WHEN store_clock.high_ms < t.now_ms THEN t.now_ms ELSE store_clock.high_ms END
FROM (SELECT store_now($1) AS now_ms) AS t)`

const stampText = `UPDATE store_clock SET high_ms = ${laterText}, batch_id = $2 WHERE id = 1`

const raiseText = `UPDATE store_clock SET high_ms = ${laterText} + 1 WHERE id = 1`

const raiseOverText = `UPDATE store_clock SET high_ms = ${laterText} + 1 WHERE id = 1
AND EXISTS (SELECT 1 FROM cut_offs WHERE kind = $2 AND target_key = $3 AND at_ms <= store_now($1))`

/**
 * Where another process came back first, this changes nothing: the stored time is recent by now, or at least it is no
 * longer the one that was found at opening.
 */
const resumeText = `UPDATE store_clock SET interruptions =
substr(CAST(high_ms AS TEXT) || '-' || CAST(CAST(store_now($1) AS BIGINT) AS TEXT) || ' ' || interruptions, 1, $3)
WHERE id = 1 AND high_ms > 0 AND high_ms < store_now($1) - $2 AND high_ms <= $4`

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
