import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from './hmac.ts'

describe('hmacSha256', () => {
  it('gives the test vectors of RFC 4231 §4.2 to §4.4', () => {
    const vectors = [
      ['0b'.repeat(20), '4869205468657265', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        '4a656665',
        '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    ] as const
    for (const [key, message, tag] of vectors) {
      assert.equal(hmacSha256(Buffer.from(key, 'hex'), Buffer.from(message, 'hex')).toString('hex'), tag)
    }
  })

  it('agrees with OpenSSL for every length of key and message, also beyond its scratch space', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ minLength: 0, maxLength })
    fc.assert(
      fc.property(bytes(64), bytes(1200), (key, message) => {
        assert.deepEqual(hmacSha256(key, message), createHmac('sha256', key).update(message).digest())
      }),
    )
  })

  it('agrees with OpenSSL on both sides of its scratch space', () => {
    const key = Buffer.alloc(32, 1)
    for (const length of [0, 447, 448, 449, 512]) {
      const message = Buffer.alloc(length, 2)
      assert.deepEqual(hmacSha256(key, message), createHmac('sha256', key).update(message).digest())
    }
  })

  it('gives a tag of its own each time', () => {
    const first = hmacSha256(Buffer.alloc(32, 1), Buffer.from('first'))
    const kept = Buffer.from(first)
    hmacSha256(Buffer.alloc(32, 2), Buffer.from('second'))
    assert.deepEqual(first, kept)
  })

  it('refuses a key longer than a block, which HMAC would hash in silence', () => {
    assert.throws(() => hmacSha256(Buffer.alloc(65), Buffer.alloc(1)), RangeError)
  })
})
