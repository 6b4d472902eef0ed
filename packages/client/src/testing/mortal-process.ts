/**
 * A process that can be killed at each of its effects. Whatever reaches outside (store, network, custody key, timer)
 * goes through here, is counted, and meets its fate: to happen, to fail, to be slow, or to be the last thing that the
 * process ever did. After a kill nothing of it goes on: promises that it waits for never settle, and what it had sent
 * takes its course without it.
 */

import type { CustodyKey } from '../custody/custody-key.ts'
import type { CustodyStore, Lease } from '../custody/custody-store.ts'
import type { HolderClock } from '../holder/clock.ts'
import type { Fetch } from '../holder/holder.ts'
import { destinationOf } from './flaky-network.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** `fetch token`, `store save`, `key open`, `clock wait` … */
export interface Effect {
  readonly name: string
  /** Counted over the life of the process, from 0. */
  readonly at: number
}

/**
 * `dies-before`: the process is killed and the effect never happens. `dies-after`: it happens, and the process does not
 * live to see it. `fails-before`: it is told of a failure, and nothing happened. `fails-after`: it happened all the same.
 */
export const fates = [
  'happens',
  'dies-before',
  'dies-after',
  'fails-before',
  'fails-after',
  'slow-before',
  'slow-after',
] as const
export type Fate = (typeof fates)[number]

export interface MortalProcess {
  readonly clock: HolderClock
  /** The same, behind this process. */
  store(store: CustodyStore): CustodyStore
  fetch(fetch: Fetch): Fetch
  custodyKey(key: CustodyKey): CustodyKey
  /** Any other effect: a file, a queue, a keystore. */
  effect<T>(name: string, happen: () => Promise<T>): Promise<T>
  kill(): void
  isAlive(): boolean
  /** All that it began, in order. */
  readonly effects: readonly Effect[]
  /** Resolves when it was killed. */
  readonly killed: Promise<void>
}

/** An effect failed because a test wanted it to. */
export class FailedOnPurpose extends Error {
  constructor(name: string) {
    super(`${name} failed on purpose`)
    this.name = 'FailedOnPurpose'
  }
}

export const slowMs = 5000

export function mortalProcess(clock: VirtualClock, fateOf: (effect: Effect) => Fate): MortalProcess {
  const effects: Effect[] = []
  const grave = graveOf()

  const effect = async <T>(name: string, happen: () => Promise<T>): Promise<T> => {
    if (!grave.isAlive()) return never()
    const self = { name, at: effects.length }
    effects.push(self)
    const fate = fateOf(self)
    if (fate === 'dies-before') return grave.kill()
    if (fate === 'fails-before') throw failure(name)
    if (fate === 'slow-before') await grave.unlessDead(clock.wait(slowMs))
    const happened = happen()
    if (fate === 'dies-after') {
      // What came of it nobody learns; but it must have happened before the next process begins.
      await happened.then(nobodyLearns, nobodyLearns)
      return grave.kill()
    }
    const result = await grave.unlessDead(happened)
    if (fate === 'slow-after') await grave.unlessDead(clock.wait(slowMs))
    if (fate === 'fails-after') throw failure(name)
    return result
  }

  const wait: HolderClock['wait'] = async (ms, signal) => {
    if (!grave.isAlive()) return never()
    const self = { name: 'clock wait', at: effects.length }
    effects.push(self)
    // A timer does not fail; it is cut short by the end only.
    if (fateOf(self).startsWith('dies')) return grave.kill()
    await grave.unlessDead(clock.wait(ms, signal))
  }

  // How long a request takes is for the network to say: it may wait on the same clock.
  const inNoTime: MortalProcess['effect'] = (name, happen) => effect(name, () => clock.during(happen))

  return {
    clock: { nowMs: clock.nowMs, wait },
    store: store => mortalStore(store, inNoTime),
    fetch: fetch => (input, init) => effect(`fetch ${destinationOf(input)}`, () => answered(fetch, input, init)),
    custodyKey: key => mortalKey(key, inNoTime),
    effect,
    kill: () => void grave.kill(),
    isAlive: grave.isAlive,
    effects,
    killed: grave.killed,
  }
}

function mortalStore(store: CustodyStore, effect: MortalProcess['effect']): CustodyStore {
  const mortalLease = (lease: Lease): Lease => ({ release: () => effect('store release', () => lease.release()) })
  const verbs: CustodyStore = {
    keepsKeys: store.keepsKeys,
    load: name => effect('store load', () => store.load(name)),
    save: (name, record, ifVersion) => effect('store save', () => store.save(name, record, ifVersion)),
    lease: async (name, seconds) => {
      const lease = await effect('store lease', () => store.lease(name, seconds))
      return lease === null ? null : mortalLease(lease)
    },
    remove: (name, ifVersion) => effect('store remove', () => store.remove(name, ifVersion)),
  }
  return store.watch === undefined ? verbs : { ...verbs, watch: listener => store.watch?.(listener) ?? (() => {}) }
}

function mortalKey(key: CustodyKey, effect: MortalProcess['effect']): CustodyKey {
  return {
    seal: (text, place) => effect('key seal', () => key.seal(text, place)),
    open: (sealed, place) => effect('key open', () => key.open(sealed, place)),
    retryKeyFor: credential => effect('key retry', () => key.retryKeyFor(credential)),
  }
}

/** An answer has arrived when its last byte has: a process may die between its head and its body. */
async function answered(fetch: Fetch, input: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(input, init)
  const body = await answer.arrayBuffer()
  const hasBody = answer.status !== 204 && answer.status !== 304
  return new Response(hasBody ? body : null, answer)
}

function failure(name: string): Error {
  // A fetch rejects with a TypeError, whatever broke (Fetch §5.6).
  return name.startsWith('fetch') ? new TypeError(`${name} failed on purpose`) : new FailedOnPurpose(name)
}

interface Grave {
  isAlive(): boolean
  /** Never settles. */
  kill(): Promise<never>
  /** What a dead process waits for never comes, not even a failure. */
  unlessDead<T>(work: Promise<T>): Promise<T>
  readonly killed: Promise<void>
}

function graveOf(): Grave {
  let isAlive = true
  const { promise: killed, resolve } = Promise.withResolvers<void>()
  return {
    isAlive: () => isAlive,
    kill: () => {
      isAlive = false
      resolve()
      return never()
    },
    unlessDead: work =>
      work.then(
        value => (isAlive ? value : never()),
        error => {
          if (isAlive) throw error
          return never()
        },
      ),
    killed,
  }
}

function nobodyLearns(): void {}

function never(): Promise<never> {
  return new Promise(() => {})
}
