import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressTagBytes, agentTagBytes, retryKeyTagBytes } from '@pawl/family'
import { goldenSeed, seededEntropy } from '../keys/fixture.test.ts'
import { addressTag, agentTag, retryKeyTag } from './retry-key.ts'

const retryKey = `rk1.${'A'.repeat(43)}`
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('the tags of a use', () => {
  it('keep their format, as another implementation computes them', () => {
    assert.equal(hex(retryKeyTag(goldenSeed, retryKey)), '617f43f97616c62a')
    assert.equal(hex(addressTag(goldenSeed, '192.0.2.1')), '787e4739')
    assert.equal(hex(agentTag(goldenSeed, 'curl/8')), '74f256ab')
  })

  it('have the widths the row gives them', () => {
    for (const text of ['', 'x', 'x'.repeat(5000)]) {
      assert.equal(retryKeyTag(goldenSeed, text).length, retryKeyTagBytes)
      assert.equal(addressTag(goldenSeed, text).length, addressTagBytes)
      assert.equal(agentTag(goldenSeed, text).length, agentTagBytes)
    }
  })

  it('are equal for equal things of one family, and differ by thing, purpose and family', () => {
    const otherSeed = seededEntropy('other family').bytes(32)
    assert.deepEqual(retryKeyTag(goldenSeed, retryKey), retryKeyTag(Uint8Array.from(goldenSeed), retryKey))
    assert.notDeepEqual(retryKeyTag(goldenSeed, retryKey), retryKeyTag(goldenSeed, `${retryKey.slice(0, -1)}B`))
    assert.notDeepEqual(retryKeyTag(goldenSeed, retryKey), retryKeyTag(otherSeed, retryKey))
    assert.notDeepEqual(addressTag(goldenSeed, '192.0.2.1'), agentTag(goldenSeed, '192.0.2.1'))
    assert.notDeepEqual(addressTag(goldenSeed, 'x'), retryKeyTag(goldenSeed, 'x').subarray(0, 4))
  })

  it('belong to the caller: a later tag does not write over an earlier one', () => {
    const first = addressTag(goldenSeed, '192.0.2.1')
    for (let at = 0; at < 1000; at++) addressTag(goldenSeed, `192.0.2.${at}`)
    assert.equal(hex(first), '787e4739')
  })
})
