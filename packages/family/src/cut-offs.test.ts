import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CutOffs, cutOffOf, noCutOffs } from './cut-offs.ts'
import type { EndReason, Family } from './family.ts'
import { authTimeMs, newFamily, openedAtMs, plainFamily } from './fixture.test.ts'

const kinds: [keyof CutOffs, EndReason, number][] = [
  ['everyoneMs', 'cut_off_everyone', openedAtMs],
  ['clientMs', 'cut_off_client', openedAtMs],
  ['userMs', 'cut_off_user', authTimeMs],
  ['sessionMs', 'cut_off_session', authTimeMs],
  ['logoutMs', 'logged_out', authTimeMs],
  ['grantMs', 'cut_off_grant', openedAtMs],
  ['consentMs', 'cut_off_consent', openedAtMs],
]

describe('a cut-off', () => {
  for (const [kind, reason, standsOnMs] of kinds) {
    it(`I3 ${kind} ends what stands on a moment before T and spares what stands on T or later`, () => {
      for (const family of [newFamily(), plainFamily(3)]) {
        assert.equal(cutOffOf(family, { ...noCutOffs, [kind]: standsOnMs + 1 }), reason)
        assert.equal(cutOffOf(family, { ...noCutOffs, [kind]: standsOnMs }), null)
        assert.equal(cutOffOf(family, { ...noCutOffs, [kind]: standsOnMs - 1 }), null)
      }
    })
  }

  it('of a sign-out spares what was granted offline access, and that alone', () => {
    const offline: Family = { ...newFamily(), grant: { ...newFamily().grant, endsWithSession: false } }
    assert.equal(cutOffOf(offline, { ...noCutOffs, logoutMs: authTimeMs + 1 }), null)
    assert.equal(cutOffOf(offline, { ...noCutOffs, sessionMs: authTimeMs + 1 }), 'cut_off_session')
  })

  it('of the widest reach is the one that is told', () => {
    const all = Object.fromEntries(kinds.map(([kind]) => [kind, openedAtMs + 1])) as unknown as CutOffs
    let left = all
    for (const [kind, reason] of kinds) {
      assert.equal(cutOffOf(newFamily(), left), reason)
      left = { ...left, [kind]: 0 }
    }
    assert.equal(cutOffOf(newFamily(), left), null)
  })

  it('that was never set ends nothing, not even what was opened at the beginning of time', () => {
    const first: Family = { ...newFamily(), createdAtMs: 0, grant: { ...newFamily().grant, authTimeMs: 0 } }
    assert.equal(cutOffOf(first, noCutOffs), null)
  })
})
