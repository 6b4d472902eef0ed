import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readerOf, textArray } from './values.ts'

const bigint = readerOf(20)

describe('a value on the wire', () => {
  it('is a number up to 2^53, and refused beyond', () => {
    assert.equal(bigint('9007199254740991'), 9_007_199_254_740_991)
    assert.equal(bigint('-1'), -1)
    assert.throws(() => bigint('9007199254740992'), RangeError)
    assert.throws(() => bigint('9223372036854775807'), RangeError)
  })
  it('is bytes of its own kind and no other', () => {
    const bytes = readerOf(17)('\\x00ff10')
    assert.deepEqual(bytes, Uint8Array.of(0, 255, 16))
    assert.deepEqual(readerOf(17)('\\x'), new Uint8Array())
  })
  it('is a text where nothing else is known', () => {
    assert.equal(readerOf(25)('12'), '12')
  })
  it('is one parameter for many texts, whatever is in them', () => {
    assert.equal(textArray([]), '{}')
    assert.equal(textArray(['a', 'NULL', 'b,c', '{d}', ' ', '']), '{"a","NULL","b,c","{d}"," ",""}')
    assert.equal(textArray(['a"b', 'a\\b', '"']), '{"a\\"b","a\\\\b","\\""}')
  })
})
