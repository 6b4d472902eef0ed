import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { comparedAnswersMax, staleness } from './staleness.ts'

/** A server whose clock is a thousand seconds ahead. */
const ahead = 1_000_000

describe('staleness', () => {
  it('knows nothing before the first answer, and counts the way of that one in full', () => {
    const age = staleness()
    assert.equal(age.knownAtMs(), null)
    age.heard({ askedAtMs: 1000, heardAtMs: 1040, sentAtServerMs: 1030 + ahead, ageMs: 7 })
    assert.equal(age.knownAtMs(), 1040 - 7 - 40)
  })

  it('counts the shortest way for an answer that waited at the server', () => {
    const age = staleness()
    age.heard({ askedAtMs: 1000, heardAtMs: 1040, sentAtServerMs: 1030 + ahead, ageMs: 0 })
    age.heard({ askedAtMs: 1040, heardAtMs: 6040, sentAtServerMs: 6030 + ahead, ageMs: 3 })
    assert.equal(age.knownAtMs(), 6040 - 3 - 40)
  })

  it('sees an answer that was held up on its way, without believing any clock', () => {
    const age = staleness()
    age.heard({ askedAtMs: 1000, heardAtMs: 1040, sentAtServerMs: 1030 + ahead, ageMs: 0 })
    age.heard({ askedAtMs: 1040, heardAtMs: 6040, sentAtServerMs: 3030 + ahead, ageMs: 0 })
    assert.equal(age.knownAtMs(), 6040 - 3000 - 40)
  })

  it('never makes an answer older than its request, also after a clock was set', () => {
    const age = staleness()
    age.heard({ askedAtMs: 1000, heardAtMs: 1040, sentAtServerMs: 1030, ageMs: 0 })
    const jump = 3_600_000
    for (let at = 1; at <= comparedAnswersMax; at++) {
      const askedAtMs = jump + at * 5000
      age.heard({ askedAtMs, heardAtMs: askedAtMs + 5000, sentAtServerMs: at * 5000 + 4990, ageMs: 0 })
      const knownAtMs = age.knownAtMs() ?? 0
      assert.ok(knownAtMs >= askedAtMs && knownAtMs <= askedAtMs + 5000)
    }
    const knownAtMs = age.knownAtMs() ?? 0
    age.heard({ askedAtMs: knownAtMs, heardAtMs: jump + 100_000, sentAtServerMs: 99_990, ageMs: 0 })
    assert.ok((age.knownAtMs() ?? 0) >= knownAtMs)
  })
})
