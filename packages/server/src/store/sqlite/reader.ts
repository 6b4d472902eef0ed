/**
 * Reads that arrive in one turn of the event loop are answered together, in one read transaction that begins after the
 * last of them arrived: each sees all that was committed before it was asked. Beginning and ending a transaction costs as
 * much as a look-up by key, and many look-ups one after the other find the processor's caches full of what they need.
 */

import { StoreUnavailable } from '../../domain/store.ts'
import type { Row, Statement } from '../sql/sql.ts'
import { turnOfTheLoop } from '../sql/turn-of-the-loop.ts'
import type { Connection } from './connection.ts'
import type { Patiently } from './patience.ts'
import { isUnavailable } from './sqlite-error.ts'

/** Few enough that they do not hold up the event loop. */
export const batchReadsMax = 256
/** Beyond this the store says so at once (I13). */
export const queuedReadsMax = 16_384

export interface Reader {
  readonly read: (statement: Statement) => Promise<readonly Row[]>
  /** Resolves when everything asked so far has its answer. */
  readonly finish: () => Promise<void>
}

interface Task {
  readonly statement: Statement
  readonly settle: (rows: readonly Row[]) => void
  readonly fail: (error: unknown) => void
}

export function createReader(connection: Connection, patiently: Patiently): Reader {
  const queue: Task[] = []
  let draining: Promise<void> | null = null

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await turnOfTheLoop()
      await answer(queue.splice(0, batchReadsMax))
    }
    draining = null
  }

  /** A read that fails is asked again by itself, so that it fails alone; where the database is away, all of them fail. */
  async function answer(tasks: readonly Task[]): Promise<void> {
    try {
      const answers = await patiently(() => readTogether(connection, tasks))
      tasks.forEach((task, at) => task.settle(answers[at] ?? []))
    } catch (error) {
      if (tasks.length > 1 && !isUnavailable(error)) for (const task of tasks) await answer([task])
      else for (const task of tasks) task.fail(error)
    }
  }

  return {
    read: statement => {
      if (queue.length >= queuedReadsMax) return Promise.reject(new StoreUnavailable('too many reads are waiting'))
      return new Promise((settle, fail) => {
        queue.push({ statement, settle, fail })
        draining ??= drain()
      })
    },
    finish: async () => {
      while (draining !== null) await draining
    },
  }
}

/** From first to last without a pause: no write of this connection ever finds the transaction open. */
function readTogether(connection: Connection, tasks: readonly Task[]): readonly (readonly Row[])[] {
  if (tasks.length === 1) return tasks.map(({ statement }) => connection.all(statement))
  connection.run(begin)
  try {
    return tasks.map(({ statement }) => connection.all(statement))
  } finally {
    // Some errors end the transaction by themselves.
    if (connection.database.isTransaction) connection.run(end)
  }
}

const begin: Statement = { text: 'BEGIN', params: [] }
const end: Statement = { text: 'ROLLBACK', params: [] }
