/** Single-use marks: whoever inserts the row was first. What is kept is a digest, so a value may have any length. */

import { hash } from 'node:crypto'
import type { Mark, MarkStore } from '../../domain/mark/mark-store.ts'
import { always, type Sql, type Statement, textAt } from './sql.ts'

export function sqlMarks(sql: Sql): MarkStore {
  return {
    take: async (use, value, expiresAtMs) => {
      const params = [markIdOf({ use, value }), expiresAtMs]
      return (await sql.writeReturning({ text: takeText, params })).length === 1
    },
  }
}

/** Takes the mark inside a unit, behind `unlessMarked`. Two that get there at once meet in the primary key. */
export const markText = 'INSERT INTO marks (id, expires_ms) VALUES ($1, $2)'
const takeText = `${markText} ON CONFLICT DO NOTHING RETURNING id`

export function markStatement(markId: string, expiresAtMs: number): Statement {
  return { text: markText, params: [markId, expiresAtMs] }
}

/** A compare-and-set that also changes nothing where the mark is taken. */
export function unlessMarked({ text, params }: Statement, markId: string): Statement {
  return { text: unlessMarkedText(text, params.length + 1), params: [...params, markId] }
}

/** The mark is the parameter of this number. A text is made once, so that an engine finds what it has prepared. */
export function unlessMarkedText(guardText: string, parameter: number): string {
  const made = unlessMarkedTexts.get(guardText)
  if (made !== undefined) return made
  const text = `${guardText} AND NOT EXISTS (SELECT 1 FROM marks WHERE id = $${parameter})`
  unlessMarkedTexts.set(guardText, text)
  return text
}

/** As many as there are statements of steps. */
const unlessMarkedTexts = new Map<string, string>()

export async function isMarked(sql: Sql, markId: string): Promise<boolean> {
  const rows = await sql.read({ text: 'SELECT 1 FROM marks WHERE id = $1', params: [markId] })
  return rows.length > 0
}

/**
 * Deletes what was over before then among the next so many marks in the order of their ids, and answers where to go on.
 * Ids are digests, so that what ends together lies apart: the table is walked, and the dead of one page leave together. An
 * index over the ends would cost about as much as the marks.
 */
export async function sweepMarks(sql: Sql, beforeMs: number, after: string, rows: number): Promise<string> {
  const [last] = await sql.read({ text: lastOfPartText, params: [after, rows - 1] })
  const upTo = last === undefined ? '' : textAt(last, 0)
  const statement =
    upTo === ''
      ? { text: deadRestText, params: [after, beforeMs] }
      : { text: deadPartText, params: [after, upTo, beforeMs] }
  await sql.write(always([statement]))
  return upTo
}

const lastOfPartText = 'SELECT id FROM marks WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2'
const deadPartText = 'DELETE FROM marks WHERE id > $1 AND id <= $2 AND expires_ms < $3'
const deadRestText = 'DELETE FROM marks WHERE id > $1 AND expires_ms < $2'

/** 132 bits of a digest, so that no two values meet by chance. No use has a space in it, so no two marks are one. */
export function markIdOf({ use, value }: Pick<Mark, 'use' | 'value'>): string {
  return hash('sha256', `${use} ${value}`, 'base64url').slice(0, markIdCharacters)
}

const markIdCharacters = 22
