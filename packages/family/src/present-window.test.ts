import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  client,
  confidentialFamily,
  keyedFamily,
  keyTag,
  plainFamily,
  policy,
  rotatedAtMs,
  verdictOn,
  windowMs,
} from './fixture.test.ts'
import type { Interruption } from './present.ts'

const family = plainFamily(3)
const off = { ...policy, repeatWindowSeconds: 0 }

describe('the repeat window', () => {
  it('answers a bare predecessor to its last millisecond', () => {
    for (const afterMs of [0, 1, windowMs - 1]) assert.equal(bareAt(rotatedAtMs + afterMs), 'repeated')
  })

  it('takes a bare predecessor for reuse from the first millisecond after it', () => {
    for (const afterMs of [windowMs, windowMs + 1]) assert.equal(bareAt(rotatedAtMs + afterMs), 'reused')
  })

  it('never slides: a repeat does not move its end', () => {
    const repeated = verdictOn(family, 2, { nowMs: rotatedAtMs + windowMs - 1 }).family
    assert.equal(verdictOn(repeated, 2, { nowMs: rotatedAtMs + windowMs }).kind, 'reused')
  })

  it('is as long as the policy says', () => {
    const second = { ...policy, repeatWindowSeconds: 1 }
    assert.equal(verdictOn(family, 2, { nowMs: rotatedAtMs + 999, policy: second }).kind, 'repeated')
    assert.equal(verdictOn(family, 2, { nowMs: rotatedAtMs + 1000, policy: second }).kind, 'reused')
  })

  it('is off at 0: a bare predecessor is reuse at once, also where the clock went back', () => {
    for (const nowMs of [rotatedAtMs - 1, rotatedAtMs, rotatedAtMs + 1]) {
      assert.equal(verdictOn(family, 2, { nowMs, policy: off }).kind, 'reused')
    }
  })

  it('is off at 0 also after an interruption that began with the rotation', () => {
    const interruption = { beganAtMs: rotatedAtMs, endedAtMs: rotatedAtMs + 5 }
    assert.equal(
      verdictOn(family, 2, { nowMs: rotatedAtMs, policy: off, interruptions: [interruption] }).kind,
      'reused',
    )
  })

  it('is open where the clock went back', () => {
    assert.equal(bareAt(rotatedAtMs - 1), 'repeated')
  })

  it('is of no use to a token older than the predecessor', () => {
    assert.equal(verdictOn(family, 1, { nowMs: rotatedAtMs }).kind, 'reused')
  })

  it('is not for a keyed family', () => {
    assert.equal(verdictOn(keyedFamily(3), 2, { nowMs: rotatedAtMs, retryKeyTag: keyTag(9) }).kind, 'reused')
  })
})

describe('the repeat limit', () => {
  it('allows the hundredth repeat and refuses the next, without an end and without a change', () => {
    const last = { ...family, repeats: policy.repeatsMax - 1 }
    assert.equal(verdictOn(last, 2).kind, 'repeated')
    const full = { ...family, repeats: policy.repeatsMax }
    assert.deepEqual(verdictOn(full, 2), { kind: 'refused', reason: 'too_many_repeats', family: full })
    assert.equal(verdictOn(full, 2).family, full)
  })

  it('counts every repeat by one', () => {
    let repeated = family
    for (let count = 1; count <= policy.repeatsMax; count++) {
      repeated = verdictOn(repeated, 2).family
      assert.equal(repeated.repeats, count)
    }
    assert.equal(verdictOn(repeated, 2).kind, 'refused')
  })

  it('is not for a holder who proves itself', () => {
    const full = { ...confidentialFamily(3), repeats: policy.repeatsMax }
    assert.equal(verdictOn(full, 2, { proof: client }).kind, 'repeated')
  })

  it('does not hide a reuse: past the window the family ends whatever the count', () => {
    const full = { ...family, repeats: policy.repeatsMax }
    assert.equal(verdictOn(full, 2, { nowMs: rotatedAtMs + windowMs }).kind, 'reused')
  })

  it('is at most what the row can count', () => {
    const generous = { ...policy, repeatsMax: 70_000 }
    assert.equal(verdictOn({ ...family, repeats: 65_534 }, 2, { policy: generous }).family.repeats, 65_535)
    assert.equal(verdictOn({ ...family, repeats: 65_535 }, 2, { policy: generous }).kind, 'refused')
  })

  it('gives the very family back when the count is full, because nothing changes', () => {
    const full = { ...confidentialFamily(3), repeats: 65_535 }
    assert.equal(verdictOn(full, 2, { proof: client }).family, full)
    const almost = { ...full, repeats: 65_534 }
    assert.equal(verdictOn(almost, 2, { proof: client }).family.repeats, 65_535)
  })
})

describe('the repeat window after an interruption of the store', () => {
  const endedAtMs = rotatedAtMs + 10 * windowMs
  const shut = rotatedAtMs + windowMs

  it('counts from the first write after it where the interruption cut it short', () => {
    for (const beganAtMs of [rotatedAtMs, rotatedAtMs + 1, shut - 1]) {
      const interruption = { beganAtMs, endedAtMs }
      assert.equal(bareAt(endedAtMs + windowMs - 1, interruption), 'repeated')
      assert.equal(bareAt(endedAtMs + windowMs, interruption), 'reused')
    }
  })

  it('stays shut where it had run out before the interruption began', () => {
    for (const beganAtMs of [shut, shut + 1]) {
      assert.equal(bareAt(endedAtMs, { beganAtMs, endedAtMs }), 'reused')
      assert.equal(bareAt(shut, { beganAtMs, endedAtMs }), 'reused')
    }
  })

  it('is not moved by an interruption that began before the rotation', () => {
    const interruption = { beganAtMs: rotatedAtMs - 1, endedAtMs }
    assert.equal(bareAt(shut - 1, interruption), 'repeated')
    assert.equal(bareAt(shut, interruption), 'reused')
  })

  it('is never made shorter', () => {
    const interruption = { beganAtMs: rotatedAtMs, endedAtMs: rotatedAtMs - 1 }
    assert.equal(bareAt(shut - 1, interruption), 'repeated')
  })

  it('counts from the end of the second where that cut short what the first had left', () => {
    const first = { beganAtMs: rotatedAtMs, endedAtMs }
    for (const beganAtMs of [endedAtMs, endedAtMs + windowMs - 1]) {
      const second = { beganAtMs, endedAtMs: beganAtMs + 5 * windowMs }
      assert.equal(bareAt(second.endedAtMs + windowMs - 1, first, second), 'repeated')
      assert.equal(bareAt(second.endedAtMs + windowMs, first, second), 'reused')
    }
  })

  it('stays shut in the second where it had run out between the two', () => {
    const first = { beganAtMs: rotatedAtMs, endedAtMs }
    const second = { beganAtMs: endedAtMs + windowMs, endedAtMs: endedAtMs + 2 * windowMs }
    assert.equal(bareAt(second.endedAtMs, first, second), 'reused')
  })

  it('counts from the end of the second where the first was over before the rotation', () => {
    const first = { beganAtMs: rotatedAtMs - 10, endedAtMs: rotatedAtMs - 5 }
    const second = { beganAtMs: shut - 1, endedAtMs }
    assert.equal(bareAt(endedAtMs + windowMs - 1, first, second), 'repeated')
    assert.equal(bareAt(endedAtMs + windowMs, first, second), 'reused')
  })

  it('keeps an older token a reuse', () => {
    const interruption = { beganAtMs: rotatedAtMs, endedAtMs }
    assert.equal(verdictOn(family, 1, { nowMs: endedAtMs, interruptions: [interruption] }).kind, 'reused')
  })
})

function bareAt(nowMs: number, ...interruptions: readonly Interruption[]): string {
  return verdictOn(family, 2, { nowMs, interruptions }).kind
}
