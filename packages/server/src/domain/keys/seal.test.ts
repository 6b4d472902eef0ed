import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { goldenKeys, keysNamed, seededEntropy } from './fixture.test.ts'
import { sealedTextCharactersMax, sealer, sealOverheadBytes } from './seal.ts'

const golden = 'AQcAAQIDBAUGBwgJCgtMqCc0gcMbBH06tSvjJIaSPYTiVt8'
const countingBytes = { bytes: (count: number) => Uint8Array.from({ length: count }, (_, at) => at) }

describe('sealer', () => {
  it('opens what it sealed, whatever the purpose, identity and bytes', () => {
    const box = sealer(keysNamed(1), seededEntropy('round trip'))
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array({ maxLength: 300 }), (purpose, identity, plain) => {
        const sealed = box.seal(purpose, identity, plain)
        assert.equal(sealed.length, plain.length + sealOverheadBytes)
        assert.deepEqual([...(box.open(purpose, identity, sealed) ?? [])], [...plain])
      }),
    )
  })

  it('keeps its format: AES-256-GCM as another implementation computes it', () => {
    const box = sealer(goldenKeys, countingBytes)
    assert.equal(box.sealText('box', 'row 1', 'hello'), golden)
    assert.equal(box.openText('box', 'row 1', golden), 'hello')
  })

  it('does not open with any one bit changed', () => {
    const box = sealer(goldenKeys, countingBytes)
    const sealed = Buffer.from(golden, 'base64url')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(box.open('box', 'row 1', changed), null, `bit ${bit}`)
    }
  })

  it('does not open cut short or made longer', () => {
    const box = sealer(goldenKeys, countingBytes)
    const sealed = Buffer.from(golden, 'base64url')
    for (let length = 0; length < sealed.length; length++)
      assert.equal(box.open('box', 'row 1', sealed.subarray(0, length)), null)
    assert.equal(box.open('box', 'row 1', Buffer.concat([sealed, Buffer.alloc(1)])), null)
    assert.equal(box.open('box', 'row 1', Buffer.concat([Buffer.alloc(1), sealed])), null)
  })

  it('does not open for another purpose or identity, nor where the border between them moves', () => {
    const box = sealer(keysNamed(1), seededEntropy('bound'))
    const sealed = box.seal('a b', 'c', Buffer.from('plain'))
    for (const [purpose, identity] of [
      ['a', 'b c'],
      ['a b', 'd'],
      ['a b c', ''],
      ['', 'a b c'],
      ['a B', 'c'],
    ] as const) {
      assert.equal(box.open(purpose, identity, sealed), null)
    }
  })

  it('RT-48 opens under every key that is kept, and under none that is gone', () => {
    const entropy = seededEntropy('rotation')
    const sealed = sealer(keysNamed(1), entropy).seal('box', 'row', Buffer.from('plain'))
    assert.notEqual(sealer(keysNamed(2, 1), entropy).open('box', 'row', sealed), null)
    assert.equal(sealer(keysNamed(2), entropy).open('box', 'row', sealed), null)
    assert.equal(sealer(keysNamed(2, 1), entropy).seal('box', 'row', Buffer.alloc(0))[1], 2)
  })

  it('draws a nonce for every value: the same plaintext never seals to the same bytes', () => {
    const box = sealer(keysNamed(1), seededEntropy('nonces'))
    const sealed = Array.from({ length: 100 }, () => box.sealText('box', 'row', 'plain'))
    assert.equal(new Set(sealed).size, 100)
  })
})

describe('sealed texts', () => {
  const box = sealer(goldenKeys, countingBytes)

  it('JW-11 are refused with padding, white space, another alphabet or stray bits', () => {
    const another = golden.replace(/.$/, last => String.fromCharCode(last.charCodeAt(0) + 1))
    for (const text of [
      '',
      `${golden}=`,
      ` ${golden}`,
      `${golden}\n`,
      golden.replace('A', 'A '),
      `${golden}.`,
      another,
      'ä',
    ]) {
      assert.equal(box.openText('box', 'row 1', text), null, text)
    }
  })

  it('carry any text, and end at their named length', () => {
    const text = 'ä€𝄞"\u0000'
    assert.equal(box.openText('box', 'row', box.sealText('box', 'row', text)), text)
    const plainMax = (sealedTextCharactersMax * 3) / 4 - sealOverheadBytes
    assert.equal(box.openText('box', 'row', box.sealText('box', 'row', 'a'.repeat(plainMax)))?.length, plainMax)
    assert.throws(() => box.sealText('box', 'row', 'a'.repeat(plainMax + 1)), RangeError)
    assert.equal(box.openText('box', 'row', 'A'.repeat(sealedTextCharactersMax + 4)), null)
  })
})
