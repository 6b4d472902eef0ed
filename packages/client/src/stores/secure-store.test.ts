/** Phones are stood in for by modules in memory with the limits of the real ones; nothing here was run on a phone. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newRecord } from '../testing/custody-scene.ts'
import { provesCustody } from '../testing/proves-custody.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import type { ExpoSecureStore, ReactNativeKeychain } from './secret-items.ts'
import { expoCustody, keychainCustody } from './secure-store.ts'

const valueBytesMax = 2048

/** After `operations` writes and removals the application is killed: what comes then never happens. */
function phone(operations = Number.POSITIVE_INFINITY) {
  const items = new Map<string, string>()
  const options: unknown[] = []
  let left = operations
  const step = async (key: string): Promise<void> => {
    assert.match(key, /^[\w.-]+$/)
    await new Promise(resolve => setImmediate(resolve))
  }
  const change = async (key: string, doing: () => void): Promise<void> => {
    await step(key)
    if (left-- <= 0) throw new Error('killed')
    doing()
  }
  const set = (key: string, value: string) =>
    change(key, () => {
      if (Buffer.byteLength(value) > valueBytesMax) throw new Error('the value is too large')
      items.set(key, value)
    })
  return {
    items,
    options,
    step,
    set,
    remove: (key: string) => change(key, () => items.delete(key)),
  }
}

type Phone = ReturnType<typeof phone>

function expo({ items, options, step, set, remove }: Phone): ExpoSecureStore {
  return {
    AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: 2,
    async getItemAsync(key, given) {
      await step(key)
      options.push(given)
      return items.get(key) ?? null
    },
    async setItemAsync(key, value, given) {
      options.push(given)
      await set(key, value)
    },
    async deleteItemAsync(key, given) {
      options.push(given)
      await remove(key)
    },
  }
}

function keychain({ items, options, step, set, remove }: Phone): ReactNativeKeychain {
  return {
    ACCESSIBLE: { AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: 'AccessibleAfterFirstUnlockThisDeviceOnly' },
    async getGenericPassword({ service }) {
      await step(service)
      const password = items.get(service)
      return password === undefined ? false : { password }
    },
    async setGenericPassword(_username, password, given) {
      options.push(given)
      await set(given.service, password)
      return { service: given.service }
    },
    async resetGenericPassword({ service }) {
      await remove(service)
      return true
    },
  }
}

const kinds = {
  'Expo SecureStore': (on: Phone, clock = virtualClock()) => expoCustody(expo(on), { clock }),
  'react-native-keychain': (on: Phone, clock = virtualClock()) => keychainCustody(keychain(on), { clock }),
}

for (const [kind, open] of Object.entries(kinds)) {
  describe(`a store on ${kind}`, () => {
    const clock = virtualClock()
    const { store } = open(phone(), clock)
    const ground = {
      open: async () => ({ store, close: async () => undefined }),
      passSeconds: (seconds: number) => clock.advance(seconds * 1000),
      nowMs: () => clock.nowMs(),
    }
    for (const { sentence, run } of provesCustody(ground)) {
      it(sentence, async () => {
        assert.equal(await run(), undefined)
      })
    }

    it('has the old record or the new one, wherever it is killed, and leaves nothing behind', async () => {
      const [old, fresh] = [newRecord('o'.repeat(5000)), newRecord('n'.repeat(9000))]
      const seen = { old: 0, fresh: 0 }
      for (let operations = 0; operations < 12; operations++) {
        const killed = phone()
        await open(killed).store.save('grant', old, null)
        const { store: dying } = open(limited(killed, operations))
        await dying.save('grant', fresh, old.version).catch(() => 'unknown')
        const { store: next } = open(killed)
        const kept = await next.load('grant')
        assert.ok(kept !== null)
        const isFresh = kept.version === fresh.version
        assert.equal(kept.sealed, isFresh ? fresh.sealed : old.sealed)
        seen[isFresh ? 'fresh' : 'old']++
        assert.equal(await next.save('grant', newRecord('l'.repeat(100)), kept.version), 'saved')
        assert.equal(killed.items.size, 2, `a head and a chunk after ${operations} operations`)
      }
      assert.deepEqual(seen, { old: 6, fresh: 6 })
    })

    it('has the record or nothing, wherever its removal is killed, and the next one is whole', async () => {
      for (let operations = 0; operations < 4; operations++) {
        const killed = phone()
        const old = newRecord('o'.repeat(5000))
        await open(killed).store.save('grant', old, null)
        await open(limited(killed, operations))
          .store.remove('grant', old.version)
          .catch(() => 'unknown')
        const { store: next } = open(killed)
        const kept = await next.load('grant')
        assert.equal(kept?.version ?? null, operations === 0 ? old.version : null)
        assert.equal(await next.save('grant', newRecord('n'), kept?.version ?? null), 'saved')
        assert.equal(killed.items.size, 2)
      }
    })

    it('counts a record whose time is over as none', async () => {
      const clockOf = virtualClock()
      const { store: expiring } = open(phone(), clockOf)
      const record = { ...newRecord(), expiresAtMs: clockOf.nowMs() + 1000 }
      await expiring.save('grant', record, null)
      await clockOf.advance(999)
      assert.deepEqual(await expiring.load('grant'), record)
      await clockOf.advance(1)
      assert.equal(await expiring.load('grant'), null)
      assert.equal(await expiring.save('grant', newRecord(), null), 'saved')
    })

    it('keeps apart names that only differ in half a character', async () => {
      const { store: exact } = open(phone())
      const names = ['\ud800', '\ud801', '\udc00', '\ufffd']
      for (const name of names) assert.equal(await exact.save(name, newRecord(), null), 'saved')
    })

    it('draws one custody key, however many ask at once, and finds it again', async () => {
      const on = phone()
      const custody = open(on)
      const keys = await Promise.all([custody.custodyKey(), custody.custodyKey(), custody.custodyKey()])
      const retryKeys = await Promise.all([...keys, await open(on).custodyKey()].map(key => key.retryKeyFor('a')))
      assert.equal(new Set(retryKeys).size, 1)
      for (const [key] of on.items) on.items.set(key, 'A'.repeat(43))
      await assert.rejects(open(on).custodyKey(), { name: 'CustodyKeyUnavailable', reason: 'unusable' })
    })
  })
}

describe('items on a phone', () => {
  it('are there after the first unlock, on this device alone, and ask for nobody', async () => {
    const on = phone()
    const { store } = expoCustody(expo(on), { service: 'app' })
    await store.save('grant', newRecord(), null)
    await store.load('grant')
    const wanted = { keychainService: 'app', keychainAccessible: 2, requireAuthentication: false }
    assert.ok(on.options.length > 3)
    for (const given of on.options) assert.deepEqual(given, wanted)
    const other = phone()
    await keychainCustody(keychain(other), { service: 'app' }).store.save('grant', newRecord(), null)
    for (const given of other.options) {
      assert.deepEqual(
        { ...(given as object), service: 'app' },
        { service: 'app', accessible: 'AccessibleAfterFirstUnlockThisDeviceOnly' },
      )
    }
  })
})

/** The same phone, on which the application is killed after so many changes. */
function limited(on: Phone, operations: number): Phone {
  const mortal = phone(operations)
  return { ...mortal, items: on.items, set: mirrored(mortal.set, on.set), remove: mirrored(mortal.remove, on.remove) }
}

function mirrored<Words extends readonly string[]>(
  mortal: (...words: Words) => Promise<void>,
  real: (...words: Words) => Promise<void>,
): (...words: Words) => Promise<void> {
  return async (...words) => {
    await mortal(...words)
    await real(...words)
  }
}
