/** The database tells the time, and a silence that no living node would have kept is an interruption. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { readFamily, rotated } from '../contract/fixture.test.ts'
import { interruptionMsMin } from '../sql/store-clock.ts'
import { openedIn, type Scene, sceneOn } from './fixture.test.ts'
import { restingRhythm, stampMsMin } from './stamping.ts'

/** Timers that go off when the test says so. */
function handTimers() {
  const waiting = new Map<() => void, number>()
  return {
    start: (callback: () => void, afterMs: number) => {
      waiting.set(callback, afterMs)
      return () => void waiting.delete(callback)
    },
    /** Lets those go off that wait this long. */
    ring: (afterMs: number) => {
      const due = [...waiting].filter(([, ms]) => ms === afterMs).map(([callback]) => callback)
      for (const callback of due) waiting.delete(callback)
      for (const callback of due) callback()
      return due.length
    },
  }
}

async function sceneWithTimers(test: TestContext) {
  const scene = await sceneOn(test)
  const timers = handTimers()
  const store = await scene.open({ startTimer: timers.start })
  return { ...scene, store, timers }
}

async function storedMs({ ask }: Pick<Scene, 'ask'>): Promise<number> {
  return Number((await ask('SELECT high_ms FROM store_clock'))[0]?.[0])
}

async function databaseMs({ ask }: Pick<Scene, 'ask'>): Promise<number> {
  return Number((await ask('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)'))[0]?.[0])
}

/** As if nobody had stored the time for so long. */
async function silence({ ask }: Pick<Scene, 'ask'>, silentMs: number): Promise<number> {
  const [row] = await ask('UPDATE store_clock SET high_ms = high_ms - $1 RETURNING high_ms', [silentMs])
  return Number(row?.[0])
}

describe('the time of the database', () => {
  it('is what every node answers, however wrong its own clock is', async test => {
    const scene = await sceneWithTimers(test)
    const earlierMs = await databaseMs(scene)
    const nowMs = await scene.store.now()
    const other = await scene.open()
    const nextMs = await other.now()
    const laterMs = await databaseMs(scene)
    assert.ok(earlierMs <= nowMs && nowMs <= nextMs && nextMs <= laterMs)
  })
  it('goes on from the time that is stored where the clock of a new server is behind it', async test => {
    const scene = await sceneWithTimers(test)
    const aheadMs = (await databaseMs(scene)) + 3_600_000
    await scene.ask('UPDATE store_clock SET high_ms = $1', [aheadMs])
    const other = await scene.open()
    assert.equal(await other.now(), aheadMs)
    assert.equal(await scene.store.now(), aheadMs)
  })
  it('is stored by a node that writes, but not with every batch', async test => {
    const scene = await sceneWithTimers(test)
    const { store, entropy, timers } = scene
    const family = await openedIn(store, entropy)
    const firstMs = await storedMs(scene)
    const next = await rotated({ store, entropy }, family)
    assert.equal(await storedMs(scene), firstMs)
    assert.equal(timers.ring(stampMsMin), 1)
    await rotated({ store, entropy }, next)
    assert.ok((await storedMs(scene)) > firstMs)
  })
  it('is stored by a node at rest, well within what would be an interruption', async test => {
    // One may fail, and the one after it may be late by as much again.
    assert.ok(3 * restingRhythm.everyMs < interruptionMsMin)
    const scene = await sceneWithTimers(test)
    const { store, entropy, timers } = scene
    await openedIn(store, entropy)
    const firstMs = await storedMs(scene)
    timers.ring(stampMsMin)
    assert.equal(timers.ring(restingRhythm.everyMs), 1)
    // The stamp was asked for before this check, and goes before it.
    await store.check()
    assert.ok((await storedMs(scene)) > firstMs)
  })
})

describe('an interruption', () => {
  it('is open for every node until one writes, and the same for all from then on', async test => {
    const scene = await sceneWithTimers(test)
    const { store, entropy, timers } = scene
    const other = await scene.open()
    const family = await openedIn(store, entropy)
    const beganAtMs = await silence(scene, 60_000)
    for (const one of [store, other]) {
      const { interruptions, nowMs } = await readFamily(one, family)
      assert.deepEqual(interruptions, [{ beganAtMs, endedAtMs: nowMs }])
    }
    timers.ring(stampMsMin)
    const next = await rotated({ store, entropy }, family)
    const [fixed, ...more] = (await readFamily(store, family)).interruptions
    assert.deepEqual(more, [])
    assert.equal(fixed?.beganAtMs, beganAtMs)
    await rotated({ store: other, entropy }, next)
    assert.deepEqual((await readFamily(other, family)).interruptions, [fixed])
  })
  it('is not hidden by a cut-off that raises the stored time', async test => {
    const scene = await sceneWithTimers(test)
    const { store, entropy } = scene
    const family = await openedIn(store, entropy)
    const beganAtMs = await silence(scene, 60_000)
    await store.cutOffs.set({ target: { kind: 'everyone' }, reason: 'test', by: 'operator', beforeMs: 1 }, [])
    const target = { kind: 'client', clientId: family.grant.clientId } as const
    await store.cutOffs.set({ target, reason: 'test', by: 'operator', beforeMs: null }, [])
    const { interruptions } = await readFamily(store, family)
    assert.deepEqual(
      interruptions.map(interruption => interruption.beganAtMs),
      [beganAtMs],
    )
  })
  it('is no shorter silence', async test => {
    const scene = await sceneWithTimers(test)
    const { store, entropy } = scene
    const family = await openedIn(store, entropy)
    await silence(scene, interruptionMsMin / 2)
    assert.deepEqual((await readFamily(store, family)).interruptions, [])
  })
})
