/** What is counted, kept in a ring, denied or settled once: throttles, refusals, denied tokens, keys, settings, events. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Refusal, refusalsKeptMax, refusalsKeptSeconds } from '../../domain/event/refusal.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { StoredSigningKey } from '../../domain/keys/signing-key-store.ts'
import { clientId, eventOf, type Kind, sceneOf, startMs } from './fixture.test.ts'

export function proveCounters(kind: Kind): void {
  describe('a throttle', () => proveThrottles(kind))
  describe('the ring of refusals', () => {
    proveRefusals(kind)
    proveRing(kind)
  })
  describe('a denied access token', () => proveDenied(kind))
  describe('the signing keys', () => proveSigningKeys(kind))
  describe('a setting', () => proveSettings(kind))
  describe('the audit log', () => proveEvents(kind))
}

function proveThrottles(kind: Kind): void {
  it('gives each of many charges at once its own number', async test => {
    const { store } = await sceneOf(kind, test)
    const charges = await Promise.all(Array.from({ length: 50 }, () => store.throttles.charge('key', 60)))
    const counts = charges.map(charge => charge.count).toSorted((a, b) => a - b)
    assert.deepEqual(
      counts,
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
    assert.ok(charges.every(charge => charge.windowEndsAtMs === startMs + 60_000))
  })
  it('begins again with the first charge after its window, and not before', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.throttles.charge('key', 60)
    clock.advance(59_999)
    assert.deepEqual(await store.throttles.charge('key', 60), { count: 2, windowEndsAtMs: startMs + 60_000 })
    clock.advance(1)
    assert.deepEqual(await store.throttles.charge('key', 60), { count: 1, windowEndsAtMs: startMs + 120_000 })
  })
  it('gives back what is refunded, and never more', async test => {
    const { store } = await sceneOf(kind, test)
    await store.throttles.refund('key')
    await store.throttles.charge('key', 60)
    await Promise.all([store.throttles.refund('key'), store.throttles.refund('key')])
    assert.equal((await store.throttles.charge('key', 60)).count, 1)
    assert.equal((await store.throttles.charge('other', 60)).count, 1)
  })
  it('shows a count without touching it, for as long as its window runs', async test => {
    const { store, clock } = await sceneOf(kind, test)
    assert.equal(await store.throttles.look('key'), null)
    await store.throttles.charge('key', 60)
    clock.advance(59_999)
    const seen = { count: 1, windowEndsAtMs: startMs + 60_000 }
    assert.deepEqual([await store.throttles.look('key'), await store.throttles.look('key')], [seen, seen])
    clock.advance(1)
    assert.equal(await store.throttles.look('key'), null)
  })
}

function refusalOf(number: number, atMs: number): Refusal {
  return {
    requestId: `req_${String(number).padStart(12, '0')}` as RequestId,
    atMs,
    endpoint: '/token',
    code: 'invalid_grant',
    detail: 'the family ended',
    clientId,
    familyId: null,
    generation: number,
    address: '192.0.2.1',
  }
}

function proveRefusals(kind: Kind): void {
  it('finds each by its request until it is seven days old', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.refusals.record([])
    const [first, second] = [refusalOf(1, startMs), refusalOf(2, startMs)] as const
    await store.refusals.record([first, second])
    assert.deepEqual(await store.refusals.ofRequest(first.requestId), first)
    assert.deepEqual(await store.refusals.ofRequest(second.requestId), second)
    assert.equal(await store.refusals.ofRequest(refusalOf(3, startMs).requestId), null)
    clock.advance(refusalsKeptSeconds * 1000)
    assert.deepEqual(await store.refusals.ofRequest(first.requestId), first)
    clock.advance(1)
    assert.equal(await store.refusals.ofRequest(first.requestId), null)
  })
}

function proveRing(kind: Kind): void {
  it('holds the newest 100,000 and forgets the oldest', async test => {
    const { store } = await sceneOf(kind, test)
    const together = 1000
    for (let from = 0; from < refusalsKeptMax; from += together) {
      await store.refusals.record(Array.from({ length: together }, (_, at) => refusalOf(from + at, startMs)))
    }
    assert.notEqual(await store.refusals.ofRequest(refusalOf(0, startMs).requestId), null)
    await store.refusals.record([refusalOf(refusalsKeptMax, startMs)])
    assert.equal(await store.refusals.ofRequest(refusalOf(0, startMs).requestId), null)
    assert.notEqual(await store.refusals.ofRequest(refusalOf(1, startMs).requestId), null)
    assert.notEqual(await store.refusals.ofRequest(refusalOf(refusalsKeptMax, startMs).requestId), null)
  })
}

function proveDenied(kind: Kind): void {
  it('is denied, and no other', async test => {
    const { store } = await sceneOf(kind, test)
    await store.deniedAccessTokens.deny('token-1', startMs + 1000)
    await store.deniedAccessTokens.deny('token-1', startMs + 500)
    assert.equal(await store.deniedAccessTokens.isDenied('token-1'), true)
    assert.equal(await store.deniedAccessTokens.isDenied('token-2'), false)
  })
}

function keyOf(kid: string, createdAtMs: number): StoredSigningKey {
  return {
    kid,
    algorithm: 'ES256',
    sealedPrivateKey: Uint8Array.of(1, 2, 3),
    publicJwk: '{"kty":"EC"}',
    createdAtMs,
    signsFromMs: createdAtMs + 1000,
    verifiesUntilMs: null,
  }
}

function proveSigningKeys(kind: Kind): void {
  it('are added where the set is as it was listed, with those they retire', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    assert.deepEqual(await store.signingKeys.list(), [])
    const [old, next] = [keyOf('old', startMs), keyOf('next', startMs + 1)] as const
    assert.equal(await store.signingKeys.add([old], [], 0, [eventOf('signing_key_added', entropy)]), 'done')
    const retire = [{ kid: 'old', verifiesUntilMs: startMs + 5000 }]
    assert.equal(await store.signingKeys.add([next], retire, 0, []), 'moved')
    assert.deepEqual(await store.signingKeys.list(), [old])
    assert.equal(await store.signingKeys.add([next], retire, 1, []), 'done')
    assert.deepEqual(await store.signingKeys.list(), [{ ...old, verifiesUntilMs: startMs + 5000 }, next])
    assert.equal((await store.events.latest(10)).length, 1)
  })
  it('are kept in another seal, and stay what they are', async test => {
    const { store } = await sceneOf(kind, test)
    const [one, other] = [keyOf('one', startMs), keyOf('other', startMs + 1)] as const
    await store.signingKeys.add([one, other], [], 0, [])
    await store.signingKeys.reseal('one', Uint8Array.of(9, 9))
    assert.deepEqual(await store.signingKeys.list(), [{ ...one, sealedPrivateKey: Uint8Array.of(9, 9) }, other])
  })
  it('are added once where several find none', async test => {
    const { store } = await sceneOf(kind, test)
    const adds = ['a', 'b', 'c'].map(kid => store.signingKeys.add([keyOf(kid, startMs)], [], 0, []))
    assert.deepEqual((await Promise.all(adds)).toSorted(), ['done', 'moved', 'moved'])
    assert.equal((await store.signingKeys.list()).length, 1)
  })
}

function proveSettings(kind: Kind): void {
  it('is what the first one made of it', async test => {
    const { store } = await sceneOf(kind, test)
    const both = await Promise.all([
      store.setting('key-check', Uint8Array.of(1)),
      store.setting('key-check', Uint8Array.of(2)),
    ])
    assert.deepEqual(both[0], both[1])
    assert.deepEqual(await store.setting('key-check', Uint8Array.of(3)), both[0])
    assert.deepEqual(await store.setting('another', Uint8Array.of(3)), Uint8Array.of(3))
  })
}

function proveEvents(kind: Kind): void {
  it('gives the newest first, by request and in all, up to a limit', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const requestId = 'req_000000000001' as RequestId
    const [first, second, third] = [
      eventOf('signed_in', entropy, { requestId }),
      eventOf('signed_out', entropy, { atMs: startMs + 2, detail: { agent: null, generation: 3, again: true } }),
      eventOf('cut_off_set', entropy, { requestId, atMs: startMs + 1 }),
    ] as const
    await store.events.record([first, second, third])
    const recorded = (event: typeof first) => ({ ...event, count: 1, lastAtMs: event.atMs })
    assert.deepEqual(await store.events.latest(10), [second, third, first].map(recorded))
    assert.deepEqual(await store.events.latest(1), [recorded(second)])
    assert.deepEqual(await store.events.ofRequest(requestId, 10), [third, first].map(recorded))
    assert.deepEqual(await store.events.ofRequest('req_000000000002' as RequestId, 10), [])
  })
}
