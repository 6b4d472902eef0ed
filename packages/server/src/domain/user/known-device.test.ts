import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../entropy.ts'
import { keyedHasher } from '../keys/keyed-hash.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import { accountsPerDeviceMax, knownDevice, rememberDevice } from './known-device.ts'

const entropy = systemEntropy()
const hashes = keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy)
const means = { hashes, entropy }

describe('a known device', () => {
  it('is known to the account it signed in to, and to no other', () => {
    const cookie = rememberDevice(means, null, 'ada@example.com')
    assert.notEqual(knownDevice(hashes, cookie, 'ada@example.com'), null)
    assert.equal(knownDevice(hashes, cookie, 'bob@example.com'), null)
    assert.equal(knownDevice(hashes, null, 'ada@example.com'), null)
  })

  it('keeps its id while people share it, and forgets the least recent of too many', () => {
    const names = Array.from({ length: accountsPerDeviceMax + 1 }, (_, index) => `user${index}@example.com`)
    let cookie: string | null = null
    for (const name of names) cookie = rememberDevice(means, cookie, name)
    const ids = names.map(name => knownDevice(hashes, cookie, name))
    assert.equal(ids[0], null)
    assert.equal(new Set(ids.slice(1)).size, 1)
    assert.notEqual(ids[1], null)
  })

  it('counts an account once however often it signs in', () => {
    const first = rememberDevice(means, rememberDevice(means, null, 'bob@example.com'), 'ada@example.com')
    let cookie = first
    for (let times = 0; times < 10; times++) cookie = rememberDevice(means, cookie, 'ada@example.com')
    assert.equal(cookie, first)
  })

  it('takes a forged, mixed or malformed cookie for none', () => {
    const mine = rememberDevice(means, null, 'ada@example.com')
    const other = rememberDevice(means, null, 'bob@example.com')
    const mixed = `${other.split('.')[0]}.${mine.split('.')[1]}`
    const otherKey = keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy)
    for (const cookie of [
      mixed,
      '',
      '.',
      mine.slice(0, -1),
      `${mine}x`,
      `x${mine}`,
      'a.'.repeat(10_000),
      mine.split('.')[0] ?? '',
    ]) {
      assert.equal(knownDevice(hashes, cookie, 'ada@example.com'), null, cookie.slice(0, 80))
    }
    assert.equal(knownDevice(otherKey, mine, 'ada@example.com'), null)
  })
})
