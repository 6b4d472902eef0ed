import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endFamily, generationMax, openFamily } from './family.ts'
import { newFamily, openedAtMs, opening, ownBinding, rotatedAtMs } from './fixture.test.ts'
import { emptyUses } from './recent-uses.ts'

describe('a new family', () => {
  it('stands at generation 0, unused, unkeyed and alive, at the time it was opened', () => {
    const given = opening({ binding: ownBinding, keyId: 3 })
    assert.deepEqual(openFamily(given, openedAtMs), {
      ...given,
      keyed: false,
      generation: 0,
      rotatedAtMs: openedAtMs,
      usedAtMs: openedAtMs,
      repeats: 0,
      createdAtMs: openedAtMs,
      recentUses: emptyUses(),
      end: null,
    })
  })

  it('has room for as many generations as four bytes count', () => {
    assert.equal(generationMax, 2 ** 32 - 1)
  })
})

describe('the end of a family', () => {
  it('keeps the reason, the time and who did it, and nothing else changes', () => {
    const ended = endFamily(newFamily(), 'revoked_by_operator', 'alice', rotatedAtMs)
    assert.deepEqual(ended, { ...newFamily(), end: { reason: 'revoked_by_operator', atMs: rotatedAtMs, by: 'alice' } })
  })

  it('I4 is the first one for good: a second end gives the very same family back', () => {
    const ended = endFamily(newFamily(), 'reuse', 'rule', rotatedAtMs)
    assert.equal(endFamily(ended, 'revoked_by_operator', 'alice', rotatedAtMs + 1), ended)
  })
})
