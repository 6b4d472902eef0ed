/**
 * One batch on one connection: what must go before it, its parts, and the settings read back behind it. The settings are
 * read after the COMMITs, in the same trip: what they were then is what the batch was written under.
 */

import { StoreUnavailable } from '../../domain/store.ts'
import type { Mark, Statement } from '../sql/sql.ts'
import type { Trusted } from './connect.ts'
import { durabilityText } from './durability.ts'
import { unavailable } from './postgres-error.ts'
import type { Reply } from './session.ts'
import { type Part, repliesBefore, type Result, transactionOf, type Write } from './transaction.ts'
import { textArray } from './values.ts'

export interface BatchRules {
  readonly stamping: Stamping
  /** A sentence where these settings would lose what was written, or null. */
  readonly lossOf: (durability: string) => string | null
}

/** How the store's time gets into the database. */
export interface Stamping {
  /** What goes before this batch: nothing, most of the time. */
  readonly due: () => readonly Statement[]
  /** The same, whether it is due or not. */
  readonly now: () => readonly Statement[]
  readonly stamped: () => void
}

/** Rejects with `BrokenSession` where nobody knows what came of it. */
export async function writeBatch<W extends Write>(
  trusted: Trusted,
  parts: readonly Part<W>[],
  { stamping, lossOf }: BatchRules,
): Promise<Map<W, Result>> {
  const stamps = transactionOf(stamping.due())
  const replies = await trusted.session.ask([...stamps, ...parts.flatMap(part => part.statements), readBack])
  if (stamps.length > 0 && replies.slice(0, stamps.length).every(isWell)) stamping.stamped()
  const results = resultsOf(parts, replies.slice(stamps.length))
  const loss = lossBehind(trusted, replies, lossOf)
  if (loss === null) return results
  return new Map([...results].map(([write, result]) => [write, unlessRead(result, loss)]))
}

/**
 * Which of these marks the rows carry. The stamp in the same transaction is a write: once it is acknowledged, everything
 * before it in the log has reached the standbys too, and with it what the rows were found to hold. Rejects where any of
 * this cannot be known.
 */
export async function findMarks(
  trusted: Trusted,
  marks: readonly Mark[],
  { stamping, lossOf }: BatchRules,
): Promise<ReadonlySet<Mark>> {
  const look: Statement = { text: stepsText, params: [textArray(marks.map(mark => mark.id))] }
  const replies = await trusted.session.ask([...transactionOf([look, ...stamping.now()]), readBack])
  const failure = replies.find(reply => !isWell(reply))?.failure ?? lossBehind(trusted, replies, lossOf)
  if (failure !== null) throw unavailable(failure)
  const steps = new Map(replies[repliesBefore]?.rows.map(row => [row[0], row[1]]))
  return new Set(marks.filter(mark => steps.get(mark.id) === mark.stepId))
}

const stepsText = 'SELECT id, step_id FROM families WHERE id = ANY ($1::text[])'
const readBack: Statement = { text: durabilityText, params: [] }

function resultsOf<W extends Write>(parts: readonly Part<W>[], replies: readonly Reply[]): Map<W, Result> {
  const results = new Map<W, Result>()
  let at = 0
  for (const { writes, statements, resultsOf: resultsIn } of parts) {
    const found = resultsIn(replies.slice(at, at + statements.length))
    writes.forEach((write, nth) => results.set(write, found[nth] as Result))
    at += statements.length
  }
  return results
}

/** A server whose settings changed is looked at afresh, by a new connection, even where they are still good. */
function lossBehind(
  trusted: Trusted,
  replies: readonly Reply[],
  lossOf: BatchRules['lossOf'],
): StoreUnavailable | null {
  const reply = replies.at(-1)
  const durability = reply?.rows[0]?.[0]
  if (durability === trusted.durability) return null
  trusted.session.destroy()
  const loss = typeof durability === 'string' ? lossOf(durability) : 'PostgreSQL did not tell its settings'
  return loss === null ? null : new StoreUnavailable(loss)
}

/** What was written may be lost; that a row had moved was only read. */
function unlessRead(result: Result, error: Error): Result {
  return result.kind === 'answered' && result.answer !== 'moved' ? { kind: 'away', error } : result
}

function isWell(reply: Reply): boolean {
  return reply.failure === null
}
