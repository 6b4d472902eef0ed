import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutOffOf, noCutOffs } from './cut-offs.ts'
import { expiryOf } from './expiry.ts'
import { branchFamily, endFamily, type FamilyId, generationMax, openFamily, type StepId } from './family.ts'
import {
  authTimeMs,
  keyedFamily,
  newFamily,
  openedAtMs,
  opening,
  ownBinding,
  rotatedAtMs,
  verdictOn,
} from './fixture.test.ts'
import { emptyUses } from './recent-uses.ts'

describe('a new family', () => {
  it('stands at generation 0, unused, unkeyed and alive, at the time it was opened', () => {
    const given = opening({ binding: ownBinding, keyId: 3 })
    assert.deepEqual(openFamily(given, openedAtMs), {
      ...given,
      codeRepeats: false,
      branch: null,
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

describe('a branch', () => {
  const parent = { ...keyedFamily(3), binding: ownBinding, repeats: 2, codeRepeats: true }
  const own = { id: 'sibling' as FamilyId, seed: new Uint8Array(32).fill(9), keyId: 2, stepId: 'first' as StepId }
  const chosen = { ...own, binding: null, keyed: false }
  const { scopes, resources, authorizationDetails } = parent.grant
  const whole = { ...chosen, name: 'nightly', scopes, resources, authorizationDetails }
  const atMs = rotatedAtMs + 1_000

  it('stands at generation 1, unused, with a chain of its own', () => {
    const narrowed = { scopes: ['openid'], resources: [], authorizationDetails: '[]' }
    const branch = branchFamily(parent, { ...chosen, ...narrowed, name: 'nightly' }, atMs)
    assert.deepEqual(branch, {
      ...parent,
      ...chosen,
      grant: { ...parent.grant, ...narrowed },
      branch: { parentFamilyId: parent.id, name: 'nightly' },
      redemption: null,
      codeRepeats: false,
      generation: 1,
      rotatedAtMs: atMs,
      usedAtMs: atMs,
      repeats: 0,
      recentUses: emptyUses(),
    })
  })

  it('I8 lives no longer than the grant, and is cut off by whatever cuts off its parent', () => {
    const branch = branchFamily(parent, whole, atMs)
    assert.equal(branch.absoluteExpiresAtMs, parent.absoluteExpiresAtMs)
    assert.equal(expiryOf(branch, parent.absoluteExpiresAtMs), 'absolute_expired')
    for (const cutOffs of [{ grantMs: openedAtMs + 1 }, { clientMs: openedAtMs + 1 }, { userMs: authTimeMs + 1 }]) {
      const all = { ...noCutOffs, ...cutOffs }
      assert.notEqual(cutOffOf(branch, all), null)
      assert.equal(cutOffOf(branch, all), cutOffOf(parent, all))
    }
  })

  it('rotates and repeats as every family does, and the parent knows nothing of it', () => {
    const branch = branchFamily(parent, whole, atMs)
    const next = verdictOn(branch, 1, { nowMs: atMs })
    assert.deepEqual([next.kind, next.family.generation, next.family.keyed], ['advanced', 2, false])
    assert.equal(verdictOn(next.family, 1, { nowMs: atMs + 1 }).kind, 'repeated')
    assert.equal(verdictOn(branch, 2, { nowMs: atMs }).kind, 'refused')
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
