/** A worker that dies as it is told (`crew.test.ts` starts it). As a test file of its own it does nothing. */

import { parentPort, workerData } from 'node:worker_threads'
import { writeTurn } from '../../store/sqlite/write-turn.ts'
import type { Orders, ToWorker } from './messages.ts'

/** Set, by whoever ends the worker, in the word that is otherwise for full hashers. */
export const dies = 7
const lateMs = 3_600_000

async function live({ common, thread }: Orders): Promise<void> {
  const fate = new Int32Array(common.hashesFull)
  if (Atomics.load(fate, 0) === dies) throw new Error('as it was told')
  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') parentPort?.close()
    if (message.kind === 'check') parentPort?.postMessage({ kind: 'checked', isWell: true })
    if (message.kind === 'replied') throw new Error('in the middle of a turn')
  })
  await writeTurn(common.turns, thread, lateMs).take(() => {})
  parentPort?.postMessage({ kind: 'log', line: 'it is my turn\n' })
  parentPort?.postMessage({ kind: 'up' })
  parentPort?.postMessage({ kind: 'asked', id: 1, question: { kind: 'hash', password: 'x' } })
}

if (workerData !== null) await live(workerData as Orders)
