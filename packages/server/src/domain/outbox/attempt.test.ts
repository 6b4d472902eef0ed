import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId, SessionId, Subject } from '@pawl/family'
import { type Attempt, firstPauseSeconds, isTooOld, pauseSecondsMax, settledBy } from './attempt.ts'
import { deliveriesKeptSeconds, type Delivery, deliveryAgeSecondsMax, deliveryAttemptsMax } from './outbox.ts'

const startMs = 1_800_000_000_000
const ageMs = deliveryAgeSecondsMax * 1000
const refused: Attempt = { kind: 'not_taken', result: '503' }

const delivery: Delivery = {
  id: 'backchannel_logout s1 shop',
  channel: 'backchannel_logout',
  clientId: 'shop' as ClientId,
  subject: 'user-1' as Subject,
  sessionId: 's1' as SessionId,
  reason: 'signed out',
  createdAtMs: startMs,
  state: 'pending',
  attempts: 1,
  nextAtMs: startMs + 60_000,
  lastAtMs: null,
  lastResult: null,
}

describe('an attempt', () => {
  it('that was taken ends the delivery, and its record stays for a while', () => {
    const settled = settledBy(delivery, { kind: 'taken', result: '200' }, startMs + 5, 0)
    const over = { state: 'delivered', nextAtMs: startMs + 5 + deliveriesKeptSeconds * 1000 } as const
    assert.deepEqual(settled, { ...delivery, ...over, lastAtMs: startMs + 5, lastResult: '200' })
  })

  it('that was not is made again after a pause that doubles, up to the longest', () => {
    const pauses = Array.from({ length: deliveryAttemptsMax - 1 }, (_, at) => {
      const settled = settledBy({ ...delivery, attempts: at + 1 }, refused, startMs, 0)
      assert.equal(settled.state, 'pending')
      return (settled.nextAtMs - startMs) / 1000
    })
    assert.equal(pauses[0], firstPauseSeconds)
    for (const [at, pause] of pauses.entries()) {
      assert.equal(pause, Math.min(firstPauseSeconds * 2 ** at, pauseSecondsMax))
    }
    assert.ok(pauses.reduce((sum, pause) => sum + pause, 0) < deliveryAgeSecondsMax, 'all attempts fit into the age')
  })

  it('that was not waits at least half of its pause, as chance has it', () => {
    for (const chance of [0, 0.25, 0.999]) {
      const { nextAtMs } = settledBy(delivery, refused, startMs, chance)
      assert.equal(nextAtMs, startMs + Math.round(firstPauseSeconds * 1000 * (1 - chance / 2)))
    }
  })

  it('is the last after so many, and not one before', () => {
    assert.equal(settledBy({ ...delivery, attempts: deliveryAttemptsMax - 1 }, refused, startMs, 0).state, 'pending')
    const last = settledBy({ ...delivery, attempts: deliveryAttemptsMax }, refused, startMs, 0)
    assert.deepEqual([last.state, last.lastResult], ['failed', '503'])
  })

  it('is the last when the next would come too late, and not a millisecond before', () => {
    const pauseMs = firstPauseSeconds * 1000
    assert.equal(settledBy(delivery, refused, startMs + ageMs - pauseMs - 1, 0).state, 'pending')
    assert.equal(settledBy(delivery, refused, startMs + ageMs - pauseMs, 0).state, 'failed')
  })

  it('is the last where there is nobody to be told', () => {
    const settled = settledBy(delivery, { kind: 'pointless', result: 'no_address' }, startMs, 0)
    assert.deepEqual([settled.state, settled.lastResult], ['failed', 'no_address'])
  })
})

describe('what is to be told', () => {
  it('is too old after its age, and not a millisecond before', () => {
    assert.equal(isTooOld(delivery, startMs + ageMs - 1), false)
    assert.equal(isTooOld(delivery, startMs + ageMs), true)
  })
})
