import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../entropy.ts'
import { detailBytesMax, type EventDetail } from './event.ts'
import { type Caller, newEvent } from './new-event.ts'
import { userAgentCharactersMax } from './user-agent.ts'

const caller: Caller = { requestId: null, address: '203.0.113.7', userAgent: 'stage/1' }

function detailOf(detail: EventDetail, from: Partial<Caller> = {}): EventDetail {
  return newEvent('family_ended', { caller: { ...caller, ...from }, atMs: 0, detail }, systemEntropy()).detail
}

function bytesOf(detail: EventDetail): number {
  return Buffer.byteLength(JSON.stringify(detail))
}

describe('the detail of an event', () => {
  it('stays whole up to its limit and is cut beyond, at its longest text', () => {
    const room = detailBytesMax - bytesOf(detailOf({ generation: 7, reason: 'reuse', scopes: '' }))
    const whole = detailOf({ generation: 7, reason: 'reuse', scopes: 's'.repeat(room) })
    assert.equal(bytesOf(whole), detailBytesMax)
    assert.equal(whole['scopes'], 's'.repeat(room))

    const cut = detailOf({ generation: 7, reason: 'reuse', scopes: 's'.repeat(room + 1) })
    assert.ok(bytesOf(cut) < detailBytesMax)
    assert.deepEqual({ ...cut, scopes: '' }, { ...whole, scopes: '' })
  })

  it('fits whatever it is made of', () => {
    const texts = ['x', '"', '\\', '\u0001', 'é', '🔑', '\ud800', '\n'].map(text => text.repeat(100_000))
    for (const text of texts) {
      for (const detail of [{ one: text }, { one: text, other: text, third: text }]) {
        assert.ok(bytesOf(detailOf(detail, { address: text, userAgent: text })) <= detailBytesMax)
      }
    }
  })

  it('leaves no half of a character behind', () => {
    for (const start of ['', 'x', 'xx', 'xxx']) {
      const { name } = detailOf({ name: start + '🔑'.repeat(2000) })
      assert.ok(typeof name === 'string' && name.length > 0 && name.isWellFormed())
    }
  })

  it('has so much of the user agent and no more', () => {
    const { agent } = detailOf({}, { userAgent: 'a'.repeat(userAgentCharactersMax + 1) })
    assert.equal(agent, 'a'.repeat(userAgentCharactersMax))
  })
})
