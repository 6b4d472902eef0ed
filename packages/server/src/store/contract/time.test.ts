/** The store's time, interruptions, durability, and several handles on the same data. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Interruption } from '@pawl/family'
import { newStepId } from '../../domain/identifiers.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { interruptionMsMin, interruptionsKeptMax } from '../sql/store-clock.ts'
import { eventOf, type Kind, opened, readFamily, rotated, sceneOf, settableClock, startMs } from './fixture.test.ts'

export function proveTime(kind: Kind): void {
  describe('the time of the store', () => proveClock(kind))
  describe('a closed store', () => proveClosed(kind))
  if (!kind.persists) return
  describe('data that persists', () => proveDurability(kind))
  describe('an interruption', () => proveInterruptions(kind))
  describe('several handles', () => proveHandles(kind))
}

function proveClock(kind: Kind): void {
  it('follows the clock forwards and never back', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const family = await opened(scene)
    assert.equal(await store.now(), startMs)
    clock.advance(500)
    assert.equal((await readFamily(store, family)).nowMs, startMs + 500)
    clock.advance(-10_000)
    assert.equal((await readFamily(store, family)).nowMs, startMs + 500)
    assert.equal(await store.now(), startMs + 500)
  })
  it('knows of no interruption in a store that was never written before', async test => {
    const scene = await sceneOf(kind, test)
    scene.clock.advance(3_600_000)
    const family = await opened(scene)
    scene.clock.advance(3_600_000)
    assert.deepEqual((await readFamily(scene.store, family)).interruptions, [])
  })
  it('is asked for by a check that finds the store well', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.check(), undefined)
  })
}

function proveClosed(kind: Kind): void {
  it('has answered what it took, and takes no more', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const writing = store.events.record([eventOf('signed_in', entropy)])
    await store.close()
    assert.equal(await writing, undefined)
    await assert.rejects(store.now(), StoreUnavailable)
    await assert.rejects(store.events.record([eventOf('signed_in', entropy)]), StoreUnavailable)
    await assert.rejects(store.check(), StoreUnavailable)
    assert.equal(await store.close(), undefined)
  })
}

function proveDurability(kind: Kind): void {
  it('is all there after closing and opening again', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy, another } = scene
    const family = await rotated(scene, await opened(scene))
    const target = { kind: 'user', subject: family.grant.subject ?? assert.fail() } as const
    const atMs = await store.cutOffs.set({ target, reason: 'test', by: 'operator', beforeMs: null }, [])
    await store.events.record([eventOf('cut_off_set', entropy)])
    await store.close()
    const again = await another()
    const reading = await readFamily(again, family)
    assert.deepEqual(reading.family, family)
    assert.equal(reading.cutOffs.userMs, atMs)
    assert.equal((await again.events.latest(10)).length, 1)
  })
  it('keeps its time where the next clock is earlier', async test => {
    const scene = await sceneOf(kind, test)
    scene.clock.advance(5000)
    const family = await opened(scene)
    await scene.store.close()
    const again = await scene.another(settableClock(startMs - 86_400_000))
    assert.equal(await again.now(), startMs + 5000)
    assert.equal((await readFamily(again, family)).nowMs, startMs + 5000)
  })
}

function proveInterruptions(kind: Kind): void {
  it('is not a restart of ten seconds', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    await scene.store.close()
    scene.clock.advance(interruptionMsMin)
    const again = await scene.another()
    assert.deepEqual((await readFamily(again, family)).interruptions, [])
    await rotated({ ...scene, store: again }, family)
    assert.deepEqual((await readFamily(again, family)).interruptions, [])
  })
  it('is one of more, open until the first write and fixed by it', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    await scene.store.close()
    scene.clock.advance(interruptionMsMin + 1)
    const again = await scene.another()
    scene.clock.advance(1000)
    const now = startMs + interruptionMsMin + 1001
    assert.deepEqual((await readFamily(again, family)).interruptions, [{ beganAtMs: startMs, endedAtMs: now }])
    await rotated({ ...scene, store: again }, family)
    scene.clock.advance(3_600_000)
    await rotated({ ...scene, store: again }, family)
    assert.deepEqual((await readFamily(again, family)).interruptions, [{ beganAtMs: startMs, endedAtMs: now }])
  })
  it('is remembered by the next one who opens, and is not made by an idle night', async test => {
    const scene = await sceneOf(kind, test)
    const family = await rotated(scene, await opened(scene))
    await scene.store.close()
    scene.clock.advance(60_000)
    const again = await scene.another()
    await rotated({ ...scene, store: again }, family)
    const third = await scene.another()
    scene.clock.advance(8 * 3_600_000)
    await rotated({ ...scene, store: third }, family)
    const interruption = { beganAtMs: startMs, endedAtMs: startMs + 60_000 }
    assert.deepEqual((await readFamily(third, family)).interruptions, [interruption])
    assert.deepEqual((await readFamily(again, family)).interruptions, [interruption])
  })
  it('is over for all who opened after it, whoever of them writes', async test => {
    const scene = await sceneOf(kind, test)
    const family = await rotated(scene, await opened(scene))
    await scene.store.close()
    scene.clock.advance(60_000)
    const [first, second] = [await scene.another(), await scene.another()]
    const interruption = { beganAtMs: startMs, endedAtMs: scene.clock.nowMs() }
    const moved = await rotated({ ...scene, store: first }, family)
    // Nobody writes for a while: that is idle, also for the one who has written nothing since it opened.
    scene.clock.advance(30_000)
    assert.deepEqual((await readFamily(second, moved)).interruptions, [interruption])
    await rotated({ ...scene, store: second }, moved)
    assert.deepEqual((await readFamily(first, moved)).interruptions, [interruption])
  })
  it('is not made by one who opened with others and writes late', async test => {
    const scene = await sceneOf(kind, test)
    const family = await rotated(scene, await opened(scene))
    await scene.store.close()
    scene.clock.advance(60_000)
    const [first, second] = [await scene.another(), await scene.another()]
    const interruption = { beganAtMs: startMs, endedAtMs: scene.clock.nowMs() }
    await rotated({ ...scene, store: first }, family)
    scene.clock.advance(30_000)
    await second.events.record([eventOf('cut_off_set', scene.entropy)])
    assert.deepEqual((await readFamily(first, family)).interruptions, [interruption])
  })
  it('keeps those before it, the oldest first, and not more than it may', async test => {
    const scene = await sceneOf(kind, test)
    let { store } = scene
    let family = await opened(scene)
    const expected: Interruption[] = []
    for (let round = 0; round <= interruptionsKeptMax; round++) {
      const beganAtMs = scene.clock.nowMs()
      await store.close()
      scene.clock.advance(30_000)
      store = await scene.another()
      const open = { beganAtMs, endedAtMs: scene.clock.nowMs() }
      assert.deepEqual((await readFamily(store, family)).interruptions, [
        ...expected.slice(-interruptionsKeptMax),
        open,
      ])
      family = await rotated({ ...scene, store }, family)
      expected.push(open)
      assert.deepEqual((await readFamily(store, family)).interruptions, expected.slice(-interruptionsKeptMax))
    }
  })
}

function proveHandles(kind: Kind): void {
  it('give one of them the step, and show it to all', async test => {
    const scene = await sceneOf(kind, test)
    const stores = [scene.store, await scene.another(), await scene.another()]
    const family = await opened(scene)
    const steps = stores.map(() => ({ ...family, generation: 1, stepId: newStepId(scene.entropy) }))
    const outcomes = await Promise.all(
      stores.map((store, at) => {
        const next = steps[at] ?? family
        return store.families.commit({ readAt: family.stepId, family: next, events: [], cutOffs: [] })
      }),
    )
    assert.deepEqual(outcomes.toSorted(), ['done', 'moved', 'moved'])
    const winner = steps[outcomes.indexOf('done')]
    for (const store of stores) assert.deepEqual((await readFamily(store, family)).family, winner)
  })
  it('share one time, however far their clocks are apart', async test => {
    const scene = await sceneOf(kind, test)
    const ahead = await scene.another(settableClock(startMs + 60_000))
    const family = await opened({ ...scene, store: ahead })
    assert.equal(await scene.store.now(), startMs + 60_000)
    const target = { kind: 'everyone' } as const
    const atMs = await scene.store.cutOffs.set({ target, reason: 'test', by: 'operator', beforeMs: null }, [])
    assert.equal(atMs, family.createdAtMs + 1)
    assert.equal(await ahead.now(), atMs)
  })
  it('count one throttle together and settle one setting', async test => {
    const { store, another } = await sceneOf(kind, test)
    const other = await another()
    const charges = await Promise.all([store, other, store, other].map(one => one.throttles.charge('key', 60)))
    assert.deepEqual(
      charges.map(charge => charge.count).toSorted((a, b) => a - b),
      [1, 2, 3, 4],
    )
    const values = await Promise.all([store, other].map((one, at) => one.setting('name', Uint8Array.of(at))))
    assert.deepEqual(values[0], values[1])
  })
}
