/**
 * Units as PostgreSQL executes them; pure. A unit is sent whole, from BEGIN to COMMIT, and nothing in between waits for
 * us: the guard raises an error where it does not change its one row, so that the engine itself refuses what follows.
 */

import { markText } from '../sql/marks.ts'
import type { Outcome, Row, Statement, Unit } from '../sql/sql.ts'
import { isMarkedMove, isPlainMove, joined, manyMarkedMoves, manyMoves } from './many.ts'
import {
  codeOf,
  divisionByZero,
  meaningOf,
  rootOfLess,
  statementRefused,
  transactionFailed,
  unavailable,
  uniqueViolation,
} from './postgres-error.ts'
import type { Reply } from './session.ts'

/** What is written, and what its caller hears: rows where it asked for them. */
export interface Write {
  readonly unit: Unit
  readonly returns: boolean
}

export type Answer = Outcome | readonly Row[]

export type Result =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** The engine undid it and may do it when asked again. */
  | { readonly kind: 'again' }
  /** It cannot be written, together with others or at all. */
  | { readonly kind: 'refused'; readonly error: Error }
  /** The engine cannot do it now. */
  | { readonly kind: 'away'; readonly error: Error }

/** Some writes of a batch as statements, and how the replies to these are understood, one result for each write. */
export interface Part<W extends Write> {
  readonly writes: readonly W[]
  readonly statements: readonly Statement[]
  readonly resultsOf: (replies: readonly Reply[]) => readonly Result[]
}

/** Plain rotations in one statement, everything else in a transaction of its own. */
export function partsOf<W extends Write>(batch: readonly W[]): readonly Part<W>[] {
  const plain = batch.filter(({ unit, returns }) => !returns && isPlainMove(unit))
  const marked = batch.filter(({ unit, returns }) => !returns && isMarkedMove(unit))
  const others = batch.filter(write => !isMove(write))
  return [
    ...(plain.length === 0 ? [] : [movesPart(plain)]),
    ...(marked.length === 0 ? [] : [markedMovesPart(marked)]),
    ...others.map(unitPart),
  ]
}

export function isMove({ unit, returns }: Write): boolean {
  return !returns && (isPlainMove(unit) || isMarkedMove(unit))
}

function movesPart<W extends Write>(moves: readonly W[]): Part<W> {
  return {
    writes: moves,
    statements: [manyMoves(moves.flatMap(({ unit }) => unit.guard ?? []))],
    resultsOf: ([reply]) => {
      const failed = failureOf(reply)
      const moved = new Set(reply?.rows.map(row => row[0]))
      return moves.map(({ unit }) => failed ?? answered(moved.has(unit.about) ? 'done' : 'moved'))
    },
  }
}

/** Where one of several is refused for its mark, all are, and are then asked one by one: that is for the writer. */
function markedMovesPart<W extends Write>(moves: readonly W[]): Part<W> {
  return {
    writes: moves,
    statements: [manyMarkedMoves(moves.map(({ unit }) => unit))],
    resultsOf: ([reply]) => {
      const isTaken = moves.length === 1 && codeOf(reply?.failure) === uniqueViolation
      const failed = isTaken ? answered('moved') : failureOf(reply)
      const moved = new Set(reply?.rows.map(row => row[0]))
      return moves.map(({ unit }) => failed ?? answered(moved.has(unit.about) ? 'done' : 'moved'))
    },
  }
}

function unitPart<W extends Write>(write: W): Part<W> {
  const { guard } = write.unit
  const written = joined(write.unit.statements)
  const statements = guard === null ? written : [guarding(guard), ...written]
  const isBare = guard === null && statements.length < 2
  return {
    writes: [write],
    statements: isBare ? statements : transactionOf(statements),
    resultsOf: replies => [unitResult(write, replies)],
  }
}

/** Nothing stays nothing. The replies of what is given begin at `repliesBefore`. */
export function transactionOf(statements: readonly Statement[]): readonly Statement[] {
  return statements.length === 0 ? [] : [...opening, ...statements, commit]
}

/** Being deferrable is nothing to a transaction like ours but a mark on it, which a statement outside does not bear. */
const begin: Statement = { text: 'BEGIN DEFERRABLE', params: [] }
const commit: Statement = { text: 'COMMIT', params: [] }

/**
 * A BEGIN may fail in a session that goes on: somebody cancels it, or memory is short. What was sent behind it would then
 * be executed all the same, each statement for itself, the events of a step whose guard said no among it. So the session
 * ends itself where it finds no transaction of ours; the server heeds that before it takes the next statement.
 */
const endOutside: Statement = {
  text: `SELECT CASE WHEN current_setting('transaction_deferrable') = 'off' THEN pg_terminate_backend(pg_backend_pid()) END`,
  params: [],
}

const opening = [begin, endOutside]
export const repliesBefore = opening.length

function unitResult({ unit, returns }: Write, replies: readonly Reply[]): Result {
  const at = firstFailure(replies)
  if (at < 0) return answered(returns ? (replies[0]?.rows ?? []) : 'done')
  const code = codeOf(replies[at]?.failure)
  const isGuard = unit.guard !== null && at === repliesBefore
  // Another unit took the same mark since the guard looked for it.
  if (isMark(unit, at) && code === uniqueViolation) return answered('moved')
  if (isGuard && (code === divisionByZero || code === uniqueViolation)) return answered('moved')
  if (isGuard && code === rootOfLess) {
    return { kind: 'refused', error: new RangeError(`a guard changed several rows: ${unit.guard.text}`) }
  }
  return failureOf(replies[at]) ?? answered('done')
}

/** True of the statement behind the opening and the guard, where it takes a mark. */
function isMark({ guard, statements }: Unit, at: number): boolean {
  return guard !== null && at === repliesBefore + 1 && statements[0]?.text === markText
}

/**
 * What failed first says why the rest did. Where all that failed did so because a transaction had failed, that one was not
 * this unit's: the COMMIT before it was not carried out, and this one ended that transaction, with nothing of its own done.
 */
function firstFailure(replies: readonly Reply[]): number {
  const at = replies.findIndex(({ failure }) => failure !== null && codeOf(failure) !== transactionFailed)
  return at < 0 ? replies.findIndex(({ failure }) => failure !== null) : at
}

/** Changes its one row, or ends the transaction: no rows divide by zero, several take the root of less than that. */
function guarding(guard: Statement): Statement {
  const text = `WITH changed AS (${guard.text} RETURNING 1) SELECT 1 / count(*), sqrt(1 - count(*)) FROM changed`
  return { text, params: guard.params }
}

function failureOf(reply: Reply | undefined): Result | null {
  if (reply === undefined) throw new TypeError('a statement without its reply')
  const { failure } = reply
  if (failure === null) return null
  switch (meaningOf(failure)) {
    case 'again':
      return { kind: 'again' }
    case 'refused':
      return { kind: 'refused', error: statementRefused(failure) }
    case 'away':
    case 'unknown':
      return { kind: 'away', error: unavailable(failure) }
  }
}

function answered(answer: Answer): Result {
  return { kind: 'answered', answer }
}
