/**
 * Reads that arrive together go together: the same question once, look-ups by key of one table as one statement, all
 * else behind each other without waiting. A read changes nothing, so one that lost its connection is asked again.
 */

import { StoreUnavailable } from '../../domain/store.ts'
import type { Row, Statement } from '../sql/sql.ts'
import { createLanes, type LaneParts, queuedTasksMax } from './lanes.ts'
import { manyRead, manyReadText } from './many.ts'
import { meaningOf, statementRefused, unavailable } from './postgres-error.ts'
import { BrokenSession, type Reply } from './session.ts'

/** Enough to spread one trip over many answers, and no more than a lane may keep from the others. */
export const readsTogetherMax = 256
const attemptsMax = 2

export interface Reader {
  readonly read: (statement: Statement) => Promise<readonly Row[]>
  readonly finish: () => Promise<void>
}

interface Task {
  readonly statement: Statement
  readonly settle: (rows: readonly Row[]) => void
  readonly fail: (error: Error) => void
  attempts: number
}

/** One statement, and who waits for which of its rows. */
interface Question {
  readonly statement: Statement
  readonly hear: (reply: Reply) => void
}

export function createReader(parts: LaneParts): Reader {
  let finished = false
  const lanes = createLanes<Task>(parts, {
    take: queue => queue.splice(0, readsTogetherMax),
    work: async ({ session }, batch) => {
      const questions = questionsOf(batch)
      try {
        const replies = await session.ask(questions.map(question => question.statement))
        replies.forEach((reply, at) => questions[at]?.hear(reply))
      } catch (error) {
        lost(batch, error)
      }
    },
    fail: (task, error) => task.fail(error),
  })

  function lost(batch: readonly Task[], error: unknown): void {
    const again: Task[] = []
    // What waited long enough is not asked for again: it would wait as long.
    const isBroken = error instanceof BrokenSession && !error.isOverdue
    for (const task of batch) {
      task.attempts += 1
      if (isBroken && task.attempts < attemptsMax) again.push(task)
      else task.fail(unavailable(error))
    }
    if (again.length > 0) lanes.again(again)
  }

  return {
    read: statement => {
      if (finished) return Promise.reject(new StoreUnavailable('the store is closed'))
      return new Promise((settle, fail) => {
        if (lanes.push({ statement, settle, fail, attempts: 0 })) return
        fail(new StoreUnavailable(`more than ${queuedTasksMax} reads wait`))
      })
    },
    finish: () => {
      finished = true
      return lanes.finish()
    },
  }
}

function questionsOf(batch: readonly Task[]): readonly Question[] {
  const byKey = new Map<string, Map<string, Task[]>>()
  const alike = new Map<string, Task[]>()
  for (const task of batch) {
    const { text, params } = task.statement
    const [key] = params
    const many = params.length === 1 && typeof key === 'string' ? manyReadText(text) : undefined
    if (many === undefined) keep(alike, `${text} ${JSON.stringify(params)}`, task)
    else keep(mapIn(byKey, many), key as string, task)
  }
  return [...[...byKey].map(([text, waiting]) => manyQuestion(text, waiting)), ...[...alike.values()].map(oneQuestion)]
}

function oneQuestion(waiting: readonly Task[]): Question {
  const statement = waiting[0]?.statement ?? { text: '', params: [] }
  return { statement, hear: reply => answer(waiting, reply, reply.rows) }
}

function manyQuestion(text: string, waiting: ReadonlyMap<string, readonly Task[]>): Question {
  return {
    statement: manyRead(text, [...waiting.keys()]),
    hear: reply => {
      const rows = new Map(reply.rows.map(row => [row[0], row]))
      for (const [key, tasks] of waiting) {
        const row = rows.get(key)
        answer(tasks, reply, row === undefined ? [] : [row])
      }
    },
  }
}

function answer(tasks: readonly Task[], { failure }: Reply, rows: readonly Row[]): void {
  for (const task of tasks) {
    if (failure === null) task.settle(rows)
    else task.fail(meaningOf(failure) === 'refused' ? statementRefused(failure) : unavailable(failure))
  }
}

function keep<Key>(waiting: Map<Key, Task[]>, key: Key, task: Task): void {
  const tasks = waiting.get(key)
  if (tasks === undefined) waiting.set(key, [task])
  else tasks.push(task)
}

function mapIn<Key, Inner>(outer: Map<Key, Map<string, Inner>>, key: Key): Map<string, Inner> {
  const inner = outer.get(key) ?? new Map<string, Inner>()
  outer.set(key, inner)
  return inner
}
