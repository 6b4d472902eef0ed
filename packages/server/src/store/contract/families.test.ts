/** The two verbs that matter, and what goes with them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { Binding, ClientId, Subject } from '@pawl/family'
import { countedEventId, detailBytesMax } from '../../domain/event/event.ts'
import { newFamilyId, newStepId } from '../../domain/identifiers.ts'
import {
  advanced,
  clientId,
  ended,
  eventOf,
  type Kind,
  newFamily,
  opened,
  readFamily,
  rotated,
  sceneOf,
  startMs,
  subject,
} from './fixture.test.ts'

export function proveFamilies(kind: Kind): void {
  describe('a family', () => {
    proveOpening(kind)
    proveSteps(kind)
    proveBatches(kind)
    proveLists(kind)
  })
}

function proveOpening(kind: Kind): void {
  it('comes back as it was opened', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const family = newFamily(entropy, startMs)
    assert.equal(await store.families.open(family, []), 'done')
    assert.deepEqual((await readFamily(store, family)).family, family)
  })
  it('comes back with nothing where nothing was given', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const none = { claims: null, authorizationDetails: null, acr: null, amr: [], scopes: [], resources: [] }
    const bare = { subject: null, sessionId: null, ...none }
    const family = newFamily(entropy, startMs, { redemption: null, refreshable: false }, bare)
    await store.families.open(family, [])
    assert.deepEqual((await readFamily(store, family)).family, family)
  })
  it('is null, and gone, where it never was', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const { id } = await opened(scene)
    assert.equal(await store.families.isGone(id), false)
    const never = newFamilyId(startMs, entropy)
    assert.equal(await store.families.read(never), null)
    assert.equal(await store.families.isGone(never), true)
  })
  it('is not opened twice, and the second opening leaves no event', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const family = newFamily(entropy, startMs)
    const twin = { ...newFamily(entropy, startMs), id: family.id }
    assert.equal(
      await store.families.open(family, [eventOf('family_opened', entropy, { familyId: family.id })]),
      'done',
    )
    assert.equal(await store.families.open(twin, [eventOf('family_opened', entropy, { familyId: family.id })]), 'moved')
    assert.deepEqual((await readFamily(store, family)).family, family)
    assert.equal((await store.events.ofFamily(family.id, 10)).length, 1)
  })
}

function proveSteps(kind: Kind): void {
  it('moves from the step that was read, with its event', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy, clock } = scene
    const family = await opened(scene)
    clock.advance(1000)
    const next = { ...advanced(await readFamily(store, family)), stepId: newStepId(entropy) }
    const event = eventOf('token_repeated', entropy, { familyId: family.id })
    const outcome = await store.families.commit({ readAt: family.stepId, family: next, events: [event], cutOffs: [] })
    assert.equal(outcome, 'done')
    assert.deepEqual((await readFamily(store, family)).family, next)
    const events = await store.events.ofFamily(family.id, 10)
    assert.deepEqual(events, [{ ...event, count: 1, lastAtMs: event.atMs }])
  })
  it('does not move from a step that is over, and then writes neither event nor cut-off', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const family = await opened(scene)
    const next = await rotated(scene, family)
    const step = {
      readAt: family.stepId,
      family: { ...next, stepId: newStepId(entropy), generation: 7 },
      events: [eventOf('token_reused', entropy, { familyId: family.id })],
      cutOffs: [{ target: { kind: 'grant', grantId: family.grant.id }, reason: 'reuse', by: 'rule', beforeMs: null }],
    } as const
    assert.equal(await store.families.commit(step), 'moved')
    const reading = await readFamily(store, family)
    assert.deepEqual(reading.family, next)
    assert.equal(reading.cutOffs.grantMs, 0)
    assert.deepEqual(await store.events.ofFamily(family.id, 10), [])
  })
  it('keeps the binding that generation 1 was issued to', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const family = await opened(scene)
    const binding: Binding = { kind: 'dpop', thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }
    const reading = await readFamily(store, family)
    const bound = { ...advanced(reading, { proof: { kind: 'key', binding } }), stepId: newStepId(entropy) }
    await store.families.commit({ readAt: family.stepId, family: bound, events: [], cutOffs: [] })
    const again = await readFamily(store, family)
    assert.deepEqual(again.family, bound)
    const next = { ...advanced(again, { proof: { kind: 'key', binding } }), stepId: newStepId(entropy) }
    await store.families.commit({ readAt: bound.stepId, family: next, events: [], cutOffs: [] })
    assert.deepEqual((await readFamily(store, family)).family, next)
  })
  it('ends, and stays ended with its reason', async test => {
    const scene = await sceneOf(kind, test)
    const end = await ended(scene, await rotated(scene, await opened(scene)))
    const { family } = await readFamily(scene.store, end)
    assert.deepEqual(family, end)
    assert.deepEqual(family.end, { reason: 'revoked_by_client', by: 'web-app', atMs: startMs })
  })
  it('takes the largest numbers that its fields hold, and refuses larger ones without writing', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const family = await opened(scene)
    const largest = { ...family, stepId: newStepId(entropy), keyId: 0xff, generation: 0xffff_ffff, repeats: 0xffff }
    await store.families.commit({ readAt: family.stepId, family: largest, events: [], cutOffs: [] })
    assert.deepEqual((await readFamily(store, family)).family, largest)
    for (const beyond of [{ keyId: 0x100 }, { generation: 2 ** 32 }, { repeats: 0x1_0000 }, { usedAtMs: 2 ** 48 }]) {
      const step = { readAt: largest.stepId, family: { ...largest, ...beyond }, events: [], cutOffs: [] }
      await assert.rejects(store.families.commit(step), RangeError)
    }
    assert.deepEqual((await readFamily(store, family)).family, largest)
  })
  it('counts a counted event instead of telling it twice', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    let family = await opened(scene)
    const id = countedEventId('token_repeated', family.id, 1)
    for (const atMs of [startMs, startMs + 5, startMs + 9]) {
      const event = eventOf('token_repeated', entropy, { id, familyId: family.id, atMs })
      const next = { ...family, stepId: newStepId(entropy) }
      await store.families.commit({ readAt: family.stepId, family: next, events: [event], cutOffs: [] })
      family = next
    }
    const [event, ...others] = await store.events.ofFamily(family.id, 10)
    assert.deepEqual(others, [])
    assert.deepEqual([event?.count, event?.atMs, event?.lastAtMs], [3, startMs, startMs + 9])
  })
}

function proveBatches(kind: Kind): void {
  it('is taken from one step by one of many that try at once', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const family = await opened(scene)
    const steps = Array.from({ length: 20 }, () => ({ ...family, generation: 1, stepId: newStepId(entropy) }))
    const outcomes = await Promise.all(
      steps.map(next => store.families.commit({ readAt: family.stepId, family: next, events: [], cutOffs: [] })),
    )
    assert.equal(outcomes.filter(outcome => outcome === 'done').length, 1)
    const winner = steps[outcomes.indexOf('done')]
    assert.equal((await readFamily(store, family)).family.stepId, winner?.stepId)
  })
  it('that cannot be written fails alone, and the others of its batch are written', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const families = [await opened(scene), await opened(scene), await opened(scene)]
    const outcomes = await Promise.allSettled(
      families.map((family, at) => {
        // The column takes no null: the database itself refuses this one inside the transaction.
        const kindOf = at === 1 ? (null as unknown as 'token_stale') : 'token_stale'
        const events = [eventOf(kindOf, entropy, { familyId: family.id })]
        const next = { ...family, stepId: newStepId(entropy) }
        return store.families.commit({ readAt: family.stepId, family: next, events, cutOffs: [] })
      }),
    )
    assert.deepEqual(
      outcomes.map(outcome => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    const told = inspect(outcomes[1])
    for (const { stepId, seed } of families) assert.ok(!told.includes(stepId) && !told.includes(inspect(seed)))
    const readings = await Promise.all(families.map(family => readFamily(store, family)))
    const kept = readings.map((reading, at) => reading.family.stepId === families[at]?.stepId)
    assert.deepEqual(kept, [false, true, false])
    const events = await Promise.all(families.map(family => store.events.ofFamily(family.id, 10)))
    assert.deepEqual(
      events.map(list => list.length),
      [1, 0, 1],
    )
  })
  it('whose event says more than it may is refused before anything is written', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const family = await opened(scene)
    const room = detailBytesMax - '{"agent":""}'.length
    const step = (agent: string) => ({
      readAt: family.stepId,
      family,
      events: [eventOf('token_stale', entropy, { familyId: family.id, detail: { agent } })],
      cutOffs: [],
    })
    await assert.rejects(store.families.commit(step('x'.repeat(room + 1))), RangeError)
    assert.equal(await store.families.commit(step('x'.repeat(room))), 'done')
    assert.equal((await store.events.ofFamily(family.id, 10)).length, 1)
  })
  it('is one of many that are written at once, each with its own answer', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    const families = Array.from({ length: 700 }, () => newFamily(entropy, startMs))
    const outcomes = await Promise.all(families.map(family => store.families.open(family, [])))
    assert.ok(outcomes.every(outcome => outcome === 'done'))
    assert.equal((await store.families.list({}, 1000)).length, 700)
  })
}

function proveLists(kind: Kind): void {
  it('is listed by client and by user, in id order, after an id, up to a limit', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const other = { clientId: 'other' as ClientId }
    const made = []
    for (const grant of [{}, other, {}, { subject: 'user-2' as Subject }, {}]) {
      clock.advance(1)
      made.push((await opened(scene, {}, grant)).id)
    }
    const idsOf = async (filter: Parameters<typeof store.families.list>[0], limit = 10) =>
      (await store.families.list(filter, limit)).map(reading => reading.family.id)
    assert.deepEqual(await idsOf({}), made)
    assert.deepEqual(await idsOf({ clientId: other.clientId }), [made[1]])
    assert.deepEqual(await idsOf({ subject }), [made[0], made[1], made[2], made[4]])
    assert.deepEqual(await idsOf({ subject, clientId }), [made[0], made[2], made[4]])
    assert.deepEqual(await idsOf({ subject, clientId }, 2), [made[0], made[2]])
    assert.deepEqual(await idsOf({ subject, clientId, after: made[2] as (typeof made)[0] }), [made[4]])
    assert.deepEqual(await idsOf({}, 0), [])
  })
  it('is listed as living and counted until it ends, runs out or is cut off', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const living = await rotated(scene, await opened(scene))
    const code = await opened(scene, { redeemSeconds: 60 })
    await ended(scene, await opened(scene))
    await opened(scene, {}, { clientId: 'other' as ClientId })
    const livingIds = async () =>
      (await store.families.list({ subject, clientId, livingOnly: true }, 10)).map(reading => reading.family.id)
    assert.deepEqual((await livingIds()).toSorted(), [living.id, code.id].toSorted())
    assert.equal(await store.families.countLiving(subject, clientId), 2)
    clock.advance(59_999)
    assert.equal(await store.families.countLiving(subject, clientId), 2)
    clock.advance(1)
    assert.deepEqual(await livingIds(), [living.id])
    await store.cutOffs.set({ target: { kind: 'user', subject }, reason: 'test', by: 'operator', beforeMs: null }, [])
    assert.deepEqual(await livingIds(), [])
    assert.equal(await store.families.countLiving(subject, clientId), 0)
  })
}
