/**
 * What a request makes the server do, counted and not timed: how often each function of the packages ran, by the engine's
 * own precise coverage. Two requests that do the same work cannot be told apart by their time on any machine, and a
 * count is the same on a fast one, a slow one and a busy one.
 */

import assert from 'node:assert/strict'
import { type Profiler, Session } from 'node:inspector/promises'

/** By `path function`, as in `server/src/domain/keys/hmac.ts hmacText`; what did not run is not in it. */
export type Work = ReadonlyMap<string, number>

/** Counts while one piece of work after the other is done; nothing else may run in the process meanwhile. */
export interface WorkCounter {
  readonly during: (work: () => Promise<unknown>) => Promise<Work>
  readonly stop: () => Promise<void>
}

export async function countWork(): Promise<WorkCounter> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  const take = async (): Promise<readonly Profiler.ScriptCoverage[]> =>
    (await session.post('Profiler.takePreciseCoverage')).result
  return {
    during: async work => {
      // Taking sets the counts back to nothing.
      await take()
      await work()
      return workIn(await take())
    },
    stop: async () => {
      await session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}

const ours = '/packages/'

function workIn(scripts: readonly Profiler.ScriptCoverage[]): Work {
  const work = new Map<string, number>()
  for (const { url, functions } of scripts) {
    const at = url.indexOf(ours)
    if (at < 0) continue
    const path = url.slice(at + ours.length)
    for (const { functionName, ranges } of functions) {
      const count = ranges[0]?.count ?? 0
      if (count === 0 || functionName === '') continue
      const name = `${path} ${functionName}`
      work.set(name, (work.get(name) ?? 0) + count)
    }
  }
  return work
}

/** What is dear enough to be told by a clock at the other end of a network. */
export interface Toll {
  /** Asked of the store while the caller waits. */
  readonly questions: number
  /** Transactions that were written before the answer. */
  readonly transactions: number
  readonly hmacs: number
  readonly passwordHashes: number
  readonly signatures: number
  /** Of what others signed. */
  readonly verifications: number
  /** Everything else: calls of functions of ours, each a fraction of a microsecond. */
  readonly calls: number
}

export function tollOf(work: Work): Toll {
  const count = (pattern: RegExp): number => {
    let sum = 0
    for (const [name, times] of work) if (pattern.test(name)) sum += times
    return sum
  }
  return {
    questions: count(/\/store\/(?:sqlite|postgres)\/reader\.ts read$/),
    transactions: count(/\/store\/(?:sqlite\/writer\.ts transact|postgres\/batch\.ts writeBatch)$/),
    hmacs: count(/\/keys\/hmac\.ts hmacText$/),
    passwordHashes: count(/\/user\/password\.ts argon2id$/),
    signatures: count(/\/token\/sign-jwt\.ts signatureOf$/),
    verifications: count(/\/token\/foreign-jwt\.ts verifies$/),
    calls: count(/ /),
  }
}

/** Functions of ours, most of them of one line: a hundred are a few microseconds. */
const callsApartMax = 100

/** Nothing that a clock at the other end could find. */
export function assertSameToll(tolls: readonly Toll[]): void {
  const told = JSON.stringify(tolls, null, 1)
  const dear = new Set(tolls.map(toll => JSON.stringify({ ...toll, calls: 0 })))
  assert.equal(dear.size, 1, told)
  const calls = tolls.map(toll => toll.calls)
  assert.ok(Math.max(...calls) - Math.min(...calls) <= callsApartMax, told)
}
