/** One of several threads that take turns (`write-turn.test.ts` starts them). As a test file of its own it does nothing. */

import { setImmediate } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import { writeTurn } from './write-turn.ts'

export interface Turns {
  readonly memory: SharedArrayBuffer
  readonly thread: number
  /** How many turns there were, and how many threads have one now. */
  readonly counted: SharedArrayBuffer
  readonly rounds: number
}

const lateMs = 3_600_000

async function takeTurns({ memory, thread, counted, rounds }: Turns): Promise<void> {
  const cells = new Int32Array(counted)
  const turn = writeTurn(memory, thread, lateMs)
  for (let round = 0; round < rounds; round++) {
    await turn.take(() => {})
    const before = cells[0] ?? 0
    if (round % 7 === 0) await setImmediate()
    cells[0] = before + 1
    turn.pass()
    // Nobody writes for ever: between two turns there is other work.
    if (round % 3 === 0) await setImmediate()
  }
}

if (workerData !== null) await takeTurns(workerData as Turns)
