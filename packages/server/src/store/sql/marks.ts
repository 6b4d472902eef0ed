/** Single-use marks: whoever inserts the row was first. What is kept is a digest, so a value may have any length. */

import { hash } from 'node:crypto'
import type { Mark, MarkStore } from '../../domain/mark/mark-store.ts'
import type { Sql, Statement } from './sql.ts'

export function sqlMarks(sql: Sql): MarkStore {
  return {
    take: async (use, value, expiresAtMs) => {
      const { text, params } = markStatement({ use, value, expiresAtMs })
      const rows = await sql.writeReturning({ text: `${text} ON CONFLICT DO NOTHING RETURNING id`, params })
      return rows.length === 1
    },
  }
}

/** Fails, or changes nothing where it is told so, when the mark is taken. */
function markStatement(mark: Mark): Statement {
  return { text: 'INSERT INTO marks (id, expires_ms) VALUES ($1, $2)', params: [idOf(mark), mark.expiresAtMs] }
}

/** No use has a space in it, so no two marks are one. */
function idOf({ use, value }: Mark): string {
  return hash('sha256', `${use} ${value}`, 'base64url')
}
