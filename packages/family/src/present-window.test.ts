import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { client, confidentialFamily, plainFamily, policy, rotatedAtMs, verdictOn } from './fixture.test.ts'

describe('the repeat window', () => {
  const family = plainFamily(2)
  it('stays off at 0 even where the clock went back behind the rotation', () => {
    const off = { ...policy, repeatWindowSeconds: 0 }
    assert.equal(verdictOn(family, 1, { nowMs: rotatedAtMs - 1, policy: off }).kind, 'reused')
  })
  it('limits at what the row can count', () => {
    const counted = { ...family, repeats: 65_535 }
    assert.equal(verdictOn(counted, 1, { policy: { ...policy, repeatsMax: 70_000 } }).kind, 'refused')
  })
  it('gives back the very family when the count is full', () => {
    const counted = { ...confidentialFamily(2), repeats: 65_535 }
    assert.equal(verdictOn(counted, 1, { proof: client }).family, counted)
  })
})
