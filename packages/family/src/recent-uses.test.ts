import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generationMax } from './family.ts'
import { keyTag, openedAtMs } from './fixture.test.ts'
import {
  addressTagBytes,
  agentTagBytes,
  emptyUses,
  newestUseWasOf,
  readUses,
  recentUsesBytes,
  recentUsesMax,
  recordUse,
  retryKeyTagBytes,
  type Use,
  wasUsedWith,
} from './recent-uses.ts'

describe('the uses on record', () => {
  it('keep the sizes that rows on disk have', () => {
    assert.deepEqual(
      [recentUsesMax, addressTagBytes, agentTagBytes, retryKeyTagBytes, recentUsesBytes],
      [8, 4, 4, 8, 208],
    )
    assert.equal(emptyUses().length, 208)
    assert.equal(uses(20).length, 208)
  })

  it('come back as they were recorded, newest first, at most eight', () => {
    assert.deepEqual(readUses(emptyUses()), [])
    assert.deepEqual(readUses(uses(3)), [use(3), use(2), use(1)])
    assert.deepEqual(
      readUses(uses(8)).map(({ generation }) => generation),
      [8, 7, 6, 5, 4, 3, 2, 1],
    )
    assert.deepEqual(
      readUses(uses(9)).map(({ generation }) => generation),
      [9, 8, 7, 6, 5, 4, 3, 2],
    )
  })

  it('hold the largest generation and times past 32 bits, to the millisecond', () => {
    for (const atMs of [1, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, openedAtMs, 0xffff_ffff_ffff]) {
      const far = { ...use(1), generation: generationMax, atMs }
      assert.deepEqual(readUses(recordUse(emptyUses(), far)), [far])
    }
  })

  it('are laid out as every row on disk has them', () => {
    const bytes = recordUse(emptyUses(), {
      generation: 0x01020304,
      atMs: 0x0506_0708_090a,
      addressTag: Uint8Array.of(11, 12, 13, 14),
      agentTag: Uint8Array.of(15, 16, 17, 18),
      retryKeyTag: Uint8Array.of(19, 20, 21, 22, 23, 24, 25, 26),
    })
    assert.deepEqual([...bytes.subarray(0, 27)], [...Array.from({ length: 26 }, (_, at) => at + 1), 0])
  })

  it('read a use without retry key as such', () => {
    const plain = { ...use(5), retryKeyTag: null }
    assert.deepEqual(readUses(recordUse(uses(2), plain)), [plain, use(2), use(1)])
  })

  it('read a slot as used if any byte of it is set', () => {
    for (let at = 0; at < 26; at++) {
      const bytes = emptyUses()
      bytes[at] = 1
      assert.equal(readUses(bytes).length, 1, `byte ${at}`)
    }
    const second = emptyUses()
    second[26] = 1
    assert.deepEqual(readUses(second), [])
  })

  it('leave the ring they were given alone, and share no memory with it', () => {
    const before = uses(3)
    const copy = before.slice()
    const after = recordUse(before, use(4))
    after.fill(0xff)
    readUses(before)[0]?.addressTag.fill(0xff)
    assert.deepEqual(before, copy)
  })

  it('are read rightly from the middle of a larger buffer, as a driver hands them out', () => {
    const page = new Uint8Array(500).fill(0xee)
    page.set(uses(3), 100)
    const inside = page.subarray(100, 100 + recentUsesBytes)
    assert.deepEqual(readUses(inside), readUses(uses(3)))
    assert.equal(newestUseWasOf(inside, 3), true)
    assert.equal(wasUsedWith(inside, 2, keyTag(2)), true)
  })

  it('refuse a tag of the wrong length', () => {
    for (const wrong of [
      { addressTag: bytes(3) },
      { addressTag: bytes(5) },
      { agentTag: bytes(3) },
      { retryKeyTag: bytes(9) },
    ]) {
      assert.throws(() => recordUse(emptyUses(), { ...use(1), ...wrong }), RangeError)
    }
  })
})

describe('the newest use', () => {
  it('is of the generation presented last, and of no other', () => {
    assert.deepEqual(
      [2, 3, 4].map(generation => newestUseWasOf(uses(3), generation)),
      [false, true, false],
    )
  })

  it('is of none, not even of generation 0, where nothing was used', () => {
    assert.equal(newestUseWasOf(emptyUses(), 0), false)
    assert.equal(newestUseWasOf(recordUse(emptyUses(), use(0)), 0), true)
  })
})

describe('a retry key on record', () => {
  it('is found with the generation it was used for, and with no other', () => {
    assert.deepEqual(
      [1, 2, 3].map(generation => wasUsedWith(uses(3), generation, keyTag(2))),
      [false, true, false],
    )
    assert.equal(wasUsedWith(uses(3), 2, keyTag(9)), false)
  })

  it('is found in the eighth use and forgotten in the ninth', () => {
    assert.equal(wasUsedWith(uses(9), 2, keyTag(2)), true)
    assert.equal(wasUsedWith(uses(9), 1, keyTag(1)), false)
  })

  it('is compared in every byte', () => {
    for (let at = 0; at < retryKeyTagBytes; at++) {
      const other = keyTag(2)
      other[at] = (other[at] ?? 0) ^ 1
      assert.equal(wasUsedWith(uses(3), 2, other), false, `byte ${at}`)
    }
  })

  it('is found where a single bit of it is set', () => {
    for (let at = 0; at < retryKeyTagBytes; at++) {
      const tag = new Uint8Array(retryKeyTagBytes)
      tag[at] = 1
      assert.equal(wasUsedWith(recordUse(emptyUses(), { ...use(1), retryKeyTag: tag }), 1, tag), true, `byte ${at}`)
    }
  })

  it('is never found by an all-zero tag, nor by one of another length', () => {
    const plain = recordUse(emptyUses(), { ...use(1), retryKeyTag: null })
    assert.equal(wasUsedWith(plain, 1, new Uint8Array(retryKeyTagBytes)), false)
    assert.equal(wasUsedWith(uses(3), 2, keyTag(2).subarray(0, 7)), false)
    assert.equal(wasUsedWith(uses(3), 2, Uint8Array.of(...keyTag(2), 0)), false)
  })

  it('is found where one generation was used twice, with any of its keys', () => {
    const twice = recordUse(recordUse(emptyUses(), use(1)), { ...use(1), retryKeyTag: keyTag(9) })
    for (const number of [1, 9]) assert.equal(wasUsedWith(twice, 1, keyTag(number)), true)
  })

  it('is not looked for behind the first empty slot', () => {
    assert.equal(wasUsedWith(emptyUses(), 0, keyTag(0)), false)
  })
})

function use(generation: number): Use {
  return {
    generation,
    atMs: openedAtMs + generation,
    addressTag: Uint8Array.of(1, 2, 3, generation),
    agentTag: Uint8Array.of(5, 6, 7, generation),
    retryKeyTag: keyTag(generation),
  }
}

/** A ring in which the generations 1 to `last` were used in turn. */
function uses(last: number): Uint8Array {
  let ring = emptyUses()
  for (let generation = 1; generation <= last; generation++) ring = recordUse(ring, use(generation))
  return ring
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(length).fill(1)
}
