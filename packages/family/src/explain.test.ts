import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Circumstances,
  type Explanation,
  explainEnd,
  explainRefusal,
  explainVerdict,
  unknownCircumstances,
} from './explain.ts'
import { endTexts } from './explain-ends.ts'
import { refusalTexts } from './explain-refusals.ts'
import { reuseEndsTexts } from './explain-verdicts.ts'
import type { EndReason } from './family.ts'
import { plainFamily, reuseAt, rotatedAtMs, verdictOn } from './fixture.test.ts'
import type { RefusalReason, ReuseEnds } from './present.ts'

const known: Circumstances = {
  at: '2027-01-15 08:00:15 UTC',
  clientId: 'notes',
  subject: 'alice',
  generationPresented: 3,
  generationCurrent: 5,
  address: '203.0.113.9',
  agent: 'curl/8',
}

const refusals = Object.keys(refusalTexts) as RefusalReason[]
const ends = Object.keys(endTexts) as EndReason[]
const reaches = Object.keys(reuseEndsTexts) as ReuseEnds[]
const quiet = ['advanced', 'kept', 'repeated', 'stale'] as const

const everything: Explanation[] = [
  ...quiet.map(kind => explainVerdict({ kind }, known)),
  ...reaches.map(reach => explainVerdict({ kind: 'reused', ends: reach }, known)),
  ...refusals.map(reason => explainVerdict({ kind: 'refused', reason }, known)),
  ...ends.map(reason => explainEnd({ reason, atMs: 1, by: 'rule' }, known)),
]

describe('an explanation', () => {
  it('I10 says who, when, which generation and why, of a token that was used again', () => {
    const { title, sentences } = explainVerdict({ kind: 'reused', ends: 'grant' }, known)
    assert.equal(title, 'Ended: a spent token was used again')
    assert.deepEqual(sentences.slice(0, 2), [
      'At 2027-01-15 08:00:15 UTC, client notes presented the refresh token of generation 3 for user alice from ' +
        '203.0.113.9 with "curl/8".',
      'The family stood at generation 5, so the token was 2 generations old.',
    ])
    assert.match(sentences[2] ?? '', /presented by someone who may not repeat it\. .*the whole grant ended/)
    assert.match(sentences[3] ?? '', /RFC 9700 section 4\.14\.2/)
    assert.equal(sentences.length, 4)
  })

  it('is made of whole sentences and tells developer and operator what to do', () => {
    for (const { title, sentences, nextSteps } of everything) {
      assert.match(title, /^[A-Z].*[^.]$/)
      assert.deepEqual(
        nextSteps.map(step => step.reader),
        ['developer', 'operator'],
      )
      for (const sentence of [...sentences, ...nextSteps.map(step => step.sentence)]) {
        assert.match(sentence, /^[A-Z`].*[.]$/s, title)
        assert.doesNotMatch(sentence, /undefined|null|NaN|\n| {2}/, title)
      }
    }
  })

  it('has words of its own for each reason', () => {
    assert.equal(new Set(refusals.map(reason => explainRefusal(reason).title)).size, refusals.length)
    assert.equal(new Set(ends.map(reason => endTexts[reason].title)).size, ends.length)
    const reused = reaches.map(reach => explainVerdict({ kind: 'reused', ends: reach }, known).sentences.join(' '))
    assert.equal(new Set(reused).size, reaches.length)
  })

  it('takes a verdict as the rule gives it', () => {
    const expired = verdictOn(plainFamily(3), 3, { nowMs: rotatedAtMs + 3_600_000 })
    assert.equal(explainVerdict(expired, known).title, refusalTexts.expired.title)
    assert.equal(explainVerdict(verdictOn(plainFamily(3), 3), known).title, 'Refreshed: the family moved forward')
    assert.equal(explainVerdict(verdictOn(plainFamily(3), 1), known).title, endTexts.reuse.title)
  })

  it('names the place of the token in the words of the verdict table', () => {
    const place = (generationPresented: number | null, generationCurrent: number | null): string | undefined =>
      explainRefusal('ended', { ...known, generationPresented, generationCurrent }).sentences[1]
    assert.equal(place(6, 5), 'The family stood at generation 5, so the token was ahead of its row.')
    assert.equal(place(5, 5), 'The family stood at generation 5, so the token was the current one.')
    assert.equal(place(4, 5), 'The family stood at generation 5, so the token was the predecessor of the current one.')
    assert.equal(place(3, 5), 'The family stood at generation 5, so the token was 2 generations old.')
    assert.equal(place(0, 1), 'The family stood at generation 1, so the code had been redeemed before.')
    assert.equal(place(0, 0), 'The family stood at generation 0, so the token was the current one.')
    assert.equal(place(null, 5), 'The family stood at generation 5.')
    assert.equal(place(3, null), refusalTexts.ended.happened)
  })

  it('says what it does not know, and leaves out what it need not say', () => {
    assert.deepEqual(explainRefusal('ended').sentences, [
      'At a time that was not recorded, an unknown client presented a token.',
      refusalTexts.ended.happened,
      refusalTexts.ended.because,
    ])
    const noAgent = explainRefusal('ended', { ...known, agent: null, subject: null }).sentences[0]
    assert.equal(noAgent?.endsWith('generation 3 from 203.0.113.9.'), true)
    const code = explainRefusal('ended', { ...unknownCircumstances, generationPresented: 0 }).sentences[0]
    assert.equal(code?.endsWith('presented the code (generation 0).'), true)
  })

  it('of an end names who ended it and when, and the presentation only where there was one', () => {
    const byRule = explainEnd(reuseAt(rotatedAtMs), known)
    assert.equal(byRule.sentences[0], 'The family ended at 2027-01-15 08:00:15 UTC; the rule ended it, not a person.')
    assert.match(byRule.sentences[1] ?? '', /client notes presented the refresh token of generation 3/)
    const byHand = explainEnd({ reason: 'revoked_by_operator', atMs: 1, by: 'bob' }, unknownCircumstances)
    assert.deepEqual(byHand.sentences, [
      'The family ended; it was ended by bob.',
      endTexts.revoked_by_operator.happened,
      endTexts.revoked_by_operator.because,
    ])
  })
})
