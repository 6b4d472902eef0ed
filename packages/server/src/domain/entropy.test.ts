import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from './entropy.ts'

const poolBytes = 4096

describe('systemEntropy', () => {
  it('draws as many bytes as asked for, on both sides of the pool', () => {
    const { bytes } = systemEntropy()
    for (const count of [0, 1, 32, poolBytes - 1, poolBytes, poolBytes + 1, 3 * poolBytes]) {
      assert.equal(bytes(count).length, count)
    }
  })

  it('never gives the same bytes twice, also across a refill of the pool', () => {
    const { bytes } = systemEntropy()
    const drawn = Array.from({ length: 1000 }, () => Buffer.from(bytes(16)).toString('hex'))
    assert.equal(new Set(drawn).size, drawn.length)
  })

  it('gives bytes that belong to the caller: writing to them reaches no other draw', () => {
    const { bytes } = systemEntropy()
    const mine = bytes(16)
    const kept = Uint8Array.from(mine)
    mine.fill(0)
    const next = bytes(16)
    assert.notDeepEqual(next, mine)
    assert.notDeepEqual(next, kept)
    assert.notEqual(mine.buffer, next.buffer)
  })

  it('fills every byte it hands out, to the last of the pool', () => {
    const { bytes } = systemEntropy()
    for (const count of [poolBytes, 2 * poolBytes]) {
      // 64 zero bytes in a row at the end come by chance once in 2^512.
      assert.ok(
        bytes(count)
          .slice(-64)
          .some(byte => byte !== 0),
      )
    }
  })
})
