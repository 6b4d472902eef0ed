import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustodyStore } from '../custody/custody-store.ts'
import { memoryStore } from '../stores/memory.ts'
import { type Break, brokenStores, type Shared } from './broken-stores.test.ts'
import { CustodyDisproved, type CustodyGround } from './custody-scene.ts'
import { provesCustody } from './proves-custody.ts'

describe('the contract of a custody store', () => {
  for (const [what, { breakIt, caughtBy }] of Object.entries(brokenStores)) {
    it(`catches a store that ${what}`, async () => {
      const failed = await failedProofs(groundOf(breakIt))
      for (const sentence of caughtBy) assert.ok(failed.includes(sentence), `not caught by '${sentence}': ${failed}`)
    })
  }

  it('finds nothing wrong with a store that keeps it', async () => {
    assert.deepEqual(await failedProofs(groundOf(stores => stores)), [])
  })

  it('leaves in the store what was there before, and nothing else', async () => {
    const names = new Set<string>()
    const store = memoryStore()
    await store.save('of the application', { version: 'AAAAAAAAAAAAAAAAAAAAAA', sealed: 'pc1.kept' }, null)
    const spy: CustodyStore = {
      ...store,
      save: (name, record, ifVersion) => {
        names.add(name)
        return store.save(name, record, ifVersion)
      },
    }
    for (const { run } of provesCustody({ open: async () => ({ store: spy, close: async () => {} }) })) await run()
    for (const name of names) assert.equal(await store.load(name), null, name)
    assert.equal((await store.load('of the application'))?.sealed, 'pc1.kept')
  })
})

function groundOf(breakIt: Break): CustodyGround {
  const clock = { nowMs: 1_800_000_000_000 }
  const store = memoryStore({ nowMs: () => clock.nowMs, wait: async () => {} })
  const shared: Shared = { clock, names: new Map(), past: new Map() }
  return {
    open: async () => ({ store: breakIt(store, shared), close: async () => {} }),
    nowMs: () => clock.nowMs,
    passSeconds: seconds => {
      clock.nowMs += seconds * 1000
    },
  }
}

async function failedProofs(ground: CustodyGround): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { sentence, run } of provesCustody(ground)) {
    try {
      await run()
    } catch (error) {
      assert.ok(error instanceof CustodyDisproved, `${sentence}: ${String(error)}`)
      failed.push(sentence)
    }
  }
  return failed
}
