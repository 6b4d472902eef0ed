import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FeedEntry, revocations } from './revocations.ts'

const untilMs = 10_000_000
const own = { client_id: 'shop', jti: 'j1', pawl: { fam: 'f1', opened_ms: 1000, auth_ms: 900 } }
const exchanged = {
  client_id: 'report',
  jti: 'j2',
  pawl: { fam: 'f1', opened_ms: 1000, auth_ms: 900, owner: 'shop', made_ms: 2000 },
}

function judged(entry: FeedEntry, claims: { readonly [name: string]: unknown }): boolean {
  const known = revocations()
  known.add(entry)
  return known.judge(claims) !== null
}

describe('what is known to be revoked', () => {
  it('concerns the tokens of a family, a single token, or everything of a time', () => {
    assert.ok(judged({ kind: 'family', fam: 'f1', untilMs }, own))
    assert.ok(judged({ kind: 'family', fam: 'f1', untilMs }, exchanged))
    assert.ok(!judged({ kind: 'family', fam: 'f2', untilMs }, own))
    assert.ok(judged({ kind: 'token', jti: 'j1', untilMs }, own))
    assert.ok(!judged({ kind: 'token', jti: 'j2', untilMs }, own))
    assert.ok(judged({ kind: 'everyone', beforeMs: 1001, untilMs }, own))
    assert.ok(!judged({ kind: 'everyone', beforeMs: 1000, untilMs }, own))
  })

  it('compares a client with when the family was opened, and one that was exchanged to with when that was', () => {
    const client = (clientId: string, beforeMs: number): FeedEntry => ({ kind: 'client', clientId, beforeMs, untilMs })
    assert.ok(judged(client('shop', 1001), own))
    assert.ok(!judged(client('shop', 1000), own))
    assert.ok(judged(client('shop', 1001), exchanged), 'of the owner')
    assert.ok(judged(client('report', 2001), exchanged), 'of who has it')
    assert.ok(!judged(client('report', 2000), exchanged))
    assert.ok(!judged(client('report', 2001), own))
    const ended = (fam: string, clientId: string, beforeMs: number): FeedEntry => ({
      kind: 'exchanged',
      fam,
      clientId,
      beforeMs,
      untilMs,
    })
    assert.ok(judged(ended('f1', 'report', 2001), exchanged))
    assert.ok(!judged(ended('f1', 'report', 2000), exchanged))
    assert.ok(!judged(ended('f1', 'shop', 2001), own))
    assert.ok(!judged(ended('f2', 'report', 2001), exchanged))
  })

  it('counts the later of two cut-offs, in whichever order they come', () => {
    for (const times of [
      [500, 1001],
      [1001, 500],
    ]) {
      const known = revocations()
      for (const beforeMs of times) known.add({ kind: 'client', clientId: 'shop', beforeMs, untilMs })
      assert.notEqual(known.judge(own), null)
      assert.equal(known.count(), 1)
    }
  })

  it('refuses a token that does not say what it is about', () => {
    const known = revocations()
    assert.equal(known.judge(own), null)
    for (const claims of [{}, { client_id: 'shop' }, { ...own, pawl: 'x' }, { ...own, pawl: { fam: 'f1' } }]) {
      assert.notEqual(known.judge(claims), null)
    }
    const undated = { ...exchanged, pawl: { ...exchanged.pawl, made_ms: undefined } }
    assert.equal(known.judge(undated), null)
    known.add({ kind: 'client', clientId: 'report', beforeMs: 1, untilMs })
    assert.notEqual(known.judge(undated), null)
  })

  it('forgets a piece when its time is over, never before, and holds what was prolonged', () => {
    const known = revocations()
    known.add({ kind: 'family', fam: 'f1', untilMs: 600_000 })
    known.add({ kind: 'family', fam: 'f2', untilMs: 600_000 })
    known.add({ kind: 'family', fam: 'f2', untilMs: 900_000 })
    known.forgetBefore(599_999)
    assert.equal(known.count(), 2)
    known.forgetBefore(660_000)
    assert.deepEqual([known.count(), known.judge(own)], [1, null])
    known.forgetBefore(899_999)
    assert.equal(known.count(), 1)
    known.forgetBefore(1_000_000)
    assert.equal(known.count(), 0)
  })
})
