/**
 * Writes that arrive together go together, each lane with one batch under way, and every promise waits for its own
 * COMMIT. Where the answer to a COMMIT is lost, the write is asked for again over another connection: the compare-and-set
 * cannot succeed twice, and the step id it left says whose it was. What cannot be found out is `StoreUnavailable` (I14):
 * nobody's own write is ever taken for somebody else's.
 */

import { setTimeout } from 'node:timers/promises'
import { StoreUnavailable } from '../../domain/store.ts'
import { always, byWhatTheyAreAbout, type Outcome, type Row, type Statement, type Unit } from '../sql/sql.ts'
import { type BatchRules, findMarks, writeBatch } from './batch.ts'
import type { Trusted } from './connect.ts'
import { createLanes, jittered, type LaneParts, type Lanes, queuedTasksMax } from './lanes.ts'
import { unavailable } from './postgres-error.ts'
import { BrokenSession } from './session.ts'
import { type Answer, isMove, partsOf, type Result, type Write } from './transaction.ts'

/** Enough to spread one COMMIT over many answers; the rows of a batch are held for as long as it takes. */
export const movesTogetherMax = 256
/** Transactions of their own, sent behind each other. */
export const unitsTogetherMax = 32
/** How often a transaction is asked for that the engine undoes for the sake of another (40001, 40P01). */
export const attemptsMax = 6
const retryPauseMs = 20

export interface Writer {
  readonly write: (unit: Unit) => Promise<Outcome>
  readonly writeReturning: (statement: Statement) => Promise<readonly Row[]>
  /** Takes no more, and resolves when everything taken has its answer. */
  readonly finish: () => Promise<void>
}

interface Task extends Write {
  readonly settle: (answer: Answer) => void
  readonly fail: (error: Error) => void
  attempts: number
  /** Its batch was refused: it goes by itself now, and what is said then is said of it. */
  alone: boolean
  /** It was sent, and nobody knows what came of it. */
  lost: boolean
}

export function createWriter(parts: LaneParts, rules: BatchRules): Writer {
  let finished = false
  const lanes: Lanes<Task> = createLanes<Task>(parts, {
    take,
    work: async (trusted, batch) => {
      const again = await answerBatch(trusted, batch, rules)
      if (again.some(task => task.attempts > 0)) await setTimeout(jittered(retryPauseMs, parts.entropy))
      if (again.length > 0) lanes.again(again)
    },
    fail: (task, error) => task.fail(error),
  })

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

/** The oldest tasks of one sort, at most one about each thing, in the order of what they are about. */
function take(queue: Task[]): readonly Task[] {
  const [first] = queue
  if (first === undefined) return []
  const sort = sortOf(first)
  const max = first.alone ? 1 : sort === 'unit' ? unitsTogetherMax : movesTogetherMax
  const taken: Task[] = []
  const left: Task[] = []
  const abouts = new Set<string>()
  for (const task of queue) {
    const { about } = task.unit
    const isAlike = sortOf(task) === sort && task.alone === first.alone
    const isTaken = taken.length < max && isAlike && (about === null || !abouts.has(about))
    if (isTaken) taken.push(task)
    else left.push(task)
    if (isTaken && about !== null) abouts.add(about)
  }
  queue.splice(0, queue.length, ...left)
  return taken.sort((a, b) => byWhatTheyAreAbout(a.unit, b.unit))
}

/** Rotations do not wait for transactions, and what was lost comes before it is mixed with anything else. */
function sortOf(task: Task): 'lost' | 'move' | 'unit' {
  if (task.lost) return 'lost'
  return isMove(task) ? 'move' : 'unit'
}

/** Answers those whose answer is known, and returns the others, to be asked for again. */
async function answerBatch(trusted: Trusted, batch: readonly Task[], rules: BatchRules): Promise<readonly Task[]> {
  let unknown = batch
  let again: readonly Task[] = []
  try {
    const results = await writeBatch(trusted, partsOf(batch), rules)
    unknown = batch.filter(task => task.lost && isMoved(results.get(task)))
    for (const task of unknown) results.delete(task)
    again = [...results].filter(([task, result]) => !answer(task, result, batch.length)).map(([task]) => task)
    if (unknown.length > 0) await recognize(trusted, unknown, rules)
    return again
  } catch (error) {
    return [...again, ...lose(unknown, error)]
  }
}

/** False for what is to be asked for again. */
function answer(task: Task, result: Result, together: number): boolean {
  switch (result.kind) {
    case 'answered':
      task.settle(result.answer)
      return true
    case 'again':
      task.attempts += 1
      if (task.attempts < attemptsMax) return false
      task.fail(new StoreUnavailable(`PostgreSQL undid a transaction ${attemptsMax} times`))
      return true
    case 'refused':
      if (together > 1 && !task.alone && isMove(task)) {
        task.alone = true
        return false
      }
      task.fail(result.error)
      return true
    case 'away':
      task.fail(result.error)
      return true
  }
}

/**
 * Each of these was sent before, and does not apply any more. The row tells by its step id whether that is because it was
 * done then. Where it tells of another step, that one may stand on ours or in its place: nobody can say.
 */
async function recognize(trusted: Trusted, unsure: readonly Task[], rules: BatchRules): Promise<void> {
  const marks = unsure.flatMap(({ unit }) => unit.mark ?? [])
  const found = await findMarks(trusted, marks, rules)
  for (const task of unsure) {
    const { mark } = task.unit
    if (mark !== undefined && found.has(mark)) task.settle('done')
    else task.fail(new StoreUnavailable('PostgreSQL lost the answer to a COMMIT, and the row has moved since'))
  }
}

/**
 * What has a mark can be found out, once; the rest stays unknown. What waited long enough is not asked for again: it would
 * wait as long, and whoever asked may do so (I14).
 */
function lose(batch: readonly Task[], error: unknown): readonly Task[] {
  const again: Task[] = []
  const isOverdue = error instanceof BrokenSession && error.isOverdue
  for (const task of batch) {
    if (task.lost || task.unit.mark === undefined || isOverdue) {
      task.fail(unavailable(error))
    } else {
      task.lost = true
      again.push(task)
    }
  }
  return again
}

function isMoved(result: Result | undefined): boolean {
  return result?.kind === 'answered' && result.answer === 'moved'
}
