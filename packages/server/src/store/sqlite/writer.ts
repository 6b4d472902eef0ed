/**
 * Group commit. What is written in one turn of the event loop, and whatever arrives while a batch is being written, goes
 * into one transaction and is flushed once; every promise waits for its own COMMIT. There is no timer and no tuning: an
 * idle store writes at once, a busy one writes large batches.
 */

import type { Entropy } from '../../domain/entropy.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { byWhatTheyAreAbout, type Outcome, type Row, type Statement, type Unit } from '../sql/sql.ts'
import { turnOfTheLoop } from '../sql/turn-of-the-loop.ts'
import type { Connection } from './connection.ts'
import type { Patiently } from './patience.ts'
import { isBusy, isUnavailable, unavailable } from './sqlite-error.ts'
import type { WriteTurn } from './write-turn.ts'

/** Long enough to spread one flush over many answers, short enough that a batch does not hold up the event loop. */
export const batchUnitsMax = 256
/** Beyond this the store says so at once instead of promising what it will not keep (I13). */
export const queuedUnitsMax = 16_384

export interface Writer {
  readonly write: (unit: Unit) => Promise<Outcome>
  readonly writeReturning: (statement: Statement) => Promise<readonly Row[]>
  /** Does this while nothing else of this process writes, and outside any transaction. */
  readonly alone: (action: () => void) => Promise<void>
  /** Takes no more, and resolves when everything taken has its answer. */
  readonly finish: () => Promise<void>
}

/** How a batch is marked with the store's time, and told that it is durable. */
export interface Stamp {
  readonly stamps: (batchId: string) => readonly Statement[]
  readonly stamped: () => void
}

interface Work {
  readonly about: string | null
  /** Runs inside the transaction. What it answers counts only once that is committed. */
  readonly run: () => Answer
  /** Has no transaction around it, and nothing of the batch beside it. */
  readonly isAlone?: boolean
}

interface Task extends Work {
  readonly settle: (answer: Answer) => void
  readonly fail: (error: unknown) => void
}

type Answer = Outcome | readonly Row[]

export interface WriterParts {
  readonly connection: Connection
  readonly stamp: Stamp
  readonly patiently: Patiently
  readonly entropy: Entropy
  /** Where other threads of this process write the same file. */
  readonly turn?: WriteTurn | undefined
}

export function createWriter(parts: WriterParts): Writer {
  const { connection, turn = noOthers } = parts
  const queue: Task[] = []
  let draining: Promise<void> | null = null
  let finished = false

  function enqueue({ about, isAlone = false, run }: Work): Promise<Answer> {
    if (finished) return Promise.reject(new StoreUnavailable('the store is closed'))
    if (queue.length >= queuedUnitsMax) return Promise.reject(new StoreUnavailable('too many writes are waiting'))
    return new Promise((settle, fail) => {
      queue.push({ about, isAlone, run, settle, fail })
      draining ??= drain()
    })
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await turnOfTheLoop()
      // What arrives while other threads have their turn goes into the batch as well.
      await turn.take(() => failAll(queue, new StoreUnavailable('the SQLite database stayed locked')))
      try {
        if (queue.length > 0) await writeBatch(takeBatch(queue), queue, parts)
      } finally {
        turn.pass()
      }
    }
    draining = null
  }

  return {
    write: unit => enqueue({ about: unit.about, run: () => runUnit(connection, unit) }) as Promise<Outcome>,
    writeReturning: statement =>
      enqueue({ about: null, run: () => connection.all(statement) }) as Promise<readonly Row[]>,
    alone: async action => {
      await enqueue({ about: null, isAlone: true, run: () => nothingAfter(action) })
    },
    finish: async () => {
      finished = true
      while (draining !== null) await draining
    },
  }
}

/**
 * A batch that fails is written again one by one, so that one bad unit fails alone. Where it is the database that is
 * away, whoever queued up behind is told too: each batch would wait as long as this one did, and the last for hours.
 */
async function writeBatch(batch: readonly Task[], queue: Task[], parts: WriterParts): Promise<void> {
  try {
    const answers = await writeOnce(batch, parts)
    batch.forEach((task, at) => task.settle(answers[at] as Answer))
  } catch (error) {
    const isAway = isUnavailable(error)
    if (batch.length > 1 && !isAway) for (const task of batch) await writeBatch([task], queue, parts)
    else for (const task of batch) task.fail(error)
    if (isAway) failAll(queue, error)
  }
}

function failAll(queue: Task[], error: unknown): void {
  for (const task of queue.splice(0)) task.fail(error)
}

function nothingAfter(action: () => void): Answer {
  action()
  return []
}

/** Takes the oldest tasks, at most one about each thing; a second one waits for the next batch. Written in that order. */
function takeBatch(queue: Task[]): readonly Task[] {
  if (queue[0]?.isAlone === true) return queue.splice(0, 1)
  const taken: Task[] = []
  const left: Task[] = []
  const abouts = new Set<string>()
  for (const task of queue) {
    const waits = task.isAlone || taken.length >= batchUnitsMax || (task.about !== null && abouts.has(task.about))
    if (waits) left.push(task)
    else taken.push(task)
    if (!waits && task.about !== null) abouts.add(task.about)
  }
  queue.splice(0, queue.length, ...left)
  return taken.sort(byWhatTheyAreAbout)
}

function runUnit(connection: Connection, { guard, statements }: Unit): Outcome {
  if (guard !== null) {
    const changed = connection.run(guard)
    if (changed === 0) return 'moved'
    if (changed !== 1) throw new RangeError(`a guard changed ${changed} rows: ${guard.text}`)
  }
  for (const statement of statements) connection.run(statement)
  return 'done'
}

function writeOnce(batch: readonly Task[], parts: WriterParts): Promise<readonly Answer[]> {
  const { connection, stamp, patiently, entropy } = parts
  const [first] = batch
  if (first?.isAlone === true) return patiently(() => [first.run()])
  return patiently(() => transact(connection, batch, stamp, batchIdFrom(entropy)))
}

/**
 * One transaction, from first to last without a pause. Where COMMIT fails, the database is asked whether the batch is
 * there: only what is neither there nor certainly rolled back is left open, as `StoreUnavailable` (I14).
 */
function transact(connection: Connection, batch: readonly Task[], stamp: Stamp, batchId: string): readonly Answer[] {
  rollBack(connection)
  connection.run(begin)
  let answers: readonly Answer[]
  try {
    for (const statement of stamp.stamps(batchId)) connection.run(statement)
    answers = batch.map(task => task.run())
  } catch (error) {
    rollBack(connection)
    throw error
  }
  try {
    connection.run(commit)
  } catch (error) {
    rollBack(connection)
    if (!isThere(connection, batchId)) throw isBusy(error) ? error : unavailable(error)
  }
  stamp.stamped()
  return answers
}

const begin: Statement = { text: 'BEGIN IMMEDIATE', params: [] }
const commit: Statement = { text: 'COMMIT', params: [] }
const rollback: Statement = { text: 'ROLLBACK', params: [] }
const lastBatch: Statement = { text: 'SELECT batch_id FROM store_clock WHERE id = 1', params: [] }

/** After some errors SQLite has rolled back by itself; after others a roll-back failed and is owed. */
function rollBack(connection: Connection): void {
  if (connection.database.isTransaction) connection.run(rollback)
}

function isThere(connection: Connection, batchId: string): boolean {
  try {
    return connection.all(lastBatch)[0]?.[0] === batchId
  } catch (error) {
    throw unavailable(error)
  }
}

function batchIdFrom(entropy: Entropy): string {
  return Buffer.from(entropy.bytes(16)).toString('base64url')
}

/** There is one thread, and its turn is always. */
const noOthers: WriteTurn = { take: async () => {}, pass: () => {} }
