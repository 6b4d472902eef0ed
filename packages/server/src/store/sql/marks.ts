/** Single-use marks: whoever inserts the row was first. What is kept is a digest, so a value may have any length. */

import { hash } from 'node:crypto'
import type { Mark, MarkStore } from '../../domain/mark/mark-store.ts'
import type { Sql, Statement } from './sql.ts'

export function sqlMarks(sql: Sql): MarkStore {
  return {
    take: async (use, value, expiresAtMs) => {
      const { params } = markStatement({ use, value, expiresAtMs })
      const rows = await sql.writeReturning({ text: takeText, params })
      return rows.length === 1
    },
  }
}

/** Takes the mark inside a unit, behind `unlessMarked`. Two that get there at once meet in the primary key. */
export const markText = 'INSERT INTO marks (id, expires_ms) VALUES ($1, $2)'
const takeText = `${markText} ON CONFLICT DO NOTHING RETURNING id`

export function markStatement(mark: Mark): Statement {
  return { text: markText, params: [idOf(mark), mark.expiresAtMs] }
}

/** A compare-and-set that also changes nothing where the mark is taken. */
export function unlessMarked(guard: Statement, mark: Mark): Statement {
  return { text: unlessMarkedText(guard.text, guard.params.length + 1), params: [...guard.params, idOf(mark)] }
}

/** The mark is the parameter of this number. */
export function unlessMarkedText(guardText: string, parameter: number): string {
  return `${guardText} AND NOT EXISTS (SELECT 1 FROM marks WHERE id = $${parameter})`
}

export async function isMarked(sql: Sql, mark: Mark): Promise<boolean> {
  const rows = await sql.read({ text: 'SELECT 1 FROM marks WHERE id = $1', params: [idOf(mark)] })
  return rows.length > 0
}

/** No use has a space in it, so no two marks are one. */
function idOf({ use, value }: Mark): string {
  return hash('sha256', `${use} ${value}`, 'base64url')
}
