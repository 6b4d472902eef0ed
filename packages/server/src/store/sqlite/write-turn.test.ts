/** Threads that want to write at once: one at a time, each in its turn, and none that dies takes the turn with it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Turns } from './turning-thread.test.ts'
import { leaveTurn, turnMemory, writeTurn } from './write-turn.ts'

const program = fileURLToPath(new URL('turning-thread.test.ts', import.meta.url))
const longMs = 3_600_000
const never = (): void => assert.fail('the turn is late')

function taken(promise: Promise<void>): { readonly is: () => boolean } {
  let isTaken = false
  const take = (): void => {
    isTaken = true
  }
  promise.then(take, assert.fail)
  return { is: () => isTaken }
}

/** Waiting is over once whoever holds the turn was asked for it and everybody had a chance to run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('the turn to write', () => {
  it('is one at a time', async () => {
    const memory = turnMemory(2)
    const [one, two] = [writeTurn(memory, 0, longMs), writeTurn(memory, 1, longMs)]
    await one.take(never)
    const second = two.take(never)
    const hasIt = taken(second)
    await settled()
    assert.equal(hasIt.is(), false)
    one.pass()
    await second
    two.pass()
    await one.take(never)
    one.pass()
  })

  it('comes to everybody who waits, whoever asks again at once', async () => {
    const threads = 3
    const memory = turnMemory(threads)
    const order: number[] = []
    const rounds = 8
    const live = async (thread: number): Promise<void> => {
      const turn = writeTurn(memory, thread, longMs)
      for (let round = 0; round < rounds; round++) {
        await turn.take(never)
        order.push(thread)
        await settled()
        turn.pass()
      }
    }
    await Promise.all([live(0), live(1), live(2)])
    assert.equal(order.length, threads * rounds)
    // Overtaken once for each thread at most: among so many turns in a row there is one of everybody who still asks.
    const span = 2 * threads
    for (let at = 0; at + span <= order.length - span; at++) {
      assert.deepEqual(new Set(order.slice(at, at + span)), new Set([0, 1, 2]), `${order}`)
    }
  })

  it('is free at once while the one that was woken is busy', async () => {
    const memory = turnMemory(2)
    const [one, two] = [writeTurn(memory, 0, longMs), writeTurn(memory, 1, longMs)]
    await one.take(never)
    const second = two.take(never)
    one.pass()
    await one.take(never)
    one.pass()
    await second
    two.pass()
  })

  it('that is late is said again and again, and comes all the same', async () => {
    const memory = turnMemory(2)
    const [one, two] = [writeTurn(memory, 0, longMs), writeTurn(memory, 1, 1)]
    await one.take(never)
    let late = 0
    await two.take(() => {
      late += 1
      if (late === 3) one.pass()
    })
    assert.ok(late >= 3)
    two.pass()
  })

  it('of a thread that is gone is handed on', async () => {
    const memory = turnMemory(3)
    const [one, two] = [writeTurn(memory, 0, longMs), writeTurn(memory, 1, longMs)]
    await one.take(never)
    const second = two.take(never)
    leaveTurn(memory, 2)
    const hasIt = taken(second)
    await settled()
    assert.equal(hasIt.is(), false, 'somebody else is gone')
    leaveTurn(memory, 0)
    await second
    two.pass()
  })

  it('is not handed to a thread that is gone', async () => {
    const memory = turnMemory(3)
    const [one, three] = [writeTurn(memory, 0, longMs), writeTurn(memory, 2, longMs)]
    await one.take(never)
    // What the second thread had written down before it died: that it waits.
    new Int32Array(memory)[2] = 1
    const third = three.take(never)
    leaveTurn(memory, 1)
    one.pass()
    await third
    three.pass()
    await one.take(never)
    one.pass()
  })

  it('that was freed for a thread that died before it could take it is found by another', async () => {
    const memory = turnMemory(3)
    const cells = new Int32Array(memory)
    const [one, three] = [writeTurn(memory, 0, longMs), writeTurn(memory, 2, longMs)]
    await one.take(never)
    const third = three.take(never)
    // Freed, and the second thread was woken for it.
    cells[0] = 0
    leaveTurn(memory, 1)
    await third
    three.pass()
  })

  it('that a dying thread had named a successor for, without a word to it, is found', async () => {
    const memory = turnMemory(2)
    const cells = new Int32Array(memory)
    const [one, two] = [writeTurn(memory, 0, longMs), writeTurn(memory, 1, longMs)]
    await one.take(never)
    const second = two.take(never)
    cells[0] = 2
    leaveTurn(memory, 0)
    await second
    two.pass()
    assert.deepEqual([...cells], [0, 0, 0])
  })
})

describe('threads', () => {
  const threads = 4
  const rounds = 2_000

  function start(test: TestContext, turns: Turns): Worker {
    const worker = new Worker(program, { workerData: turns })
    test.after(() => worker.terminate())
    return worker
  }

  it('never have the turn at once, and all get through', async test => {
    const memory = turnMemory(threads)
    const counted = new SharedArrayBuffer(8)
    const workers = Array.from({ length: threads }, (_, thread) => start(test, { memory, thread, counted, rounds }))
    await Promise.all(workers.map(worker => once(worker, 'exit')))
    // Added by reading and writing apart: two at once would have lost one.
    assert.deepEqual([...new Int32Array(counted)], [threads * rounds, 0])
  })

  it('that are ended anywhere leave the others their turns', async test => {
    const memory = turnMemory(threads)
    const counted = new SharedArrayBuffer(8)
    for (let round = 1; round <= 20; round++) {
      const doomed = start(test, { memory, thread: 1, counted, rounds: longMs })
      const other = start(test, { memory, thread: 2, counted, rounds: longMs })
      await counts(counted, 50 * round)
      await doomed.terminate()
      leaveTurn(memory, 1)
      const before = Atomics.load(new Int32Array(counted), 0)
      await counts(counted, before + 20)
      await other.terminate()
      leaveTurn(memory, 2)
    }
    assert.equal(new Int32Array(memory)[0], 0)
  })
})

async function counts(counted: SharedArrayBuffer, wanted: number): Promise<void> {
  const cells = new Int32Array(counted)
  while (Atomics.load(cells, 0) < wanted) await new Promise(resolve => setImmediate(resolve))
}
