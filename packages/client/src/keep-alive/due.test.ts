import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { GrantView } from '../holder/holder.ts'
import { attemptMsMin, defaultPolicy, dueAtMs, nextAttemptMs } from './due.ts'

const dayMs = 86_400_000
const refreshedAtMs = 1_800_000_000_000

function view(idleExpiresAtMs: number | null): GrantView {
  const rest = { grant: 'a', subject: null, sessionId: null, scope: null, generation: 1, createdAtMs: refreshedAtMs }
  return { ...rest, refreshedAtMs, idleExpiresAtMs, absoluteExpiresAtMs: null, hasRefreshToken: true, end: null }
}

describe('when a grant is refreshed', () => {
  it('is at half of its idle time, and earlier by chance', () => {
    const kept = view(refreshedAtMs + 10 * dayMs)
    assert.equal(dueAtMs(kept, defaultPolicy, 0), refreshedAtMs + 5 * dayMs)
    assert.equal(dueAtMs(kept, defaultPolicy, 0.5), refreshedAtMs + 4.5 * dayMs)
  })

  it('is once a week however long it may idle, and half of what is assumed where the server does not say', () => {
    assert.equal(dueAtMs(view(refreshedAtMs + 400 * dayMs), defaultPolicy, 0), refreshedAtMs + 7 * dayMs)
    assert.equal(dueAtMs(view(null), defaultPolicy, 0), refreshedAtMs + 3.5 * dayMs)
  })
})

describe('when a grant that failed is asked for again', () => {
  const failure = { failures: 1, retryAfterMs: 0, nowMs: 0, idleEndMs: 10 * dayMs, chance: 0 }

  it('waits twice as long each time, up to an hour', () => {
    const waits = [1, 2, 3, 8, 100].map(failures => nextAttemptMs({ ...failure, failures }, defaultPolicy) / 1000)
    assert.deepEqual(waits, [30, 60, 120, 3600, 3600])
  })

  it('waits a random part of that, but never nothing', () => {
    assert.equal(nextAttemptMs({ ...failure, chance: 0.5 }, defaultPolicy), 15_000)
    assert.equal(nextAttemptMs({ ...failure, chance: 0.999_99 }, defaultPolicy), attemptMsMin)
  })

  it('waits as long as the server asks for', () => {
    assert.equal(nextAttemptMs({ ...failure, retryAfterMs: 90_000 }, defaultPolicy), 90_000)
  })

  it('waits a quarter of what is left when the idle end comes near, and as ever once it is past', () => {
    assert.equal(nextAttemptMs({ ...failure, failures: 9, idleEndMs: 40_000 }, defaultPolicy), 10_000)
    assert.equal(nextAttemptMs({ ...failure, failures: 9, idleEndMs: -1 }, defaultPolicy), 3_600_000)
  })
})
