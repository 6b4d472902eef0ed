/** Notices come with the cut-offs that end sessions; deliveries are claimed by one, settled once, and leave in time. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId, FamilyId, SessionId, Subject } from '@pawl/family'
import type { CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import { type Delivery, type Notice, restingMax } from '../../domain/outbox/outbox.ts'
import type { Store } from '../../domain/store.ts'
import { noticesKeptSeconds } from '../sql/sweep.ts'
import { clientId, eventOf, type Kind, type Scene, sceneOf, sessionId, startMs, subject } from './fixture.test.ts'

export function proveOutbox(kind: Kind): void {
  describe('a notice', () => proveNotices(kind))
  describe('a delivery', () => {
    proveClaims(kind)
    proveLooks(kind)
    proveLeaving(kind)
  })
}

const delivery: Delivery = {
  id: 'backchannel_logout session-1 web-app',
  channel: 'backchannel_logout',
  clientId,
  subject,
  sessionId,
  reason: 'signed out',
  createdAtMs: startMs,
  state: 'pending',
  attempts: 0,
  nextAtMs: startMs,
  lastAtMs: null,
  lastResult: null,
}

const target: Notice['target'] = { kind: 'session', sessionId }

async function cut(store: Store, of: CutOffTarget, reason = 'test'): Promise<number> {
  return store.cutOffs.set({ target: of, reason, by: 'operator', beforeMs: null }, [])
}

async function onlyNotice(store: Store): Promise<Notice> {
  const notices = await store.outbox.notices(10)
  assert.equal(notices.length, 1)
  const [notice] = notices
  assert.ok(notice !== undefined)
  return notice
}

/** Puts these into the outbox, by a notice that is gone then. */
async function saved(store: Store, ...deliveries: readonly Delivery[]): Promise<void> {
  await cut(store, target)
  assert.equal(await store.outbox.spread(await onlyNotice(store), deliveries, null, []), 'done')
}

function due(store: Store, nowMs: number): Promise<readonly Delivery[]> {
  return store.outbox.due(nowMs, [], 100)
}

function proveNotices(kind: Kind): void {
  it('comes with what ends sessions, at the time it was set, and with nothing else', async test => {
    const { store } = await sceneOf(kind, test)
    await cut(store, { kind: 'client', clientId })
    await cut(store, { kind: 'grant', grantId: 'grant' as never })
    await cut(store, { kind: 'consent', subject, clientId })
    assert.deepEqual(await store.outbox.notices(10), [])
    const targets: readonly Notice['target'][] = [
      { kind: 'everyone' },
      { kind: 'user', subject },
      { kind: 'session', sessionId },
      { kind: 'logout', sessionId },
    ]
    for (const each of targets) await cut(store, each)
    const notices = await store.outbox.notices(10)
    assert.deepEqual(
      notices.map(notice => notice.target),
      targets,
    )
    for (const notice of notices) {
      assert.deepEqual([notice.reason, notice.after, notice.version], ['test', null, 1])
      assert.ok(notice.atMs >= startMs)
    }
    assert.equal((await store.outbox.notices(2)).length, 2)
  })
  it('comes with the end of a session and the change of a user too', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await store.sessions.end(sessionId, 'logout', 'signed out', [eventOf('signed_out', entropy)])
    const notice = await onlyNotice(store)
    assert.deepEqual([notice.target, notice.reason], [{ kind: 'logout', sessionId }, 'signed out'])
  })
  it('begins anew when its cut-off is set again, and whoever was at it has lost it', async test => {
    const { store } = await sceneOf(kind, test)
    await cut(store, target)
    const before = await onlyNotice(store)
    const family = 'family' as FamilyId
    assert.equal(await store.outbox.spread(before, [], family, []), 'done')
    const further = await onlyNotice(store)
    assert.deepEqual(further, { ...before, after: family, version: before.version + 1 })
    await cut(store, target, 'again')
    const renewed = await onlyNotice(store)
    assert.deepEqual([renewed.reason, renewed.after, renewed.version], ['again', null, further.version + 1])
    assert.equal(await store.outbox.spread(further, [delivery], null, []), 'moved')
    assert.deepEqual(await due(store, startMs), [])
    assert.deepEqual(await onlyNotice(store), renewed)
  })
  it('is spread by one of many who are at it, and each delivery is there once', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await cut(store, target)
    const notice = await onlyNotice(store)
    const event = eventOf('delivery_failed', entropy)
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => store.outbox.spread(notice, [delivery, delivery], null, [event])),
    )
    assert.equal(outcomes.filter(outcome => outcome === 'done').length, 1)
    assert.deepEqual(await store.outbox.notices(10), [])
    assert.deepEqual(await due(store, startMs), [delivery])
    assert.equal((await store.events.latest(10)).filter(({ kind: each }) => each === 'delivery_failed').length, 1)
  })
  it('whose delivery is there already does not touch it', async test => {
    const { store } = await sceneOf(kind, test)
    await saved(store, delivery)
    assert.equal(await store.outbox.claim(delivery, startMs + 60_000), 'done')
    const settled: Delivery = { ...delivery, attempts: 1, state: 'delivered', lastAtMs: startMs, lastResult: '200' }
    assert.equal(await store.outbox.settle(settled, []), 'done')
    await saved(store, delivery)
    assert.deepEqual(await store.outbox.list(null, 10), [settled])
  })
  it('that nobody spreads leaves in time', async test => {
    const { store, clock } = await sceneOf(kind, test)
    const atMs = await cut(store, target)
    clock.set(atMs + noticesKeptSeconds * 1000)
    await writeALot(store, 'first')
    assert.equal((await store.outbox.notices(10)).length, 1)
    clock.advance(2000)
    await writeALot(store, 'second')
    assert.equal((await store.outbox.notices(10)).length, 0)
  })
}

function proveClaims(kind: Kind): void {
  it('is claimed by one of many, and by another once its time is over', async test => {
    const { store } = await sceneOf(kind, test)
    await saved(store, delivery)
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.outbox.claim(delivery, startMs + 60_000)))
    assert.equal(claims.filter(claim => claim === 'done').length, 1)
    assert.deepEqual(await due(store, startMs + 59_999), [])
    const [again] = await due(store, startMs + 60_000)
    assert.deepEqual(again, { ...delivery, attempts: 1, nextAtMs: startMs + 60_000 })
    assert.equal(await store.outbox.claim({ ...delivery, attempts: 1 }, startMs + 120_000), 'done')
  })
  it('is settled by the attempt that stands, and once', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await saved(store, delivery)
    await store.outbox.claim(delivery, startMs + 60_000)
    await store.outbox.claim({ ...delivery, attempts: 1 }, startMs + 120_000)
    const over: Delivery = { ...delivery, state: 'failed', lastAtMs: startMs + 5, lastResult: '500' }
    const event = eventOf('delivery_failed', entropy)
    assert.equal(await store.outbox.settle({ ...over, attempts: 1 }, [event]), 'moved', 'the first ran over its time')
    assert.equal(await store.outbox.settle({ ...over, attempts: 2 }, [event]), 'done')
    assert.equal(await store.outbox.settle({ ...over, attempts: 2, state: 'delivered' }, []), 'moved')
    assert.equal(await store.outbox.claim({ ...delivery, attempts: 2 }, startMs), 'moved', 'what is over is not tried')
    assert.deepEqual(await store.outbox.list('failed', 10), [{ ...over, attempts: 2 }])
    assert.equal((await store.events.latest(10)).filter(({ kind: each }) => each === 'delivery_failed').length, 1)
  })
}

function proveLooks(kind: Kind): void {
  it('is due when its time has come, the longest due first, but not while its client rests', async test => {
    const { store } = await sceneOf(kind, test)
    const others = ['a', 'b', 'c'].map((name, at) => ({
      ...delivery,
      id: name,
      clientId: `client-${name}` as ClientId,
      nextAtMs: startMs - at,
    }))
    await saved(store, delivery, ...others, { ...delivery, id: 'later', nextAtMs: startMs + 1 })
    const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ id }) => id)
    assert.deepEqual(ids(await due(store, startMs)), ['c', 'b', 'a', delivery.id].toSorted(byTime))
    assert.deepEqual(ids(await store.outbox.due(startMs, [], 2)), ['c', 'b'])
    const resting = [clientId, 'client-c' as ClientId]
    assert.deepEqual(ids(await store.outbox.due(startMs, resting, 10)), ['b', 'a'])
    const many = Array.from({ length: restingMax }, (_, at) => `other-${at}` as ClientId)
    assert.equal((await store.outbox.due(startMs, many, 10)).length, 4)
    assert.equal(await store.outbox.countPending(100), 5)
    assert.equal(await store.outbox.countPending(3), 3)

    function byTime(one: string, other: string): number {
      const timeOf = (id: string) => others.find(each => each.id === id)?.nextAtMs ?? startMs
      return timeOf(one) - timeOf(other) || (one < other ? -1 : 1)
    }
  })
  it('of no session comes back as it was, and is listed by its state', async test => {
    const { store } = await sceneOf(kind, test)
    const ofUser: Delivery = { ...delivery, id: 'user', sessionId: null, subject: 'user-2' as Subject }
    const later: Delivery = { ...delivery, id: 'later', createdAtMs: startMs + 1, sessionId: 's2' as SessionId }
    await saved(store, ofUser, later)
    assert.deepEqual(await store.outbox.list(null, 10), [later, ofUser])
    assert.deepEqual(await store.outbox.list(null, 1), [later])
    assert.equal((await store.outbox.list('pending', 10)).length, 2)
    assert.deepEqual(await store.outbox.list('failed', 10), [])
  })
}

function proveLeaving(kind: Kind): void {
  it('leaves when its record has been kept for its time, and never while it waits', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const [delivered, failed, waiting] = ['delivered', 'failed', 'waiting'].map(id => ({ ...delivery, id }))
    assert.ok(delivered && failed && waiting)
    await saved(store, delivered, failed, waiting)
    await over(scene, delivered, 'delivered')
    await over(scene, failed, 'failed')
    clock.set(startMs + 1000)
    await writeALot(store, 'first')
    assert.equal((await store.outbox.list(null, 10)).length, 3)
    clock.set(startMs + 1001)
    await writeALot(store, 'second')
    assert.deepEqual(
      (await store.outbox.list(null, 10)).map(({ id }) => id),
      ['waiting'],
    )
  })
}

async function over({ store }: Scene, each: Delivery, state: 'delivered' | 'failed'): Promise<void> {
  await store.outbox.claim(each, startMs + 60_000)
  const settled = { ...each, attempts: 1, state, nextAtMs: startMs + 1000, lastAtMs: startMs, lastResult: '200' }
  assert.equal(await store.outbox.settle(settled, []), 'done')
}

/** Enough writes that the other tables are tidied. */
async function writeALot(store: Store, name: string): Promise<void> {
  for (let round = 0; round < 16; round++) {
    await Promise.all(Array.from({ length: 32 }, (_, at) => store.throttles.charge(`${name}-${round}-${at}`, 1)))
  }
}
