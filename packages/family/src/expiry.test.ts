import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { absoluteLeftSeconds, expiresAtMs, expiryOf, idleLeftSeconds } from './expiry.ts'
import type { Family } from './family.ts'
import {
  client,
  confidentialFamily,
  newFamily,
  openedAtMs,
  plainFamily,
  policy,
  rotatedAtMs,
  verdictOn,
} from './fixture.test.ts'

const idleEndMs = rotatedAtMs + 3_600_000

describe('expiry', () => {
  it('lets the code be redeemed to the last millisecond of its time', () => {
    assert.equal(expiresAtMs(newFamily()), openedAtMs + 60_000)
    assertEnds(newFamily(), openedAtMs + 60_000, 'code_expired')
    assert.equal(verdictOn(newFamily(), 0, { nowMs: openedAtMs + 59_999 }).kind, 'advanced')
    assert.equal(verdictOn(newFamily(), 0, { nowMs: openedAtMs + 60_000 }).kind, 'refused')
  })

  it('lets a family be idle to the last millisecond of its idle time', () => {
    for (const generation of [1, 2, 3]) {
      assert.equal(expiresAtMs(plainFamily(generation)), idleEndMs)
      assertEnds(plainFamily(generation), idleEndMs, 'idle_expired')
    }
    assert.equal(verdictOn(plainFamily(3), 3, { nowMs: idleEndMs - 1 }).kind, 'advanced')
    assert.equal(verdictOn(plainFamily(3), 3, { nowMs: idleEndMs }).kind, 'refused')
  })

  it('ends code and family at the absolute end where that comes first, and says so', () => {
    for (const family of [newFamily(), plainFamily(3)]) {
      const short = { ...family, absoluteExpiresAtMs: openedAtMs + 20_000 }
      assert.equal(expiresAtMs(short), openedAtMs + 20_000)
      assertEnds(short, openedAtMs + 20_000, 'absolute_expired')
    }
  })

  it('says absolute where both ends fall on one millisecond', () => {
    assertEnds({ ...plainFamily(3), absoluteExpiresAtMs: idleEndMs }, idleEndMs, 'absolute_expired')
    assertEnds({ ...plainFamily(3), absoluteExpiresAtMs: idleEndMs + 1 }, idleEndMs, 'idle_expired')
  })

  it('I8 moves by advanced and by kept, and by nothing else', () => {
    const nowMs = rotatedAtMs + 1_000
    const family = confidentialFamily(3)
    assert.equal(expiresAtMs(verdictOn(family, 3, { nowMs, proof: client }).family), idleEndMs + 1_000)
    const keeps = { ...policy, rotates: false }
    assert.equal(expiresAtMs(verdictOn(family, 3, { nowMs, proof: client, policy: keeps }).family), idleEndMs + 1_000)
    assert.equal(expiresAtMs(verdictOn(family, 2, { nowMs, proof: client }).family), idleEndMs)
    assert.equal(expiresAtMs(verdictOn(family, 1, { nowMs, proof: client }).family), idleEndMs)
  })

  it('I8 leaves the absolute end where it is, however often the family is refreshed', () => {
    let family = plainFamily(1)
    for (let nowMs = rotatedAtMs; nowMs < newFamily().absoluteExpiresAtMs; nowMs += 3_000_000) {
      family = verdictOn(family, family.generation, { nowMs }).family
    }
    assert.equal(family.end, null)
    assert.equal(family.absoluteExpiresAtMs, newFamily().absoluteExpiresAtMs)
    assertEnds(family, family.absoluteExpiresAtMs, 'absolute_expired')
  })
})

describe('the time that is left', () => {
  it('counts whole seconds, rounded down, and never below 0', () => {
    const family = plainFamily(3)
    const left = (nowMs: number): number[] => [idleLeftSeconds(family, nowMs), absoluteLeftSeconds(family, nowMs)]
    assert.deepEqual(left(rotatedAtMs), [3_600, 86_390])
    assert.deepEqual(left(rotatedAtMs + 1), [3_599, 86_389])
    assert.deepEqual(left(rotatedAtMs + 1_000), [3_599, 86_389])
    assert.deepEqual(left(idleEndMs - 1), [0, 86_390 - 3_600])
    assert.deepEqual(left(family.absoluteExpiresAtMs + 5_000), [0, 0])
  })

  it('follows the examples of draft-ietf-oauth-refresh-token-expiration', () => {
    const day = 86_400
    const opened = newFamily({ idleSeconds: 7 * day, absoluteExpiresAtMs: openedAtMs + 10 * day * 1000 })
    let family: Family = opened
    const left: number[][] = []
    for (const [generation, days] of [0, 2, 7].entries()) {
      const nowMs = openedAtMs + days * day * 1000
      family = verdictOn(family, generation, { nowMs }).family
      left.push([idleLeftSeconds(family, nowMs), absoluteLeftSeconds(family, nowMs)])
    }
    assert.deepEqual(left, [
      [604_800, 864_000],
      [604_800, 691_200],
      [259_200, 259_200],
    ])
  })

  it('is what is left, not a fresh idle time, when a token is repeated', () => {
    const nowMs = rotatedAtMs + 10_000
    assert.equal(idleLeftSeconds(verdictOn(plainFamily(3), 2, { nowMs }).family, nowMs), 3_590)
  })
})

/** The last millisecond before is good, the end itself is not. */
function assertEnds(family: Family, endMs: number, reason: string): void {
  assert.deepEqual([expiryOf(family, endMs - 1), expiryOf(family, endMs)], [null, reason])
}
