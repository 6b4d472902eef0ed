/**
 * Rows that are over leave by themselves; nobody has to remember a cron job. There is no index over what moves, so dead
 * families are found by walking the table in id order, a page at a time, from a cursor that goes round.
 *
 * Why the table stays in proportion to what lives: every opening pays for looking at `rowsPerOpening` = 3 rows. One
 * round over n rows therefore ends within n/3 openings, so when it ends at most a third of the rows are newer than the
 * look at them, and every older row that was over at its look is gone: n ≤ (living + kept) · 3/2, where `kept` is
 * what ended in the last `overKeptSeconds`. Steps pay a little too (`rowsPerStep`), so that what one cut-off ended also
 * goes where nobody signs in. Consents to clients that are gone are found the same way, each new one paying for a look at
 * as many rows; and so are marks, `rowsPerWrite` = 4 looked at for every write, each of which may have brought one:
 * n ≤ living · 4/3. The other tables have an index on the time they end, and every write pays for the deletion of as many
 * rows of each, which is more than it can have added. Where writes come faster than they are swept behind, what is due
 * adds up and is done next.
 */

import { type CutOffs, cutOffOf, expiresAtMs } from '@pawl/family'
import { refusalsKeptSeconds } from '../../domain/event/refusal.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { deliveryAgeSecondsMax } from '../../domain/outbox/outbox.ts'
import { idleClientKeptSeconds } from '../../domain/registration/registration-store.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { sweepConsents } from './consent-sweep.ts'
import { readFamilies, readingOf } from './family-scan.ts'
import { sweepMarks } from './marks.ts'
import { forgetOrKeep, overdueClients } from './registrations.ts'
import { always, type Sql, type Statement, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

/** No access token lives longer, so none of a family that was over this long ago is alive. */
export const accessTokenSecondsMax = 3600
/** For the clocks of resource servers, and for an operator who looks at what just ended. */
const slackSeconds = 3600
export const overKeptSeconds = accessTokenSecondsMax + slackSeconds
/**
 * Longer than any session or family can live, counted from the day the cut-off was set: then whatever was there that day
 * has run out, and nothing is left that could come back. What its moment says does not count: a family opened long after
 * the sign-in that it stands on outlives that moment by more.
 */
export const cutOffsKeptSeconds = 400 * 86_400
export const eventsKeptSeconds = 400 * 86_400
/**
 * A proof is judged before its mark is taken. One that came in its last moment may be on its way still when its time is
 * over, and must find the mark of who came before.
 */
export const markSlackSeconds = 60
/** A courier gives a notice up a day before, with an event; where none ever runs, it leaves with this. */
export const noticesKeptSeconds = 2 * deliveryAgeSecondsMax

const rowsPerOpening = 3
const rowsPerStep = 1 / 16
const pageRowsMin = 64
const pageRowsMax = 1024
const rowsPerWrite = 4
const writesPerTidying = 256
/** So that what adds up does not become one long transaction. */
const writesPerTidyingMax = 2048

export interface Sweeper {
  /** A family was opened. */
  readonly opened: () => void
  /** A step was saved. */
  readonly stepped: () => void
  /** So many rows of a consent were saved. */
  readonly consented: (rows: number) => void
  /** Something else was written. */
  readonly wrote: () => void
  /** Resolves when no sweep is under way. */
  readonly rest: () => Promise<void>
  /** Throws what the last sweep failed of, other than the store being away. */
  readonly complain: () => void
}

/** A table that is walked in the order of its key. */
interface Walk {
  rowsDue: number
  /** It is not gone on for fewer. */
  readonly rowsMin: number
  /** The key of the row that was looked at last; empty texts before the first. */
  cursor: readonly string[]
  /** Looks at the next rows, takes the dead ones away and answers where to go on. */
  readonly look: (after: readonly string[], limit: number) => Promise<readonly string[]>
}

export function createSweeper(sql: Sql, clock: StoreClock): Sweeper {
  const families = walkOf(pageRowsMin, [''], ([after = ''], limit) => sweepFamilies(sql, clock, after, limit))
  const consents = walkOf(pageRowsMin, ['', '', ''], (after, limit) => sweepConsents(sql, after, limit))
  const marks = walkOf(pageRowsMax, [''], ([after = ''], limit) => sweepOldMarks(sql, clock, after, limit))
  let writesSinceTidying = 0
  let running: Promise<void> | null = null
  let failure: Error | null = null

  function earn(rows: number, walk: Walk = families): void {
    walk.rowsDue += rows
    marks.rowsDue += rowsPerWrite
    writesSinceTidying += 1
    if (running !== null || (walk.rowsDue < pageRowsMin && writesSinceTidying < writesPerTidying)) return
    running = sweep()
      .then(() => {
        failure = null
      })
      .catch(error => {
        // While the store is away nothing grows either; the next write that succeeds starts another sweep.
        if (!(error instanceof StoreUnavailable)) failure = new Error('a sweep of the store failed', { cause: error })
      })
      .finally(() => {
        running = null
      })
  }

  async function sweep(): Promise<void> {
    await goOn(families)
    await goOn(consents)
    await goOn(marks)
    while (writesSinceTidying >= writesPerTidying) {
      const writes = Math.min(writesSinceTidying, writesPerTidyingMax)
      writesSinceTidying -= writes
      await tidy(sql, clock, writes)
    }
  }

  return {
    opened: () => earn(rowsPerOpening),
    stepped: () => earn(rowsPerStep),
    consented: rows => earn(rows * rowsPerOpening, consents),
    wrote: () => earn(0),
    rest: async () => {
      while (running !== null) await running
    },
    complain: () => {
      if (failure !== null) throw failure
    },
  }
}

function walkOf(rowsMin: number, cursor: readonly string[], look: Walk['look']): Walk {
  return { rowsDue: 0, rowsMin, cursor, look }
}

async function goOn(walk: Walk): Promise<void> {
  while (walk.rowsDue >= walk.rowsMin) {
    const limit = Math.min(Math.floor(walk.rowsDue), pageRowsMax)
    walk.rowsDue -= limit
    walk.cursor = await walk.look(walk.cursor, limit)
  }
}

/** Looks at the next rows and deletes the dead ones that have not moved since. Answers where to go on. */
async function sweepFamilies(sql: Sql, clock: StoreClock, after: string, limit: number): Promise<readonly string[]> {
  const rows = await readFamilies(sql, { text: '', params: [] }, after, limit)
  const readings = rows.map(row => readingOf(row, clock))
  const deletions = readings
    .filter(isDead)
    .map(({ family }) => ({ text: deadFamilyText, params: [family.id, family.stepId] }))
  if (deletions.length > 0) await sql.write(always(deletions))
  return [rows.length < limit ? '' : (readings.at(-1)?.family.id ?? '')]
}

/** A family that has not moved since it was found dead. An engine may take many of them in one statement. */
export const deadFamilyText = 'DELETE FROM families WHERE id = $1 AND step_id = $2'

function isDead(reading: FamilyReading): boolean {
  return overSinceMs(reading) + overKeptSeconds * 1000 <= reading.nowMs
}

/** When the family ended, was cut off or ran out: an instant in the future while it lives. */
function overSinceMs({ family, cutOffs }: FamilyReading): number {
  if (family.end !== null) return family.end.atMs
  const expiryMs = expiresAtMs(family)
  return cutOffOf(family, cutOffs) === null ? expiryMs : Math.min(expiryMs, latestOf(cutOffs))
}

/** Never earlier than the cut-off that ended the family: one that does not concern it may only keep it longer. */
function latestOf(cutOffs: CutOffs): number {
  const { everyoneMs, clientMs, userMs, sessionMs, logoutMs, grantMs, consentMs } = cutOffs
  return Math.max(everyoneMs, clientMs, userMs, sessionMs, logoutMs, grantMs, consentMs)
}

async function sweepOldMarks(sql: Sql, clock: StoreClock, after: string, limit: number): Promise<readonly string[]> {
  const beforeMs = (await readNowMs(sql, clock)) - markSlackSeconds * 1000
  return [await sweepMarks(sql, beforeMs, after, limit)]
}

async function tidy(sql: Sql, clock: StoreClock, writes: number): Promise<void> {
  const nowMs = await readNowMs(sql, clock)
  await sql.write(always(tidyStatements(nowMs, writes * rowsPerWrite)))
  await forgetClients(sql, nowMs, writes)
}

/** Clients that came by themselves and hold nothing any more. */
async function forgetClients(sql: Sql, nowMs: number, writes: number): Promise<void> {
  // None comes without a write of its own, so as many can go as can have come.
  const overdue = await sql.read(overdueClients(nowMs, writes))
  const keptUntilMs = nowMs + idleClientKeptSeconds * 1000
  const statements = overdue.flatMap(row => forgetOrKeep(textAt(row, 0), nowMs, keptUntilMs))
  if (statements.length > 0) await sql.write(always(statements))
}

function tidyStatements(nowMs: number, rows: number): Statement[] {
  const older = (table: string, key: string, column: string, beforeMs = nowMs): Statement =>
    deleteOlder({ table, key, column }, beforeMs, rows)
  return [
    older('sessions', 'id', 'expires_ms'),
    older('throttles', 'throttle_key', 'window_ends_ms'),
    older('denied_access_tokens', 'id', 'expires_ms'),
    older('status_entries', 'family_id', 'until_ms'),
    older('upstream_attempts', 'id', 'expires_ms'),
    older('registration_tokens', 'name', 'expires_ms'),
    older('pushed_requests', 'id', 'expires_ms'),
    older('device_requests', 'id', 'expires_ms'),
    older('refusals', 'slot', 'at_ms', nowMs - refusalsKeptSeconds * 1000),
    older('events', 'id', 'at_ms', nowMs - eventsKeptSeconds * 1000),
    deleteOldCutOffs(nowMs - cutOffsKeptSeconds * 1000, rows),
    deleteOldNotices(nowMs - noticesKeptSeconds * 1000, rows),
    deleteOldRevocations(nowMs, rows),
    deleteDeliveries('delivered', nowMs, rows),
    deleteDeliveries('failed', nowMs, rows),
  ]
}

/** What leaves by the time in a column of its own. */
interface Ending {
  readonly table: string
  readonly key: string
  readonly column: string
}

/**
 * What is renewed while the sweep waits for its row must stay: PostgreSQL looks at a row again that it waited for, but not
 * at the list it was on, so each statement asks the row itself as well. The `+ 0` keeps that question from being taken
 * for the way to the rows.
 */
function deleteOlder({ table, key, column }: Ending, beforeMs: number, rows: number): Statement {
  const text = `DELETE FROM ${table} WHERE ${key} IN
(SELECT ${key} FROM ${table} WHERE ${column} < $1 ORDER BY ${column} LIMIT $2) AND ${column} + 0 < $1`
  return { text, params: [beforeMs, rows] }
}

function deleteOldCutOffs(beforeMs: number, rows: number): Statement {
  const text = `DELETE FROM cut_offs WHERE (kind, target_key) IN
(SELECT kind, target_key FROM cut_offs WHERE at_ms < $1 AND set_at_ms < $1 ORDER BY at_ms LIMIT $2)
AND at_ms + 0 < $1 AND set_at_ms + 0 < $1`
  return { text, params: [beforeMs, rows] }
}

function deleteOldNotices(beforeMs: number, rows: number): Statement {
  const text = `DELETE FROM notices WHERE (kind, target_key) IN
(SELECT kind, target_key FROM notices WHERE at_ms < $1 ORDER BY at_ms LIMIT $2) AND at_ms + 0 < $1`
  return { text, params: [beforeMs, rows] }
}

function deleteOldRevocations(nowMs: number, rows: number): Statement {
  const text = `DELETE FROM revocations WHERE (kind, target_key, at_ms) IN
(SELECT kind, target_key, at_ms FROM revocations WHERE until_ms < $1 ORDER BY until_ms LIMIT $2) AND until_ms + 0 < $1`
  return { text, params: [nowMs, rows] }
}

/** What waits is never swept: the courier gives it up itself, with an event. */
function deleteDeliveries(state: 'delivered' | 'failed', beforeMs: number, rows: number): Statement {
  const text = `DELETE FROM deliveries WHERE id IN
(SELECT id FROM deliveries WHERE state = $1 AND next_ms < $2 ORDER BY next_ms LIMIT $3)`
  return { text, params: [state, beforeMs, rows] }
}
