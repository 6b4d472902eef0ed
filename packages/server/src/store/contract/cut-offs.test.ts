/** Ending many with one row: T, its two sides, and every other thing that is cut off on the way. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClientId, cutOffOf, type GrantId, type SessionId, type Subject } from '@pawl/family'
import type { CutOff, CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import { newStepId } from '../../domain/identifiers.ts'
import {
  clientId,
  ended,
  eventOf,
  type Kind,
  opened,
  readFamily,
  rotated,
  sceneOf,
  sessionId,
  startMs,
  subject,
} from './fixture.test.ts'

export function proveCutOffs(kind: Kind): void {
  describe('a cut-off', () => {
    proveInstants(kind)
    proveTargets(kind)
    provePreviews(kind)
  })
}

function cutOffAt(target: CutOffTarget, beforeMs: number | null): CutOff {
  return { target, reason: 'test', by: 'operator', beforeMs }
}

function proveInstants(kind: Kind): void {
  it('leaves no gap and no overlap: what was opened before is over, what is opened after lives', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    const before = await opened(scene)
    const atMs = await store.cutOffs.set(cutOffAt({ kind: 'client', clientId }, null), [])
    const after = await opened(scene)
    assert.ok(before.createdAtMs < atMs && atMs <= after.createdAtMs, 'T lies between the two')
    const over = await readFamily(store, before)
    const living = await readFamily(store, after)
    assert.equal(cutOffOf(over.family, over.cutOffs), 'cut_off_client')
    assert.equal(cutOffOf(living.family, living.cutOffs), null)
    assert.equal(living.nowMs, atMs)
  })
  it('takes a T above every time that was ever stored', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.events.record([])
    await store.cutOffs.set(cutOffAt({ kind: 'everyone' }, null), [])
    clock.advance(-60_000)
    assert.equal(await store.cutOffs.set(cutOffAt({ kind: 'everyone' }, null), []), startMs + 2)
    assert.equal(await store.now(), startMs + 2)
  })
  it('is later than every time told to somebody who could not see it yet', async test => {
    const scene = await sceneOf(kind, test)
    let nowMs = startMs
    const store = await scene.another({ nowMs: () => (nowMs += 3) })
    const family = await opened({ ...scene, store })
    const setting = store.cutOffs.set(cutOffAt({ kind: 'user', subject }, null), [])
    const readings = await Promise.all(Array.from({ length: 20 }, () => readFamily(store, family)))
    const atMs = await setting
    const unaware = readings.filter(reading => reading.cutOffs.userMs === 0)
    for (const reading of unaware) assert.ok(reading.nowMs < atMs, `${reading.nowMs} is not before ${atMs}`)
    assert.equal((await readFamily(store, family)).cutOffs.userMs, atMs)
  })
  it('is found by its very target, and is 0 where none was set', async test => {
    const { store, clock } = await sceneOf(kind, test)
    const target = { kind: 'consent', subject, clientId } as const
    assert.equal(await store.cutOffs.latest(target), 0)
    const first = await store.cutOffs.set(cutOffAt(target, null), [])
    clock.advance(1000)
    const second = await store.cutOffs.set(cutOffAt(target, null), [])
    assert.ok(first < second)
    assert.equal(await store.cutOffs.latest(target), second)
    for (const other of [{ kind: 'client', clientId }, { kind: 'user', subject }, { kind: 'everyone' }] as const) {
      assert.equal(await store.cutOffs.latest(other), 0)
    }
  })
  it('takes the instant it is given, which may be now and not later', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.cutOffs.set(cutOffAt({ kind: 'user', subject }, startMs), []), startMs)
    await assert.rejects(store.cutOffs.set(cutOffAt({ kind: 'user', subject }, startMs + 1), []), RangeError)
    assert.equal((await store.cutOffs.list(10)).length, 1)
  })
  it('never moves back: an earlier one changes nothing and answers the one recorded', async test => {
    const { store } = await sceneOf(kind, test)
    const target = { kind: 'user', subject } as const
    await store.cutOffs.set({ ...cutOffAt(target, startMs - 10), reason: 'first' }, [])
    assert.equal(await store.cutOffs.set({ ...cutOffAt(target, startMs - 11), reason: 'second' }, []), startMs - 10)
    const [recorded] = await store.cutOffs.list(10)
    const expected = { target, atMs: startMs - 10, reason: 'first', by: 'operator', setAtMs: startMs }
    assert.deepEqual(recorded, expected)
    assert.equal(await store.cutOffs.set({ ...cutOffAt(target, startMs - 9), reason: 'third' }, []), startMs - 9)
    assert.deepEqual(await store.cutOffs.list(10), [{ ...expected, atMs: startMs - 9, reason: 'third' }])
  })
  it('is written with its event, and in the transaction of the step that causes it', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    await store.cutOffs.set(cutOffAt({ kind: 'everyone' }, 1), [eventOf('cut_off_set', entropy)])
    assert.equal((await store.events.latest(10)).length, 1)
    const family = await rotated(scene, await opened(scene))
    const sibling = await opened(scene, {}, { id: family.grant.id })
    const cutOffs = [cutOffAt({ kind: 'grant', grantId: family.grant.id }, null)]
    const next = { ...family, stepId: newStepId(entropy) }
    assert.equal(await store.families.commit({ readAt: family.stepId, family: next, events: [], cutOffs }), 'done')
    const reading = await readFamily(store, sibling)
    assert.equal(cutOffOf(reading.family, reading.cutOffs), 'cut_off_grant')
  })
}

const targets: readonly CutOffTarget[] = [
  { kind: 'everyone' },
  { kind: 'client', clientId },
  { kind: 'user', subject },
  { kind: 'session', sessionId },
  { kind: 'logout', sessionId },
  { kind: 'grant', grantId: 'grant-1' as GrantId },
  { kind: 'consent', subject, clientId },
]

const grantIn = { id: 'grant-1' as GrantId, endsWithSession: true }

function proveTargets(kind: Kind): void {
  for (const target of targets) {
    it(`of ${target.kind} is read with the families it concerns and with no other`, async test => {
      const scene = await sceneOf(kind, test)
      const { store } = scene
      const inside = await opened(scene, {}, grantIn)
      const outside = await opened(
        scene,
        {},
        {
          id: 'grant-2' as GrantId,
          clientId: 'other' as ClientId,
          subject: 'user-2' as Subject,
          sessionId: 'session-2' as SessionId,
        },
      )
      const atMs = await store.cutOffs.set(cutOffAt(target, null), [])
      const { cutOffs } = await readFamily(store, inside)
      const expected = { everyoneMs: 0, clientMs: 0, userMs: 0, sessionMs: 0, logoutMs: 0, grantMs: 0, consentMs: 0 }
      assert.deepEqual(cutOffs, { ...expected, [`${target.kind}Ms`]: atMs })
      const others = await readFamily(store, outside)
      assert.deepEqual(others.cutOffs, { ...expected, everyoneMs: target.kind === 'everyone' ? atMs : 0 })
      assert.deepEqual(
        (await store.cutOffs.list(10)).map(recorded => recorded.target),
        [target],
      )
    })
  }
}

function provePreviews(kind: Kind): void {
  for (const target of targets) {
    it(`of ${target.kind} counts beforehand what it would end`, async test => {
      const scene = await sceneOf(kind, test)
      const { store, clock } = scene
      await opened(scene, {}, grantIn)
      await rotated(scene, await opened(scene, {}, grantIn))
      await ended(scene, await opened(scene, {}, grantIn))
      await opened(scene, { redeemSeconds: 0 }, grantIn)
      clock.advance(1000)
      await opened(scene, {}, grantIn)
      assert.equal(await store.cutOffs.countLiving(target, null), 3)
      assert.equal(await store.cutOffs.countLiving(target, startMs + 1), 2)
      assert.equal(await store.cutOffs.countLiving(target, startMs), 0)
      await store.cutOffs.set(cutOffAt(target, null), [])
      assert.equal(await store.cutOffs.countLiving(target, null), 0)
    })
  }
  it('counts what signed in before T for a user, and what was opened before T for a client', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    await opened(scene, {}, { authTimeMs: startMs - 1000 })
    assert.equal(await store.cutOffs.countLiving({ kind: 'user', subject }, startMs), 1)
    assert.equal(await store.cutOffs.countLiving({ kind: 'client', clientId }, startMs), 0)
  })
  it('counts more families than are read at once', async test => {
    const scene = await sceneOf(kind, test)
    await Promise.all(Array.from({ length: 600 }, () => opened(scene)))
    assert.equal(await scene.store.cutOffs.countLiving({ kind: 'everyone' }, null), 600)
  })
}
