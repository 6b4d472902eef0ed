/** The places of families in the lists of status, and who ended lately: by an event of its own, or by a cut-off. */

import type { FamilyId } from '@pawl/family'
import type { CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import type { EndedIndex, StatusEntry, StatusStore } from '../../domain/status/status-store.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { targetOf, wheresOfTarget } from './cut-offs.ts'
import { isLiving, readingOf, scanRows, selectWith } from './family-scan.ts'
import { numberAt, numberOrNullAt, type Sql, textAt } from './sql.ts'
import type { StoreClock } from './store-clock.ts'

const attemptsMax = 32

export function sqlStatusEntries(sql: Sql, clock: StoreClock): StatusStore {
  return {
    indexOf: async entry => {
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const index = (await readIndex(sql, entry.familyId)) ?? (await give(sql, entry))
        if (index !== null) return index
      }
      throw new StoreUnavailable(`the places of status were taken ${attemptsMax} times in a row`)
    },
    highestIndex: async () => {
      const [row] = await sql.read({ text: 'SELECT MAX(idx) FROM status_entries', params: [] })
      return row === undefined ? null : numberOrNullAt(row, 0)
    },
    endedSince: async (sinceMs, limit) => {
      const ended = [...(await endedAlone(sql, sinceMs, limit)), ...(await cutOff(sql, clock, sinceMs, limit))]
      if (ended.length > limit) throw new StoreUnavailable(`more than ${limit} families have ended since ${sinceMs}`)
      return ended
    },
  }
}

async function readIndex(sql: Sql, familyId: FamilyId): Promise<number | null> {
  const [row] = await sql.read({ text: 'SELECT idx FROM status_entries WHERE family_id = $1', params: [familyId] })
  return row === undefined ? null : numberAt(row, 0)
}

/** Null where the family, or the place, was taken by somebody else meanwhile. */
async function give(sql: Sql, { familyId, untilMs, gap }: StatusEntry): Promise<number | null> {
  const [row] = await sql.writeReturning({ text: giveText, params: [familyId, gap, untilMs] })
  return row === undefined ? null : numberAt(row, 0)
}

const giveText = `INSERT INTO status_entries (family_id, idx, until_ms)
SELECT $1, COALESCE(MAX(idx), -1) + 1 + $2, $3 FROM status_entries WHERE 1 = 1 ON CONFLICT DO NOTHING RETURNING idx`

/** Each end leaves one event in the transaction that makes it true. */
async function endedAlone(sql: Sql, sinceMs: number, limit: number): Promise<readonly EndedIndex[]> {
  const rows = await sql.read({ text: endedText, params: [sinceMs, limit + 1] })
  return rows.map(row => ({ index: numberAt(row, 0), atMs: numberAt(row, 1) }))
}

const endedText = `SELECT s.idx, e.at_ms FROM events e, status_entries s
WHERE e.at_ms >= $1 AND e.kind IN ('family_ended', 'token_reused') AND s.family_id = e.family_id ORDER BY e.at_ms LIMIT $2`

async function cutOff(sql: Sql, clock: StoreClock, sinceMs: number, limit: number): Promise<readonly EndedIndex[]> {
  const rows = await sql.read({ text: cutOffsText, params: [sinceMs, limit + 1] })
  const ended: EndedIndex[] = []
  for (const row of rows) {
    const target = targetOf(textAt(row, 0) as CutOffTarget['kind'], textAt(row, 1))
    for await (const index of placesOfEnded(sql, clock, target)) {
      ended.push({ index, atMs: numberAt(row, 2) })
      if (ended.length > limit) return ended
    }
  }
  return ended
}

/** Each family's place comes with its row: of a cut-off of everyone there are many. */
async function* placesOfEnded(sql: Sql, clock: StoreClock, target: CutOffTarget): AsyncGenerator<number> {
  for (const where of wheresOfTarget(target)) {
    for await (const row of scanRows(sql, where, null, selectPlaced)) {
      const index = numberOrNullAt(row, row.length - 1)
      if (index !== null && !isLiving(readingOf(row, clock))) yield index
    }
  }
}

const selectPlaced = selectWith(['(SELECT idx FROM status_entries WHERE family_id = f.id)'])

const cutOffsText = `SELECT kind, target_key, set_at_ms FROM cut_offs WHERE set_at_ms >= $1
ORDER BY set_at_ms, kind, target_key LIMIT $2`
