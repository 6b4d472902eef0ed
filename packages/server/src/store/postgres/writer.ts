/**
 * Writes that arrive together go together, each lane with one batch under way, and every promise waits for its own
 * COMMIT. Where the answer to a COMMIT is lost, the write is asked for again over another connection: the compare-and-set
 * cannot succeed twice, and the step id it left says whose it was. What cannot be found out is `StoreUnavailable` (I14):
 * nobody's own write is ever taken for somebody else's.
 */

import { setTimeout } from 'node:timers/promises'
import { StoreUnavailable } from '../../domain/store.ts'
import { always, type Outcome, type Row, type Statement, type Unit } from '../sql/sql.ts'
import type { Trusted } from './connect.ts'
import { durabilityText } from './durability.ts'
import { createLanes, jittered, type LaneParts, queuedTasksMax } from './lanes.ts'
import { unavailable } from './postgres-error.ts'
import type { Reply } from './session.ts'
import { type Answer, isMove, type Part, partsOf, type Result, type Write } from './transaction.ts'
import { textArray } from './values.ts'

/** Enough to spread one COMMIT over many answers; the rows of a batch are held for as long as it takes. */
export const movesTogetherMax = 256
/** Transactions of their own, sent behind each other. */
export const unitsTogetherMax = 32
/** How often a transaction is asked for again that the engine undid for the sake of another (40001, 40P01). */
export const attemptsMax = 6
const retryPauseMs = 20

export interface Writer {
  readonly write: (unit: Unit) => Promise<Outcome>
  readonly writeReturning: (statement: Statement) => Promise<readonly Row[]>
  readonly finish: () => Promise<void>
}

export interface WriterParts extends LaneParts {
  readonly stamping: Stamping
  /** A sentence where the settings read behind a batch would lose it, or null. */
  readonly lossOf: (durability: string) => string | null
}

/** How the store's time gets into the database. */
export interface Stamping {
  /** What goes before this batch: nothing, most of the time. */
  readonly due: () => readonly Statement[]
  /** The same, asked for whether it is due or not. */
  readonly now: () => readonly Statement[]
  readonly stamped: () => void
}

interface Task extends Write {
  readonly settle: (answer: Answer) => void
  readonly fail: (error: Error) => void
  attempts: number
  /** Its batch failed: it goes by itself now. */
  alone: boolean
  /** It was sent, and nobody knows what came of it. */
  lost: boolean
}

export function createWriter(parts: WriterParts): Writer {
  const { stamping, lossOf, entropy } = parts
  let finished = false
  const lanes = createLanes<Task>(parts, { take, work, fail: (task, error) => task.fail(error) })

  async function work(trusted: Trusted, batch: readonly Task[]): Promise<void> {
    const isLost = batch.some(task => task.lost)
    const planned = partsOf(batch)
    try {
      const results = await execute(trusted, planned)
      const unsure = isLost ? [...results].filter(([, result]) => isMoved(result)).map(([task]) => task) : []
      for (const task of unsure) results.delete(task)
      await hear(results)
      if (unsure.length > 0) await recognize(trusted, unsure)
    } catch (error) {
      lose(batch, error)
    }
  }

  /** Sends the parts with what belongs to every batch before and behind them. */
  async function execute(trusted: Trusted, planned: readonly Part<Task>[]): Promise<Map<Task, Result>> {
    const due = transactionOf(stamping.due())
    const statements = [...due, ...planned.flatMap(part => part.statements), readBack]
    const replies = await trusted.session.ask(statements)
    if (due.length > 0 && replies.slice(0, due.length).every(reply => reply.failure === null)) stamping.stamped()
    const results = new Map<Task, Result>()
    let at = due.length
    for (const part of planned) {
      const heard = part.resultsOf(replies.slice(at, at + part.statements.length))
      part.writes.forEach((task, nth) => results.set(task, heard[nth] as Result))
      at += part.statements.length
    }
    const loss = lossBehind(trusted, replies.at(-1))
    return loss === null ? results : new Map([...results].map(([task, result]) => [task, unlessLost(result, loss)]))
  }

  /** What the settings behind the batch say of its durability. A server that changed is looked at afresh. */
  function lossBehind(trusted: Trusted, reply: Reply | undefined): Error | null {
    const durability = String(reply?.rows[0]?.[0])
    if (durability === trusted.durability) return null
    trusted.session.destroy()
    const loss = reply?.failure == null ? lossOf(durability) : 'PostgreSQL did not tell its settings'
    return loss === null ? null : new StoreUnavailable(loss)
  }

  async function hear(results: ReadonlyMap<Task, Result>): Promise<void> {
    const again: Task[] = []
    for (const [task, result] of results) {
      switch (result.kind) {
        case 'answered':
          task.settle(result.answer)
          break
        case 'again':
          task.attempts += 1
          if (task.attempts < attemptsMax) again.push(task)
          else task.fail(new StoreUnavailable(`PostgreSQL undid a transaction ${attemptsMax} times`))
          break
        case 'refused':
          if (results.size === 1 || task.alone || !isMove(task)) task.fail(result.error)
          else again.push(Object.assign(task, { alone: true }))
          break
        case 'away':
          task.fail(result.error)
      }
    }
    if (again.length === 0) return
    if (again.some(task => task.attempts > 0)) await setTimeout(jittered(retryPauseMs, entropy))
    lanes.again(again)
  }

  /**
   * Each of these was sent before, and does not apply (any more). The row tells by its step id whether that is because it
   * was done then. The stamp is a write: once it is acknowledged, everything before it in the log has also reached the
   * standbys, the write in question too.
   */
  async function recognize(trusted: Trusted, unsure: readonly Task[]): Promise<void> {
    const ids = textArray(unsure.flatMap(({ unit }) => unit.mark?.id ?? []))
    const look: Statement = { text: 'SELECT id, step_id FROM families WHERE id = ANY ($1::text[])', params: [ids] }
    const replies = await trusted.session.ask([...transactionOf([look, ...stamping.now()]), readBack])
    const loss = lossBehind(trusted, replies.at(-1))
    const rows = new Map(replies[1]?.rows.map(row => [row[0], row[1]]))
    const failed = replies.find(reply => reply.failure !== null)?.failure ?? loss
    for (const task of unsure) {
      const { mark } = task.unit
      if (failed !== null) task.fail(unavailable(failed))
      else if (mark !== undefined && rows.get(mark.id) === mark.stepId) task.settle('done')
      else task.fail(new StoreUnavailable('PostgreSQL lost the answer to a COMMIT, and the row has moved since'))
    }
  }

  function lose(batch: readonly Task[], error: unknown): void {
    const again: Task[] = []
    for (const task of batch) {
      if (task.lost || task.unit.mark === undefined) task.fail(unavailable(error))
      else again.push(Object.assign(task, { lost: true }))
    }
    if (again.length > 0) lanes.again(again)
  }

  function enqueue(write: Write): Promise<Answer> {
    if (finished) return Promise.reject(new StoreUnavailable('the store is closed'))
    return new Promise((settle, fail) => {
      if (lanes.push({ ...write, settle, fail, attempts: 0, alone: false, lost: false })) return
      fail(new StoreUnavailable(`more than ${queuedTasksMax} writes wait`))
    })
  }

  return {
    write: unit => enqueue({ unit, returns: false }) as Promise<Outcome>,
    writeReturning: statement => enqueue({ unit: always([statement]), returns: true }) as Promise<readonly Row[]>,
    finish: () => {
      finished = true
      return lanes.finish()
    },
  }
}

const readBack: Statement = { text: durabilityText, params: [] }

function transactionOf(statements: readonly Statement[]): readonly Statement[] {
  if (statements.length < 2) return statements
  return [{ text: 'BEGIN', params: [] }, ...statements, { text: 'COMMIT', params: [] }]
}

/** The oldest tasks of one sort, at most one about each thing, in the order of what they are about. */
function take(queue: Task[]): readonly Task[] {
  const [first] = queue
  if (first === undefined) return []
  const max = first.alone ? 1 : sortOf(first) === 'unit' ? unitsTogetherMax : movesTogetherMax
  const taken: Task[] = []
  const left: Task[] = []
  const abouts = new Set<string>()
  for (const task of queue) {
    const { about } = task.unit
    const isTaken = taken.length < max && sortOf(task) === sortOf(first) && (about === null || !abouts.has(about))
    if (isTaken) taken.push(task)
    else left.push(task)
    if (isTaken && about !== null) abouts.add(about)
  }
  queue.splice(0, queue.length, ...left)
  return taken.sort(byWhatTheyAreAbout)
}

function sortOf(task: Task): 'lost' | 'move' | 'unit' {
  if (task.lost) return 'lost'
  return isMove(task) ? 'move' : 'unit'
}

function byWhatTheyAreAbout({ unit: a }: Task, { unit: b }: Task): number {
  if (a.about === b.about) return 0
  return (a.about ?? '') < (b.about ?? '') ? -1 : 1
}

function isMoved(result: Result): boolean {
  return result.kind === 'answered' && result.answer === 'moved'
}

/** What was written may be lost; what was read, as that a row has moved, is not. */
function unlessLost(result: Result, error: Error): Result {
  return result.kind === 'answered' && result.answer !== 'moved' ? { kind: 'away', error } : result
}
