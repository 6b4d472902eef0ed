import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { provesCustody } from '../testing/proves-custody.ts'
import { memoryStore } from './memory.ts'

const startMs = 1_800_000_000_000

function stage() {
  let nowMs = startMs
  const store = memoryStore({ nowMs: () => nowMs, wait: async () => {} })
  const passSeconds = (seconds: number): void => {
    nowMs += seconds * 1000
  }
  return { store, passSeconds, nowMs: () => nowMs }
}

describe('the store in memory', () => {
  const { store, passSeconds, nowMs } = stage()
  for (const { sentence, run } of provesCustody({
    open: async () => ({ store, close: async () => {} }),
    passSeconds,
    nowMs,
  })) {
    it(sentence, run)
  }

  it('ends a lease when the clock is set back to long before it was taken', async () => {
    const scene = stage()
    assert.notEqual(await scene.store.lease('a', 60), null)
    scene.passSeconds(-60)
    assert.equal(await scene.store.lease('a', 60), null)
    scene.passSeconds(-1)
    assert.notEqual(await scene.store.lease('a', 60), null)
  })

  it('tells every listener once, and after the save', async () => {
    const scene = stage()
    const heard: string[] = []
    const listener = (name: string): void => {
      heard.push(name)
    }
    scene.store.watch?.(listener)
    const end = scene.store.watch?.(listener)
    const saving = scene.store.save('a', { version: 'AAAAAAAAAAAAAAAAAAAAAA', sealed: 'x' }, null)
    assert.deepEqual(heard, [])
    await saving
    end?.()
    assert.deepEqual(heard, ['a', 'a'])
    await scene.store.remove('a', 'AAAAAAAAAAAAAAAAAAAAAA')
    assert.deepEqual(heard, ['a', 'a', 'a'])
  })
})
