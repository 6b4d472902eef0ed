/** A COMMIT whose answer does not come: what was done is found out, and nothing is guessed. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { StatementFault } from '../../../../../test/network/postgres-faults.ts'
import type { Family } from '@pawl/family'
import type { DeviceRequest } from '../../domain/device/device-request.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { eventOf, newFamily, readFamily, rotated } from '../contract/fixture.test.ts'
import { between, nextStep, openedIn, sceneOn } from './fixture.test.ts'

async function sceneBehind(test: TestContext) {
  const scene = await sceneOn(test)
  const network = await between(test, scene)
  const store = await scene.open({ url: network.url })
  const direct = await scene.open()
  const { entropy } = scene
  return { ...network, store, direct, entropy, family: await openedIn(direct, entropy) }
}

const anyMove = /^UPDATE families AS f SET step_id/
const anyMarkedMove = /^WITH m AS .*INSERT INTO marks/s
const mark = { use: 'dpop', value: 'proof', expiresAtMs: Number.MAX_SAFE_INTEGER } as const
const anyOpening = /INSERT INTO families/
const anyCommit = /^COMMIT/
const ways: readonly StatementFault['by'][] = ['cut', 'reset']

describe('the lost answer to a rotation', () => {
  for (const by of ways) {
    it(`that was carried out is found by its step id (${by})`, async test => {
      const { faults, store, direct, entropy, family } = await sceneBehind(test)
      const step = await nextStep(store, entropy, family)
      const lost = faults.loseAnswer({ statement: anyMove, by })
      assert.equal(await store.families.commit(step), 'done')
      assert.match(await lost, anyMove)
      assert.deepEqual((await readFamily(direct, family)).family, step.family)
    })
    it(`that never arrived is made good by asking again (${by})`, async test => {
      const { faults, store, direct, entropy, family } = await sceneBehind(test)
      const step = await nextStep(store, entropy, family)
      const lost = faults.loseStatement({ statement: anyMove, by })
      assert.equal(await store.families.commit(step), 'done')
      assert.match(await lost, anyMove)
      assert.deepEqual((await readFamily(direct, family)).family, step.family)
    })
  }
  it('is found for each of many that went together, and who had moved before is told so by nobody but the row', async test => {
    const { faults, store, direct, entropy } = await sceneBehind(test)
    const families = await Promise.all(Array.from({ length: 20 }, () => openedIn(direct, entropy)))
    const steps = await Promise.all(families.map(family => nextStep(store, entropy, family)))
    const [first] = families
    await rotated({ store: direct, entropy }, first ?? assert.fail())
    const lost = faults.loseAnswer({ statement: anyMove, by: 'reset' })
    const outcomes = await Promise.allSettled(steps.map(step => store.families.commit(step)))
    await lost
    const [unknown, ...others] = outcomes
    // Nobody can tell the row that had moved before from one that has moved since.
    assert.ok(unknown?.status === 'rejected' && unknown.reason instanceof StoreUnavailable)
    assert.ok(others.every(outcome => outcome.status === 'fulfilled' && outcome.value === 'done'))
    const readings = await Promise.all(families.map(family => readFamily(direct, family)))
    const isOurs = readings.map(({ family }, at) => family.stepId === steps[at]?.family.stepId)
    assert.deepEqual(isOurs, [false, ...others.map(() => true)])
  })
  it('that took a mark is found by its step id, and its mark is taken', async test => {
    const { faults, store, direct, entropy, family } = await sceneBehind(test)
    const step = { ...(await nextStep(store, entropy, family)), mark }
    const lost = faults.loseAnswer({ statement: anyMarkedMove, by: 'reset' })
    assert.equal(await store.families.commit(step), 'done')
    assert.match(await lost, anyMarkedMove)
    assert.deepEqual((await readFamily(direct, family)).family, step.family)
    assert.equal(await direct.marks.take(mark.use, mark.value, mark.expiresAtMs), false)
  })
  it('that took a mark and never arrived is made good by asking again', async test => {
    const { faults, store, direct, entropy, family } = await sceneBehind(test)
    const step = { ...(await nextStep(store, entropy, family)), mark }
    const lost = faults.loseStatement({ statement: anyMarkedMove, by: 'cut' })
    assert.equal(await store.families.commit(step), 'done')
    assert.match(await lost, anyMarkedMove)
    assert.deepEqual((await readFamily(direct, family)).family, step.family)
    assert.equal(await direct.marks.take(mark.use, mark.value, mark.expiresAtMs), false)
  })
  it('stays unknown where the row has moved since', async test => {
    const { proxy, faults, store, direct, entropy, family } = await sceneBehind(test)
    const step = await nextStep(store, entropy, family)
    const lost = faults.loseAnswer({ statement: anyMove, by: 'reset' })
    const committing = assert.rejects(store.families.commit(step), StoreUnavailable)
    await lost
    proxy.hold()
    const after = await rotated({ store: direct, entropy }, family)
    proxy.release()
    await committing
    assert.deepEqual((await readFamily(direct, family)).family, after)
  })
  it('is not believed where the server warned while it was writing', async test => {
    const { faults, store, direct, entropy, family } = await sceneBehind(test)
    const step = await nextStep(store, entropy, family)
    const warned = faults.warnInAnswer(anyMove)
    assert.equal(await store.families.commit(step), 'done')
    await warned
    // What makes it certain is a later write that was acknowledged without a warning.
    assert.ok(faults.statements().filter(text => text.startsWith('UPDATE store_clock')).length > 0)
    assert.deepEqual((await readFamily(direct, family)).family, step.family)
  })
})

describe('the lost answer to a transaction', () => {
  for (const [name, fault] of [
    ['opened once', { statement: anyCommit, by: 'reset' }],
    ['opened once, though the transaction never ended', { statement: anyOpening, by: 'reset' }],
  ] as const) {
    it(`leaves a family that was ${name}, with one event`, async test => {
      const { faults, store, direct, entropy } = await sceneBehind(test)
      const family = newFamily(entropy, await store.now())
      const lost = faults.loseAnswer(fault)
      const opening = store.families.open(family, [eventOf('family_opened', entropy, { familyId: family.id })])
      assert.equal(await opening, 'done')
      await lost
      assert.deepEqual((await readFamily(direct, family)).family, family)
      assert.equal((await direct.events.ofFamily(family.id, 10)).length, 1)
    })
  }
  it('leaves a step with its event and its cut-off, each once', async test => {
    const { faults, store, direct, entropy, family } = await sceneBehind(test)
    const step = {
      ...(await nextStep(store, entropy, family)),
      events: [eventOf('token_reused', entropy, { familyId: family.id })],
      cutOffs: [
        { target: { kind: 'grant', grantId: family.grant.id }, reason: 'reuse', by: 'rule', beforeMs: null } as const,
      ],
    }
    const lost = faults.loseAnswer({ statement: anyCommit, by: 'cut' })
    assert.equal(await store.families.commit(step), 'done')
    await lost
    assert.deepEqual((await readFamily(direct, family)).family, step.family)
    assert.equal((await direct.events.ofFamily(family.id, 10)).length, 1)
    assert.equal((await direct.cutOffs.list(10)).length, 1)
  })
  it('leaves a device that was let in once, with its family and its event', async test => {
    const { faults, store, direct, entropy } = await sceneBehind(test)
    const family = { ...newFamily(entropy, await store.now()), codeRepeats: true }
    assert.equal(await direct.deviceRequests.add(deviceOf(family)), 'done')
    const lost = faults.loseAnswer({ statement: anyCommit, by: 'reset' })
    const event = eventOf('family_opened', entropy, { familyId: family.id })
    assert.equal(await store.deviceRequests.approve(family, [event]), 'done')
    await lost
    assert.deepEqual((await readFamily(direct, family)).family, family)
    assert.equal((await direct.deviceRequests.read(family.id))?.decision, 'approved')
    assert.equal((await direct.events.ofFamily(family.id, 10)).length, 1)
  })
  it('leaves a branch and the rotation that opened it, with the mark of its proof', async test => {
    const { faults, store, direct, entropy, family } = await sceneBehind(test)
    const sibling = newFamily(entropy, await store.now())
    const event = eventOf('family_opened', entropy, { familyId: sibling.id })
    const step = { ...(await nextStep(store, entropy, family)), events: [event], opens: sibling, mark }
    const lost = faults.loseAnswer({ statement: anyCommit, by: 'cut' })
    assert.equal(await store.families.commit(step), 'done')
    await lost
    assert.deepEqual((await readFamily(direct, family)).family, step.family)
    assert.deepEqual((await readFamily(direct, sibling)).family, sibling)
    assert.equal((await direct.events.ofFamily(sibling.id, 10)).length, 1)
    assert.equal(await direct.marks.take(mark.use, mark.value, mark.expiresAtMs), false)
  })
  it('of what leaves no mark stays unknown', async test => {
    const { faults, store, entropy } = await sceneBehind(test)
    const lost = faults.loseAnswer({ statement: /INSERT INTO events/, by: 'reset' })
    await assert.rejects(store.events.record([eventOf('signed_in', entropy)]), StoreUnavailable)
    await lost
  })
})

/** A device that waits for the yes which opens this family. */
function deviceOf({ id, seed, keyId, grant, createdAtMs }: Family): DeviceRequest {
  const asked = { scopes: [], resources: [], authorizationDetails: null, address: '192.0.2.1', userAgent: 'tv' }
  const waiting = { claimedBy: 'browser', decision: 'pending', intervalSeconds: 5 } as const
  const times = { createdAtMs, expiresAtMs: createdAtMs + 600_000 }
  return { id, clientId: grant.clientId, seed, keyId, userCodeKey: 'code', asked, ...waiting, ...times }
}

describe('the lost answer to a read', () => {
  it('is asked for again', async test => {
    const { faults, store, family } = await sceneBehind(test)
    await store.now()
    const lost = faults.loseAnswer({ statement: /FROM families f/, by: 'reset' })
    assert.deepEqual((await readFamily(store, family)).family, family)
    await lost
  })
})
