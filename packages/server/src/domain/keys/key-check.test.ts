import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { goldenKeys, keysNamed } from './fixture.test.ts'
import { checkMasterKeys } from './key-check.ts'

/** The port's promise: the first value under a name stays. */
function settingsInMemory(): {
  setting: (name: string, fresh: Uint8Array) => Promise<Uint8Array>
  kept: Map<string, Uint8Array>
} {
  const kept = new Map<string, Uint8Array>()
  return {
    kept,
    setting: (name, fresh) => {
      if (!kept.has(name)) kept.set(name, fresh)
      return Promise.resolve(kept.get(name) ?? fresh)
    },
  }
}

const [stranger] = keysNamed(9).all.map(key => ({ ...key, id: 1 }))

describe('checkMasterKeys', () => {
  it('takes any key on a new database and the same key ever after', async () => {
    const store = settingsInMemory()
    for (let start = 0; start < 3; start++) assert.equal(await checkMasterKeys(store, keysNamed(1)), null)
  })

  it('OP-01 refuses another key of the same id, and says so without either key', async () => {
    const store = settingsInMemory()
    await checkMasterKeys(store, keysNamed(1))
    assert.ok(stranger !== undefined)
    const sentence = await checkMasterKeys(store, { current: stranger, all: [stranger] })
    assert.match(sentence ?? '', /^Master key 1 is not the one this database was made with\. /)
    assert.ok(!sentence?.includes(Buffer.from(stranger.secret).toString('base64url')))
  })

  it('refuses a stranger among the older keys too', async () => {
    const store = settingsInMemory()
    await checkMasterKeys(store, keysNamed(1))
    assert.ok(stranger !== undefined)
    const { current } = keysNamed(2)
    assert.notEqual(await checkMasterKeys(store, { current, all: [current, stranger] }), null)
  })

  it('follows a rotation of the master key: a new one joins, an old one leaves', async () => {
    const store = settingsInMemory()
    assert.equal(await checkMasterKeys(store, keysNamed(1)), null)
    assert.equal(await checkMasterKeys(store, keysNamed(2, 1)), null)
    assert.equal(await checkMasterKeys(store, keysNamed(2)), null)
    assert.notEqual(
      await checkMasterKeys(store, {
        current: { ...goldenKeys.current, id: 2 },
        all: [{ ...goldenKeys.current, id: 2 }],
      }),
      null,
    )
  })

  it('refuses a stored value of another width', async () => {
    const store = settingsInMemory()
    store.kept.set('key-check.1', new Uint8Array(0))
    assert.notEqual(await checkMasterKeys(store, keysNamed(1)), null)
  })

  it('keeps a value that is derived from the key and is not the key', async () => {
    const store = settingsInMemory()
    await checkMasterKeys(store, goldenKeys)
    const kept = Buffer.from(store.kept.get('key-check.7') ?? []).toString('hex')
    assert.equal(kept, 'fdf7c4439c3ce2862d63e9e294541b76505fc6b0e85f0f8c5b2afa9e1097174e')
  })
})
