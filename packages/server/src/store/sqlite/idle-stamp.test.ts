import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { repeatSecondsMax } from '../../admin/client-rules.ts'
import { repeatSecondsDefault } from '../../admin/client-defaults.ts'
import { opened, readFamily, rotated, seededEntropy, settableClock, startMs } from '../contract/fixture.test.ts'
import { idleStampMs, idleStampsMax } from '../sql/idle-stamp.ts'
import { openSqliteStore } from './sqlite-store.ts'

describe('an idle store', () => {
  it('is not taken for one that was away, as far as it goes', async test => {
    const scene = await idle(test)
    const family = await rotated(scene, await opened(scene))
    await scene.passMs(idleStampMs)
    await scene.passMs(idleStampMs - 1)
    scene.clock.advance(7_200_000)
    const again = await scene.another()
    const interruption = { beganAtMs: startMs + idleStampMs, endedAtMs: scene.clock.nowMs() }
    assert.deepEqual((await readFamily(again, family)).interruptions, [interruption])
  })

  it('says so for as long as a repeat window may be, and then no more', async test => {
    const scene = await idle(test)
    await opened(scene)
    assert.ok(idleStampMs >= repeatSecondsDefault * 1000)
    assert.ok(idleStampMs * idleStampsMax >= repeatSecondsMax * 1000)
    for (let round = 0; round <= idleStampsMax; round++) {
      assert.equal(scene.waiting(), 1)
      await scene.passMs(idleStampMs)
    }
    assert.equal(scene.waiting(), 0)
    await opened(scene)
    assert.equal(scene.waiting(), 1)
  })

  it('says nothing where it has written nothing, or is closed', async test => {
    const scene = await idle(test)
    await opened(scene)
    const reader = await scene.another()
    assert.ok((await reader.now()) > 0)
    assert.equal(scene.waiting(), 1)
    await scene.store.close()
    assert.equal(scene.waiting(), 0)
  })
})

/** A store in a file whose timers run out when the test lets time pass. */
async function idle(test: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-idle-'))
  const clock = settableClock(startMs)
  const entropy = seededEntropy(test.name)
  const timers = new Map<() => void, number>()
  const startTimer = (callback: () => void, afterMs: number) => {
    timers.set(callback, clock.nowMs() + afterMs)
    return () => timers.delete(callback)
  }
  const stores: { readonly close: () => Promise<void> }[] = []
  const another = async () => {
    const store = await openSqliteStore({ path: join(directory, 'pawl.db'), clock, entropy, startTimer })
    stores.push(store)
    return store
  }
  test.after(async () => {
    for (const store of stores) await store.close()
    await rm(directory, { recursive: true })
  })
  const store = await another()
  const passMs = async (byMs: number) => {
    clock.advance(byMs)
    for (const [callback, atMs] of timers) {
      if (atMs > clock.nowMs()) continue
      timers.delete(callback)
      callback()
    }
    // One turn gathers the batch that the stamp is in, the next writes it.
    await new Promise(resolve => setImmediate(resolve))
    await new Promise(resolve => setImmediate(resolve))
  }
  return { store, clock, entropy, another, passMs, waiting: () => timers.size }
}
