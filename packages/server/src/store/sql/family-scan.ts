/**
 * Families with everything a decision needs: the row, the cut-offs that concern it and the store's time, in one
 * statement, so that all of it is of one moment. `families.read` reads one; lists, counts and the sweep read pages.
 */

import { type CutOffs, cutOffOf, expiryOf } from '@pawl/family'
import type { CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { familyColumns, familyColumnsCount, familyOf } from './family-row.ts'
import { numberAt, type Row, type Sql, type Value } from './sql.ts'
import { turnOfTheLoop } from './turn-of-the-loop.ts'
import { clockColumns, clockColumnsCount, type StoreClock } from './store-clock.ts'

export interface Where {
  /** A condition on `families f`, its parameters from `$1`; empty for none. */
  readonly text: string
  readonly params: readonly Value[]
}

/** How many families are read at once; between pages other work gets its turn. */
export const scanPageRows = 256

/** One cut-off per kind, in the order of `cutOffsAt`; the keys are those of `cutOffKey`. */
const cutOffSelects = [
  latestOf('everyone', "''"),
  latestOf('client', 'f.client_id'),
  // What stands on the session in which a change was made is spared by it; no session is called '-'.
  latestOf('user', "f.subject AND spared_session <> COALESCE(f.session_id, '-')"),
  latestOf('session', 'f.session_id'),
  latestOf('logout', 'f.session_id'),
  latestOf('grant', 'f.grant_id'),
  latestOf('consent', "f.subject || ' ' || f.client_id"),
]

const familySelects = familyColumns.map(column => `f.${column}`)

export const selectReadings = selectWith([])

/** The same with columns of the family's behind it, the last of the row. */
export function selectWith(others: readonly string[]): string {
  return `SELECT ${[...familySelects, clockColumns, ...cutOffSelects, ...others].join(', ')}
FROM families f, store_clock c WHERE c.id = 1`
}

const clockAt = familyColumnsCount
const cutOffsFrom = clockAt + clockColumnsCount

export function readingOf(row: Row, clock: StoreClock): FamilyReading {
  const nowMs = clock.nowMs(numberAt(row, clockAt + clockColumnsCount - 1))
  return {
    family: familyOf(row),
    cutOffs: cutOffsAt(row, cutOffsFrom),
    nowMs,
    interruptions: clock.interruptions(row, clockAt, nowMs),
  }
}

function latestOf(kind: CutOffTarget['kind'], key: string): string {
  return `(SELECT at_ms FROM cut_offs WHERE kind = '${kind}' AND target_key = ${key})`
}

/** True while the family would still answer its current token: not ended, not run out, not cut off. */
export function isLiving(reading: FamilyReading): boolean {
  const { family, cutOffs, nowMs } = reading
  return family.end === null && cutOffOf(family, cutOffs) === null && expiryOf(family, nowMs) === null
}

/** Every family where the condition holds, in id order, after the given id. */
export async function* scanFamilies(
  sql: Sql,
  clock: StoreClock,
  where: Where,
  after: string | null,
): AsyncGenerator<FamilyReading> {
  for await (const row of scanRows(sql, where, after)) yield readingOf(row, clock)
}

/** The same as rows; `readingOf` reads them. */
export async function* scanRows(
  sql: Sql,
  where: Where,
  after: string | null,
  select = selectReadings,
): AsyncGenerator<Row> {
  let last = after ?? ''
  for (;;) {
    const page = await readPage(sql, select, where, { after: last, limit: scanPageRows })
    yield* page
    const final = page.at(-1)
    if (final === undefined || page.length < scanPageRows) return
    last = String(final[0])
    // A database in this process answers at once; a long scan must still let requests through.
    await turnOfTheLoop()
  }
}

export function readFamilies(sql: Sql, where: Where, after: string, limit: number): Promise<readonly Row[]> {
  return readPage(sql, selectReadings, where, { after, limit })
}

interface Page {
  readonly after: string
  readonly limit: number
}

function readPage(sql: Sql, select: string, where: Where, { after, limit }: Page): Promise<readonly Row[]> {
  const condition = where.text === '' ? '' : ` AND ${where.text}`
  const params = [...where.params, after, limit]
  const text = `${select}${condition} AND f.id > $${params.length - 1} ORDER BY f.id LIMIT $${params.length}`
  return sql.read({ text, params })
}

function cutOffsAt(row: Row, from: number): CutOffs {
  return {
    everyoneMs: latest(row[from]),
    clientMs: latest(row[from + 1]),
    userMs: latest(row[from + 2]),
    sessionMs: latest(row[from + 3]),
    logoutMs: latest(row[from + 4]),
    grantMs: latest(row[from + 5]),
    consentMs: latest(row[from + 6]),
  }
}

function latest(value: Value | undefined): number {
  return typeof value === 'number' ? value : 0
}
