/** A waiting device comes back as it was saved, is claimed by one browser, answered once, and polled in its time. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FamilyId } from '@pawl/family'
import { type DeviceRequest, intervalSecondsMax, pollSlackMs } from '../../domain/device/device-request.ts'
import { newFamilyId } from '../../domain/identifiers.ts'
import { clientId, eventOf, type Kind, newFamily, type Scene, sceneOf, startMs } from './fixture.test.ts'

export function proveDeviceRequests(kind: Kind): void {
  describe('a device request', () => {
    it('comes back as it was saved, by its id and by its user code', async test => {
      const scene = await sceneOf(kind, test)
      const request = await added(scene)
      assert.deepEqual(await scene.store.deviceRequests.read(request.id), request)
      assert.deepEqual(await scene.store.deviceRequests.findByUserCode(request.userCodeKey), request)
      assert.equal(await scene.store.deviceRequests.findByUserCode('another'), null)
      assert.equal(await scene.store.deviceRequests.read(newFamilyId(startMs, scene.entropy)), null)
    })
    it('shares its user code with no other', async test => {
      const scene = await sceneOf(kind, test)
      const first = await added(scene)
      const second = { ...requestOf(scene), userCodeKey: first.userCodeKey }
      assert.equal(await scene.store.deviceRequests.add(second), 'moved')
      assert.equal(await scene.store.deviceRequests.read(second.id), null)
    })
    it('DV-03 belongs to the browser that was first, which may come again', async test => {
      const scene = await sceneOf(kind, test)
      const { claim, read } = scene.store.deviceRequests
      const { id } = await added(scene)
      const outcomes = await Promise.all([claim(id, 'one', startMs), claim(id, 'other', startMs)])
      assert.deepEqual(outcomes.toSorted(), ['done', 'moved'])
      const owner = (await read(id))?.claimedBy
      assert.equal(await claim(id, String(owner), startMs), 'done')
      assert.equal(await claim(id, owner === 'one' ? 'other' : 'one', startMs), 'moved')
    })
    it('is claimed to the last millisecond of its time and not after', async test => {
      const scene = await sceneOf(kind, test)
      const { id, expiresAtMs } = await added(scene)
      assert.equal(await scene.store.deviceRequests.claim(id, 'one', expiresAtMs), 'moved')
      assert.equal(await scene.store.deviceRequests.claim(id, 'one', expiresAtMs - 1), 'done')
    })
    it('opens its family with the yes, and is answered once', async test => {
      const scene = await sceneOf(kind, test)
      const { store, entropy } = scene
      const { id } = await added(scene)
      const family = { ...newFamily(entropy, startMs, { redemption: null, codeRepeats: true }), id }
      const event = eventOf('family_opened', entropy, { familyId: id })
      assert.equal(await store.deviceRequests.approve(family, [event]), 'done')
      const reading = await store.families.read(id)
      assert.deepEqual(reading?.family, family)
      assert.equal((await store.events.ofFamily(id, 10)).length, 1)
      assert.equal((await store.deviceRequests.read(id))?.decision, 'approved')
      assert.equal(await store.deviceRequests.approve(family, [event]), 'moved')
      assert.equal(await store.deviceRequests.deny(id, [eventOf('device_denied', entropy, { familyId: id })]), 'moved')
      assert.equal((await store.events.ofFamily(id, 10)).length, 1)
      assert.equal(await store.deviceRequests.claim(id, 'one', startMs), 'moved')
    })
    it('opens nothing after the no', async test => {
      const scene = await sceneOf(kind, test)
      const { store, entropy } = scene
      const { id } = await added(scene)
      assert.equal(await store.deviceRequests.deny(id, []), 'done')
      const family = { ...newFamily(entropy, startMs), id }
      assert.equal(await store.deviceRequests.approve(family, []), 'moved')
      assert.equal(await store.families.read(id), null)
      assert.equal((await store.deviceRequests.read(id))?.decision, 'denied')
    })
    it('leaves by itself once its time is over, and not before', async test => {
      const scene = await sceneOf(kind, test)
      const [over, kept] = [await added(scene), await added(scene, { expiresAtMs: startMs + 3_600_000 })]
      scene.clock.advance(600_001)
      for (let write = 0; write < writesForTidying; write++) await scene.store.deviceRequests.deny(kept.id, [])
      assert.equal(await scene.store.deviceRequests.read(over.id), null)
      assert.equal((await scene.store.deviceRequests.read(kept.id))?.decision, 'denied')
    })
  })
  provePolls(kind)
}

function provePolls(kind: Kind): void {
  describe('a poll', () => {
    it('DV-01 comes in time once the interval is over, and a moment before', async test => {
      const scene = await sceneOf(kind, test)
      const { poll } = scene.store.deviceRequests
      const { id } = await added(scene)
      assert.equal(await poll(id, startMs), true)
      assert.equal(await poll(id, startMs + 5_000 - pollSlackMs), true)
      assert.equal(await poll(id, startMs + 10_000 - 2 * pollSlackMs), true)
      assert.equal(await poll(id, startMs + 15_000 - 3 * pollSlackMs - 1), false)
    })
    it('DV-01 that comes too early makes the interval five seconds longer, from the last one in time', async test => {
      const scene = await sceneOf(kind, test)
      const { poll, read } = scene.store.deviceRequests
      const { id } = await added(scene)
      assert.equal(await poll(id, startMs), true)
      assert.equal(await poll(id, startMs + 1), false)
      assert.equal((await read(id))?.intervalSeconds, 10)
      assert.equal(await poll(id, startMs + 10_000 - pollSlackMs), true)
      assert.equal(await poll(id, startMs + 15_000), false)
      assert.equal((await read(id))?.intervalSeconds, 15)
    })
    it('DV-01 of a device that does not listen is in time once a minute', async test => {
      const scene = await sceneOf(kind, test)
      const { poll, read } = scene.store.deviceRequests
      const { id } = await added(scene)
      const inTime: number[] = []
      for (let seconds = 0; seconds <= 300; seconds++)
        if (await poll(id, startMs + seconds * 1000)) inTime.push(seconds)
      assert.equal((await read(id))?.intervalSeconds, intervalSecondsMax)
      const gaps = inTime.slice(1).map((seconds, at) => seconds - (inTime[at] ?? 0))
      assert.ok(inTime.length >= 4, inTime.join(' '))
      assert.ok(
        gaps.every(gap => gap < intervalSecondsMax),
        gaps.join(' '),
      )
    })
    it('DV-04 of two at once is in time for one', async test => {
      const scene = await sceneOf(kind, test)
      const { id } = await added(scene)
      const polls = await Promise.all([1, 2, 3].map(() => scene.store.deviceRequests.poll(id, startMs)))
      assert.equal(polls.filter(isInTime => isInTime).length, 1)
    })
    it('of what is not there is never in time', async test => {
      const scene = await sceneOf(kind, test)
      assert.equal(await scene.store.deviceRequests.poll('gone' as FamilyId, startMs), false)
    })
  })
}

/** Every 256 writes something is tidied; twice that, and it has been. */
const writesForTidying = 512

let codes = 0

function requestOf({ entropy }: Scene): DeviceRequest {
  codes += 1
  return {
    id: newFamilyId(startMs, entropy),
    clientId,
    seed: entropy.bytes(32),
    keyId: 1,
    userCodeKey: `code ${codes}`,
    asked: {
      scopes: ['openid'],
      resources: ['https://api.example/'],
      authorizationDetails: null,
      address: '192.0.2.1',
      userAgent: 'Fernseher/1.0 (Ænne)',
    },
    claimedBy: null,
    decision: 'pending',
    intervalSeconds: 5,
    createdAtMs: startMs,
    expiresAtMs: startMs + 600_000,
  }
}

async function added(scene: Scene, changes: Partial<DeviceRequest> = {}): Promise<DeviceRequest> {
  const request = { ...requestOf(scene), ...changes }
  assert.equal(await scene.store.deviceRequests.add(request), 'done')
  return request
}
