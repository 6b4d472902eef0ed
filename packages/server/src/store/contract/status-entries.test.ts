/** Places in the lists of status: one for each family, and who ended lately is found by it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Family } from '@pawl/family'
import { StoreUnavailable } from '../../domain/store.ts'
import { ended, eventOf, type Kind, opened, type Scene, sceneOf, startMs } from './fixture.test.ts'

export function proveStatusEntries(kind: Kind): void {
  describe('a place in the lists of status', () => {
    it('is the same whenever it is asked for, and nobody else has it', async test => {
      const scene = await sceneOf(kind, test)
      const { statusEntries } = scene.store
      assert.equal(await statusEntries.highestIndex(), null)
      const families = [await opened(scene), await opened(scene), await opened(scene)]
      const indexes = await Promise.all(families.map(family => placeOf(scene, family)))
      assert.equal(new Set(indexes).size, 3)
      assert.deepEqual(await Promise.all(families.map(family => placeOf(scene, family, 7))), indexes)
      assert.equal(await statusEntries.highestIndex(), Math.max(...indexes))
    })

    it('is given once, also where many ask at once', async test => {
      const scene = await sceneOf(kind, test)
      const family = await opened(scene)
      const asked = await Promise.all(Array.from({ length: 8 }, (_, gap) => placeOf(scene, family, gap)))
      assert.equal(new Set(asked).size, 1)
      const families = await Promise.all(Array.from({ length: 8 }, () => opened(scene)))
      const places = await Promise.all(families.map(each => placeOf(scene, each)))
      assert.equal(new Set([...places, asked[0]]).size, 9)
    })

    it('leads to who ended by themselves and who was cut off, and to nobody who lives', async test => {
      const scene = await sceneOf(kind, test)
      const { store, clock, entropy } = scene
      const own = await opened(scene)
      const cut = await opened(scene, {}, { clientId: 'cut' as Family['grant']['clientId'] })
      const living = await opened(scene)
      const [ownPlace, cutPlace] = [await placeOf(scene, own), await placeOf(scene, cut), await placeOf(scene, living)]
      clock.advance(1000)
      await ended(scene, own)
      await store.events.record([{ ...eventOf('family_ended', entropy), familyId: own.id, atMs: startMs + 1000 }])
      const target = { kind: 'client', clientId: cut.grant.clientId } as const
      await store.cutOffs.set({ target, reason: 'test', by: 'test', beforeMs: null }, [])
      const places = async (sinceMs: number) =>
        new Set((await store.statusEntries.endedSince(sinceMs, 100)).map(({ index }) => index))
      assert.deepEqual(await places(startMs + 1000), new Set([ownPlace, cutPlace]))
      assert.deepEqual(await places(startMs + 10_000), new Set())
      await assert.rejects(store.statusEntries.endedSince(startMs, 1), StoreUnavailable)
    })

    it('leaves with its time', async test => {
      const scene = await sceneOf(kind, test)
      const family = await opened(scene)
      await scene.store.statusEntries.indexOf({ familyId: family.id, untilMs: startMs + 1000, gap: 0 })
      scene.clock.advance(1001)
      for (let write = 0; write < 512; write++) await scene.store.registrations.removeToken('nobody', [])
      assert.equal(await scene.store.statusEntries.highestIndex(), null)
    })
  })
}

function placeOf({ store }: Scene, { id: familyId }: Family, gap = 0): Promise<number> {
  return store.statusEntries.indexOf({ familyId, untilMs: startMs + 1_000_000, gap })
}
