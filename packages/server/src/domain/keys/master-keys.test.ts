import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { goldenKeys, seededEntropy } from './fixture.test.ts'
import {
  deriveKey,
  formatMasterKeys,
  masterKeys,
  newMasterKey,
  parseMasterKeys,
  UnusableMasterKey,
} from './master-keys.ts'

const textOne = 'Fl9TekdFeYGZn2aH672n9RY4LEbEilMRgmMKo-hVIpY'
const textTwo = 'lEnDu0bBQzBxENwLu4_SRBCUgjvy1tKQZ7DLRdTqet0'

describe('parseMasterKeys', () => {
  it('takes one bare key as key 1, also with the line end a file has', () => {
    for (const text of [textOne, `${textOne}\n`, `  ${textOne}\r\n`]) {
      const keys = parseMasterKeys(text)
      assert.deepEqual(
        keys.all.map(key => key.id),
        [1],
      )
      assert.equal(Buffer.from(keys.current.secret).toString('base64url'), textOne)
    }
  })

  it('takes several keys, the first one current, separated by commas or lines', () => {
    for (const text of [`9:${textTwo},1:${textOne}`, `9:${textTwo}\n1:${textOne}\n`, `9:${textTwo} ,\n 1:${textOne}`]) {
      const keys = parseMasterKeys(text)
      assert.equal(keys.current.id, 9)
      assert.deepEqual(
        keys.all.map(key => key.id),
        [9, 1],
      )
    }
  })

  it('takes the ids 1 and 255 and refuses what lies beyond them', () => {
    assert.equal(parseMasterKeys(`1:${textOne}`).current.id, 1)
    assert.equal(parseMasterKeys(`255:${textOne}`).current.id, 255)
    for (const id of ['0', '256', '999', '1000', '-1', '01', '1.5', '', 'x', '+1', ' 1 ']) {
      assert.throws(() => parseMasterKeys(`${id}:${textOne}`), UnusableMasterKey, id)
    }
  })

  it('refuses every text that is no key, and quotes none of it', () => {
    const lastBitsSet = `${textOne.slice(0, -1)}Z`
    for (const text of [
      '',
      ' \n',
      textOne.slice(1),
      `${textOne}A`,
      `${textOne}=`,
      lastBitsSet,
      textOne.replace('-', '+'),
      `${textOne.slice(0, 20)} ${textOne.slice(20)}`,
      `${textOne},${textTwo}`,
      `1:${textOne}:2`,
      `1:${textOne},1:${textTwo}`,
      `1:${textOne} 2:${textTwo}`,
    ]) {
      assert.throws(
        () => parseMasterKeys(text),
        (error: unknown) => {
          assert.ok(error instanceof UnusableMasterKey)
          assert.match(error.message, /\.|: /)
          for (const part of [textOne, textTwo]) {
            assert.ok(!error.message.includes(part.slice(5, 20)))
            assert.ok(!inspect(error).includes(part.slice(5, 20)))
          }
          return true
        },
        JSON.stringify(text.length),
      )
    }
  })

  it('reads back what formatMasterKeys writes', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 5 }),
        fc.string(),
        (ids, seed) => {
          const entropy = seededEntropy(seed)
          const keys = masterKeys(ids.map(id => newMasterKey(entropy, id)))
          const again = parseMasterKeys(formatMasterKeys(keys))
          assert.equal(again.current.id, ids[0])
          assert.deepEqual(
            again.all.map(({ id, secret }) => [id, [...secret]]),
            keys.all.map(({ id, secret }) => [id, [...secret]]),
          )
        },
      ),
    )
  })
})

describe('a master key', () => {
  it('JW-16 prints as "[secret]" in every way we know', () => {
    const hex = Buffer.from(goldenKeys.current.secret).toString('hex')
    for (const text of [
      inspect(goldenKeys, { depth: 9, showHidden: true }),
      JSON.stringify(goldenKeys),
      inspect(goldenKeys.current.secret),
      JSON.stringify(goldenKeys.current.secret),
      inspect(deriveKey(goldenKeys.current, 'print')),
    ]) {
      assert.match(text, /\[secret\]/)
      assert.ok(!text.includes(textOne) && !text.includes(hex) && !text.includes('22, 95, 83'))
    }
  })
})

describe('deriveKey', () => {
  it('is HKDF-SHA-256 without salt, as computed by another implementation', () => {
    const derived = Buffer.from(deriveKey(goldenKeys.current, 'token tag')).toString('hex')
    assert.equal(derived, 'bf677e3591c6055a737324514b0ed8c0071ce13a7748f8c0356c3315e17aef47')
  })

  it('gives another key for every purpose and master key, and the same object for the same', () => {
    const other = parseMasterKeys(`7:${textTwo}`).current
    assert.notDeepEqual(deriveKey(goldenKeys.current, 'a'), deriveKey(goldenKeys.current, 'b'))
    assert.notDeepEqual(deriveKey(goldenKeys.current, 'a'), deriveKey(other, 'a'))
    assert.equal(deriveKey(goldenKeys.current, 'a'), deriveKey(goldenKeys.current, 'a'))
  })
})
