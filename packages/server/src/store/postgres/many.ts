/**
 * The hot path: what many requests ask one by one, asked once. Each form does exactly what its statement does for each of
 * its rows, in the order given, so that two batches never wait for each other's rows.
 */

import { clientVersionText } from '../sql/clients.ts'
import { familyMoveText, familyReadText } from '../sql/families.ts'
import { stateBytes } from '../sql/family-row.ts'
import { markText, unlessMarkedText } from '../sql/marks.ts'
import type { Statement, Unit } from '../sql/sql.ts'
import { deadFamilyText } from '../sql/sweep.ts'
import { textArray } from './values.ts'

/** Reads of one row by one key, which is the first column of the answer too. */
const keyedReads = new Map(
  [familyReadText, clientVersionText].map(text => [text, text.replace(/= \$1$/, '= ANY ($1::text[])')]),
)

/** What asks for many keys in place of this statement, or undefined. */
export function manyReadText(text: string): string | undefined {
  return keyedReads.get(text)
}

export function manyRead(text: string, keys: readonly string[]): Statement {
  return { text, params: [textArray(keys)] }
}

/** True of a plain rotation, without an event or anything else to write. */
export function isPlainMove(unit: Unit): boolean {
  return unit.guard?.text === familyMoveText && unit.statements.length === 0
}

/** True of a rotation that takes a mark along and has nothing else to write. */
export function isMarkedMove({ guard, statements }: Unit): boolean {
  return guard?.text === markedMoveText && statements.length === 1 && statements[0]?.text === markText
}

const markedMoveText = unlessMarkedText(familyMoveText, 5)

/**
 * Answers the ids it moved. The states have one width, so they travel as one run of bytes: an array of them would be
 * written and read as text.
 */
export function manyMoves(moves: readonly Statement[]): Statement {
  const texts = (at: number): string => textArray(moves.map(move => String(move.params[at])))
  const states = moves.map(move => stateOf(move))
  return { text: manyMovesText, params: [texts(2), texts(3), texts(0), Buffer.concat(states)] }
}

const manyMovesText = `UPDATE families AS f SET step_id = m.step_id,
state = substr($4::bytea, (m.place::int - 1) * ${stateBytes} + 1, ${stateBytes})
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS m (id, read_at, step_id, place)
WHERE f.id = m.id AND f.step_id = m.read_at RETURNING f.id`

/** The same of rotations with marks. Two that take one mark fail the statement, and are then asked one by one. */
export function manyMarkedMoves(units: readonly Unit[]): Statement {
  const moves = units.flatMap(({ guard }) => guard ?? [])
  const marks = units.flatMap(({ statements }) => statements[0] ?? [])
  const plain = manyMoves(moves)
  const columns = [0, 1].map(at => textArray(marks.map(mark => String(mark.params[at]))))
  return { text: manyMarkedMovesText, params: [...plain.params, ...columns] }
}

const manyMarkedMovesText = `WITH m AS (SELECT * FROM
unnest($1::text[], $2::text[], $3::text[], $5::text[], $6::bigint[])
WITH ORDINALITY AS m (id, read_at, step_id, mark_id, expires_ms, place)),
moved AS (UPDATE families AS f SET step_id = m.step_id,
state = substr($4::bytea, (m.place::int - 1) * ${stateBytes} + 1, ${stateBytes})
FROM m WHERE f.id = m.id AND f.step_id = m.read_at AND NOT EXISTS (SELECT 1 FROM marks AS k WHERE k.id = m.mark_id)
RETURNING f.id, m.mark_id, m.expires_ms),
marked AS (INSERT INTO marks (id, expires_ms) SELECT mark_id, expires_ms FROM moved)
SELECT id FROM moved`

function stateOf(move: Statement): Uint8Array {
  const state = move.params[1]
  if (!(state instanceof Uint8Array) || state.length !== stateBytes) throw new TypeError('a step without its state')
  return state
}

/** What a unit writes, with the dead of a sweep as one statement. */
export function joined(statements: readonly Statement[]): readonly Statement[] {
  const isSweep = statements.length > 1 && statements.every(statement => statement.text === deadFamilyText)
  if (!isSweep) return statements
  const texts = (at: number): string => textArray(statements.map(({ params }) => String(params[at])))
  return [{ text: manyDeadText, params: [texts(0), texts(1)] }]
}

const manyDeadText = `DELETE FROM families AS f USING unnest($1::text[], $2::text[]) AS d (id, step_id)
WHERE f.id = d.id AND f.step_id = d.step_id`
