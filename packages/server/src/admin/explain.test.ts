import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countedEvent, newEvent } from '../domain/event/new-event.ts'
import { newRequestId } from '../domain/identifiers.ts'
import { eventKinds } from '../domain/event/event.ts'
import { explain, explainedJson } from './explain.ts'
import { eventExplanation } from './explain-words.ts'
import { bench } from './fixture.test.ts'
import { carryOut, planRevocation } from './revoke.ts'

const strangeKey = `rk1.${'s'.repeat(43)}`

function words(explained: Awaited<ReturnType<typeof explain>>): string {
  return [explained.explanation.title, ...explained.explanation.sentences].join('\n')
}

describe('explain', () => {
  it('has a title, sentences and a next step for every kind of event', async () => {
    const { workbench } = await bench()
    const caller = { requestId: null, address: '192.0.2.7', userAgent: 'curl' }
    const titles = eventKinds.map(kind => {
      const detail = { reason: 'reuse', generation: 1, limit: 'network' }
      const event = newEvent(kind, { caller, atMs: 1_800_000_000_000, detail }, workbench.entropy)
      const { title, sentences, nextSteps } = eventExplanation({ ...event, count: 1, lastAtMs: event.atMs }, null)
      for (const sentence of [...sentences, ...nextSteps.map(step => step.sentence)]) {
        assert.match(sentence, /^[A-Z].*[.?]$/s, kind)
      }
      assert.ok(sentences.length > 0 && nextSteps.length > 0 && title !== '', kind)
      assert.ok(!title.includes('_') && sentences.some(sentence => sentence.includes('2027-01-15T08:00:00')), kind)
      return title
    })
    // A reuse is what it is, told of the token or of the family that it ended.
    assert.equal(new Set(titles).size, eventKinds.length - 1)
  })

  it('says who, when, which generation and why for the request of a thief', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    await use(family.id, { generation: 1 })
    await use(family.id, { generation: 2 })
    const { requestId } = await use(family.id, {
      generation: 1,
      retryKey: strangeKey,
      address: '198.51.100.9',
      agent: 'thief',
    })
    const explained = await explain(workbench, requestId)
    assert.equal(explained.kind, 'request')
    assert.equal(explained.explanation.title, 'Ended: a spent token was used again')
    const text = words(explained)
    assert.match(
      text,
      /At 2027-01-05T12:00:00\.\d{3}Z, client app presented the refresh token of generation 1 for user ada/,
    )
    assert.match(text, /from 198\.51\.100\.9 with "thief"/)
    assert.match(text, /stood at generation 3, so the token was 2 generations old/)
    assert.match(text, /the whole grant ended/)
    assert.match(text, /Of the last 3 uses on record, 0 came from this address and 0 from this agent/)
    assert.equal(explained.family?.overBecause, 'reuse')
    assert.equal(explained.events.filter(({ kind }) => kind === 'token_reused').length, 1)
    assert.ok(explained.explanation.nextSteps.length > 0)
  })

  it('finds the same by the family and by the event', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    await use(family.id, { generation: 1 })
    const { requestId } = await use(family.id, { generation: 1, retryKey: strangeKey })
    const byRequest = await explain(workbench, requestId)
    const event = byRequest.events.find(({ kind }) => kind === 'token_reused')
    const byEvent = await explain(workbench, event?.id ?? '')
    assert.equal(byEvent.kind, 'event')
    assert.equal(byEvent.explanation.title, byRequest.explanation.title)
    const byFamily = await explain(workbench, family.id)
    assert.equal(byFamily.kind, 'family')
    assert.equal(byFamily.explanation.title, byRequest.explanation.title)
    assert.match(words(byFamily), /generation 1/)
  })

  it('tells a missing retry key from theft', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    const { requestId } = await use(family.id, { generation: 1, retryKey: null })
    const explained = await explain(workbench, requestId)
    assert.equal(explained.explanation.title, 'Refused: this family asks for its retry key')
    assert.equal(explained.family?.overBecause, null)
    assert.equal((await explain(workbench, `${family.id}.1.retry_key_missing`)).kind, 'event')
  })

  it('finds a counted event for a later request by its refusal, and says how often', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    await use(family.id, { generation: 1, retryKey: null })
    const { requestId } = await use(family.id, { generation: 1, retryKey: null })
    const refusal = {
      requestId,
      atMs: await workbench.store.now(),
      endpoint: '/token',
      code: 'invalid_grant',
      detail: 'retry key required',
      clientId: family.grant.clientId,
      familyId: family.id,
      generation: 1,
      address: '192.0.2.1',
    }
    await workbench.store.refusals.record([refusal])
    const explained = await explain(workbench, requestId)
    assert.equal(explained.explanation.title, 'Refused: this family asks for its retry key')
    assert.match(words(explained), /It happened 2 times/)
    assert.equal(explained.refusal?.detail, 'retry key required')
  })

  it('says why a family that was cut off or has run out is over, met by a step or not', async () => {
    const { workbench, openFamily, use, advanceSeconds } = await bench()
    const cut = await openFamily()
    const idle = await openFamily({ client: 'other' })
    await carryOut(workbench, await planRevocation(workbench, { session: cut.grant.sessionId ?? '' }))
    assert.equal((await explain(workbench, cut.id)).explanation.title, 'Ended: the session was cut off')
    advanceSeconds(3600)
    assert.equal((await explain(workbench, idle.id)).explanation.title, 'Ended: it was not used for too long')
    const { requestId } = await use(idle.id, { generation: 1 })
    const met = await explain(workbench, requestId)
    assert.equal(met.explanation.title, 'Ended: it was not used for too long')
    assert.match(words(met), /presented the refresh token of generation 1/)
  })

  it('names the operator who ended a family', async () => {
    const { workbench, openFamily } = await bench()
    const family = await openFamily()
    await carryOut(workbench, await planRevocation(workbench, { family: family.id }))
    const explained = await explain(workbench, family.id)
    assert.equal(explained.explanation.title, 'Ended: an operator revoked it')
    assert.match(words(explained), /it was ended by olga/)
  })

  it('says that a living family lives, and when it runs out', async () => {
    const { workbench, openFamily } = await bench()
    const family = await openFamily()
    const explained = await explain(workbench, family.id)
    assert.equal(explained.explanation.title, 'Living')
    assert.match(words(explained), /unused, runs out at 2027-01-05T13:00:00/)
  })

  it('says what a token in the hands of another client means, whatever it was presented for', async () => {
    const { workbench, openFamily } = await bench()
    const family = await openFamily()
    for (const [generation, detail, said] of [
      [0, {}, /client thief presented the code of client app for use\. It was not redeemed/],
      [2, {}, /client thief presented the refresh token of generation 2 of client app for use/],
      [3, { endpoint: 'revoke' }, /generation 3 of client app for revocation\. It was not revoked/],
    ] as const) {
      const event = countedEvent('wrong_client', family, {
        generation,
        caller: { requestId: newRequestId(workbench.entropy), address: '192.0.2.7', userAgent: 'curl' },
        atMs: await workbench.store.now(),
        detail: { presented_by: 'thief', ...detail },
      })
      await workbench.store.events.record([event, event])
      const explained = await explain(workbench, event.requestId ?? '')
      assert.equal(explained.explanation.title, 'Refused: the token belongs to another client')
      assert.match(words(explained), said)
      assert.match(words(explained), /from 192\.0\.2\.7 with "curl"/)
      assert.match(words(explained), /It happened 2 times/)
      assert.deepEqual(
        explained.explanation.nextSteps.map(({ reader }) => reader),
        ['developer', 'operator'],
      )
    }
  })

  it('says why a verifier that was shown proves nothing, and why a challenge is for one request', async () => {
    const { workbench, openFamily } = await bench()
    const family = await openFamily()
    for (const [detail, title, said] of [
      [{ verifier: 'shown by the front channel' }, 'Refused: the code verifier was no secret', /is not spent/],
      [{ same_challenge_within_the_hour: 6 }, 'Suspicious: one code challenge for many requests', /for the 6th time/],
    ] as const) {
      const caller = { requestId: newRequestId(workbench.entropy), address: '192.0.2.7', userAgent: 'curl' }
      const { clientId } = family.grant
      const about = { familyId: family.id, clientId, caller, atMs: await workbench.store.now(), detail }
      await workbench.store.events.record([newEvent('suspicious_pkce', about, workbench.entropy)])
      const explained = await explain(workbench, caller.requestId)
      const byEvent = await explain(
        workbench,
        explained.events.find(each => each.requestId === caller.requestId)?.id ?? '',
      )
      for (const each of [explained, byEvent]) {
        assert.equal(each.explanation.title, title)
        assert.match(words(each), said)
        assert.equal(each.explanation.nextSteps.length, 2)
      }
    }
  })

  it('tells what a request did that nobody refused', async () => {
    const { workbench, openFamily } = await bench()
    const family = await openFamily()
    const [opening] = (await workbench.store.events.ofFamily(family.id, 10)).filter(
      each => each.kind === 'family_opened',
    )
    const explained = await explain(workbench, opening?.requestId ?? '')
    assert.equal(explained.explanation.title, 'A family was opened')
    assert.match(words(explained), /a client was let in.*It concerns client app, user ada, family /s)
  })

  it('shows a refusal without a family as it was logged', async () => {
    const { workbench } = await bench()
    const requestId = newRequestId(workbench.entropy)
    const nobody = { clientId: null, familyId: null, generation: null }
    const atMs = await workbench.store.now()
    const refusal = {
      requestId,
      atMs,
      endpoint: '/token',
      code: 'invalid_client',
      detail: 'no client is named',
      address: '::1',
    }
    await workbench.store.refusals.record([{ ...refusal, ...nobody }])
    const json = explainedJson(await explain(workbench, requestId))
    assert.equal(json['title'], 'Refused: invalid_client')
    assert.deepEqual(json['sentences'], [
      'At 2027-01-05T12:00:00.000Z, somebody was answered invalid_client at /token, asking from ::1: no client is named.',
    ])
  })

  it('never holds a seed, a hash or a token', async () => {
    const { workbench, openFamily, use } = await bench()
    const family = await openFamily()
    const { requestId } = await use(family.id, { generation: 0, retryKey: strangeKey })
    const json = JSON.stringify(explainedJson(await explain(workbench, requestId)))
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      assert.equal(json.includes(Buffer.from(family.seed).toString(encoding)), false)
    }
    assert.equal(json.includes('pawl_'), false)
  })

  it('refuses what is no id, and says so where nothing is on record', async () => {
    const { workbench } = await bench()
    await assert.rejects(explain(workbench, 'hello'), { name: 'InputRefused' })
    await assert.rejects(explain(workbench, newRequestId(workbench.entropy)), {
      name: 'AdminRefused',
      message: /Nothing is on record/,
    })
    await assert.rejects(explain(workbench, '01990000-0000-7000-8000-000000000000'), { name: 'AdminRefused' })
  })
})
