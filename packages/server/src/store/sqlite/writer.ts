/**
 * Group commit. What is written in one turn of the event loop, and whatever arrives while a batch is being written, goes
 * into one transaction and is flushed once; every promise waits for its own COMMIT. There is no timer and no tuning: an
 * idle store writes at once, a busy one writes large batches.
 */

import type { Entropy } from '../../domain/entropy.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import type { Outcome, Row, Statement, Unit } from '../sql/sql.ts'
import type { Connection } from './connection.ts'
import type { Patiently } from './patience.ts'
import { isBusy, isUnavailable, unavailable } from './sqlite-error.ts'

/** Long enough to spread one flush over many answers, short enough that a batch does not hold up the event loop. */
export const batchUnitsMax = 256
/** Beyond this the store says so at once instead of promising what it will not keep (I13). */
export const queuedUnitsMax = 16_384

export interface Writer {
  readonly write: (unit: Unit) => Promise<Outcome>
  readonly writeReturning: (statement: Statement) => Promise<readonly Row[]>
  /** Takes no more, and resolves when everything taken has its answer. */
  readonly finish: () => Promise<void>
}

/** How a batch is marked with the store's time, and told that it is durable. */
export interface Stamp {
  readonly stamps: (batchId: string) => readonly Statement[]
  readonly stamped: () => void
}

interface Task {
  readonly about: string | null
  /** Runs inside the transaction. What it answers counts only once that is committed. */
  readonly run: () => Answer
  readonly settle: (answer: Answer) => void
  readonly fail: (error: unknown) => void
}

type Answer = Outcome | readonly Row[]

export function createWriter(connection: Connection, stamp: Stamp, patiently: Patiently, entropy: Entropy): Writer {
  const queue: Task[] = []
  let draining: Promise<void> | null = null
  let finished = false

  function enqueue(about: string | null, run: () => Answer): Promise<Answer> {
    if (finished) return Promise.reject(new StoreUnavailable('the store is closed'))
    if (queue.length >= queuedUnitsMax) return Promise.reject(new StoreUnavailable('too many writes are waiting'))
    return new Promise((settle, fail) => {
      queue.push({ about, run, settle, fail })
      draining ??= drain()
    })
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await turnOfTheLoop()
      await writeBatch(takeBatch(queue))
    }
    draining = null
  }

  /**
   * A batch that fails is written again one by one, so that one bad unit fails alone. Where it is the database that is
   * away, whoever queued up behind is told too: each batch would wait as long as this one did, and the last for hours.
   */
  async function writeBatch(batch: readonly Task[]): Promise<void> {
    try {
      const answers = await patiently(() => transact(connection, batch, stamp, batchIdFrom(entropy)))
      batch.forEach((task, at) => task.settle(answers[at] as Answer))
    } catch (error) {
      const isAway = isUnavailable(error)
      if (batch.length > 1 && !isAway) for (const task of batch) await writeBatch([task])
      else for (const task of batch) task.fail(error)
      if (isAway) for (const task of queue.splice(0)) task.fail(error)
    }
  }

  return {
    write: unit => enqueue(unit.about, () => runUnit(connection, unit)) as Promise<Outcome>,
    writeReturning: statement => enqueue(null, () => connection.all(statement)) as Promise<readonly Row[]>,
    finish: async () => {
      finished = true
      while (draining !== null) await draining
    },
  }
}

/** Takes the oldest tasks, at most one about each thing; a second one waits for the next batch. Written in that order. */
function takeBatch(queue: Task[]): readonly Task[] {
  const taken: Task[] = []
  const left: Task[] = []
  const abouts = new Set<string>()
  for (const task of queue) {
    const waits = taken.length >= batchUnitsMax || (task.about !== null && abouts.has(task.about))
    if (waits) left.push(task)
    else taken.push(task)
    if (!waits && task.about !== null) abouts.add(task.about)
  }
  queue.splice(0, queue.length, ...left)
  return taken.sort(byWhatTheyAreAbout)
}

function byWhatTheyAreAbout(a: Task, b: Task): number {
  if (a.about === b.about) return 0
  return (a.about ?? '') < (b.about ?? '') ? -1 : 1
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

function turnOfTheLoop(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
