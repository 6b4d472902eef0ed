import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  grantIdOf,
  newEventId,
  newFamilyId,
  newRequestId,
  newSessionId,
  newStepId,
  newSubject,
  parseClientId,
  parseFamilyId,
  parseRequestId,
  parseSessionId,
  parseSubject,
} from './identifiers.ts'
import { seededEntropy } from './keys/fixture.test.ts'

const latestMs = 2 ** 48 - 1

describe('family ids', () => {
  it('are UUIDv7 with the milliseconds in front (RFC 9562 §5.7)', () => {
    const allOnes = { bytes: (count: number) => new Uint8Array(count).fill(0xff) }
    const allZeros = { bytes: (count: number) => new Uint8Array(count) }
    assert.equal(newFamilyId(0x0123456789ab, allOnes), '01234567-89ab-7fff-bfff-ffffffffffff')
    assert.equal(newFamilyId(0x0123456789ab, allZeros), '01234567-89ab-7000-8000-000000000000')
  })

  it('parse back, whatever the time and the random bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: latestMs }), fc.string(), (nowMs, seed) => {
        const id = newFamilyId(nowMs, seededEntropy(seed))
        assert.equal(parseFamilyId(id), id)
        assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), nowMs)
      }),
    )
  })

  it('sort by time as text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: latestMs - 1 }), fc.string(), (nowMs, seed) => {
        const entropy = seededEntropy(seed)
        assert.ok(newFamilyId(nowMs, entropy) < newFamilyId(nowMs + 1, entropy))
      }),
    )
  })

  it('are refused in another version, variant, case, length or with anything around them', () => {
    const good = '01234567-89ab-7fff-bfff-ffffffffffff'
    assert.equal(parseFamilyId(good), good)
    for (const bad of [
      '01234567-89ab-4fff-bfff-ffffffffffff',
      '01234567-89ab-7fff-cfff-ffffffffffff',
      '01234567-89ab-7fff-7fff-ffffffffffff',
      good.toUpperCase(),
      good.replaceAll('-', ''),
      good.slice(1),
      ` ${good}`,
      `${good}\n`,
      `{${good}}`,
      '',
    ]) {
      assert.equal(parseFamilyId(bad), null, JSON.stringify(bad))
    }
  })

  it('name the grant of the first family', () => {
    const id = newFamilyId(1, seededEntropy('grant'))
    assert.equal(grantIdOf(id), id)
  })
})

describe('other ids', () => {
  it('have the width and alphabet their parsers take', () => {
    fc.assert(
      fc.property(fc.string(), seed => {
        const entropy = seededEntropy(seed)
        assert.notEqual(parseSessionId(newSessionId(entropy)), null)
        assert.notEqual(parseSubject(newSubject(entropy)), null)
        assert.notEqual(parseRequestId(newRequestId(entropy)), null)
        assert.match(newStepId(entropy), /^[A-Za-z0-9_-]{22}$/)
        assert.notEqual(parseFamilyId(newEventId(1, entropy)), null)
      }),
    )
  })

  it('differ from draw to draw', () => {
    const entropy = seededEntropy('ids')
    for (const make of [newStepId, newSubject, newSessionId, newRequestId]) {
      assert.equal(new Set(Array.from({ length: 200 }, () => make(entropy))).size, 200)
    }
  })

  it('of requests use every letter of Crockford’s alphabet, which has no i, l, o, u', () => {
    const counting = { bytes: (count: number) => Uint8Array.from({ length: count }, (_, at) => at + 10) }
    assert.equal(newRequestId(counting), 'req_abcdefghjkmn')
    for (const bad of [
      'req_abcdefghjkmi',
      'req_abcdefghjkml',
      'req_abcdefghjkmo',
      'req_abcdefghjkmu',
      'req_ABCDEFGHJKMN',
    ]) {
      assert.equal(parseRequestId(bad), null, bad)
    }
  })
})

describe('client ids, subjects and session ids', () => {
  it('end at their longest and no further', () => {
    assert.equal(parseClientId('a'.repeat(100)), 'a'.repeat(100))
    assert.equal(parseClientId('a'.repeat(101)), null)
    assert.equal(parseSubject('a'.repeat(255)), 'a'.repeat(255))
    assert.equal(parseSubject('a'.repeat(256)), null)
    assert.equal(parseSessionId('a'.repeat(22)), 'a'.repeat(22))
    assert.equal(parseSessionId('a'.repeat(21)), null)
    assert.equal(parseSessionId('a'.repeat(23)), null)
  })

  it('hold nothing that needs escaping in a URL, a header, a log or SQL', () => {
    for (const bad of [
      '',
      '-a',
      '.a',
      '_a',
      '~a',
      'a b',
      'a/b',
      'a:b',
      'a"b',
      "a'b",
      'a%b',
      'a\n',
      'ä',
      'a\u0000',
      'a;b',
    ]) {
      assert.equal(parseClientId(bad), null, JSON.stringify(bad))
    }
    for (const bad of ['', 'a b', 'a/b', 'a\n', 'ä', "a'b", 'a%00']) {
      assert.equal(parseSubject(bad), null, JSON.stringify(bad))
    }
  })
})
