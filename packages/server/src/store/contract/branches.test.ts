/** Families that share a grant: opened by the step of their parent or not at all, and counted as one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { branchFamily, type BranchOpening, type Family } from '@pawl/family'
import type { AuditEvent } from '../../domain/event/event.ts'
import { newFamilyId, newStepId } from '../../domain/identifiers.ts'
import { overKeptSeconds } from '../sql/sweep.ts'
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
  type Scene,
  sceneOf,
  startMs,
  subject,
} from './fixture.test.ts'

export function proveBranches(kind: Kind): void {
  describe('a branch', () => {
    it('is opened by the step of its parent, with its event, and comes back as it was opened', async test => {
      const scene = await sceneOf(kind, test)
      const { store, entropy } = scene
      const parent = await opened(scene)
      const sibling = siblingOf(scene, parent, { binding: { kind: 'dpop', thumbprint: 'own' }, keyed: true })
      const event = eventOf('family_opened', entropy, { familyId: sibling.id })
      assert.equal(await commitWith(scene, parent, sibling, [event]), 'done')
      assert.deepEqual((await readFamily(store, sibling)).family, sibling)
      assert.equal((await readFamily(store, parent)).family.generation, 1)
      assert.equal((await store.events.ofFamily(sibling.id, 10)).length, 1)
    })
    it('is not opened where its parent has moved', async test => {
      const scene = await sceneOf(kind, test)
      const { store, entropy } = scene
      const parent = await opened(scene)
      const reading = await readFamily(store, parent)
      await rotated(scene, parent)
      const sibling = siblingOf(scene, parent)
      const family = { ...advanced(reading), stepId: newStepId(entropy) }
      const step = { readAt: reading.family.stepId, family, events: [], cutOffs: [], opens: sibling }
      assert.equal(await store.families.commit(step), 'moved')
      assert.equal(await store.families.read(sibling.id), null)
    })
    it('pays for a look at other rows, as any opening does', async test => {
      const scene = await sceneOf(kind, test)
      const over = await ended(scene, await opened(scene))
      scene.clock.advance(overKeptSeconds * 1000)
      const parent = await opened(scene)
      for (let nth = 0; nth < 128; nth++) {
        assert.equal(await commitWith(scene, parent, siblingOf(scene, parent)), 'done')
      }
      assert.equal(await scene.store.families.read(over.id), null)
    })
    it('that is there already stays as it is', async test => {
      const scene = await sceneOf(kind, test)
      const parent = await opened(scene)
      const sibling = siblingOf(scene, parent)
      await commitWith(scene, parent, sibling)
      const moved = await rotated(scene, sibling)
      await commitWith(scene, parent, { ...sibling, stepId: newStepId(scene.entropy) })
      assert.deepEqual((await readFamily(scene.store, sibling)).family, moved)
    })
    it('is over where its grant was cut off, though it was opened afterwards', async test => {
      const scene = await sceneOf(kind, test)
      const { store, clock } = scene
      const parent = await opened(scene)
      const target = { kind: 'grant', grantId: parent.grant.id } as const
      clock.advance(1000)
      await store.cutOffs.set({ target, reason: 'test', by: 'test', beforeMs: null }, [])
      clock.advance(1000)
      const sibling = siblingOf(scene, parent)
      await commitWith(scene, parent, sibling)
      const { family, cutOffs } = await readFamily(store, sibling)
      assert.ok(family.createdAtMs < cutOffs.grantMs)
      assert.deepEqual(await store.families.countBranches(parent.grant.id), { living: 0, kept: 1 })
    })
    it('counts among those of its grant while it lives, and the first family does not', async test => {
      const scene = await sceneOf(kind, test)
      const { families } = scene.store
      const parent = await opened(scene)
      await opened(scene)
      assert.deepEqual(await families.countBranches(parent.grant.id), { living: 0, kept: 0 })
      const siblings = [siblingOf(scene, parent), siblingOf(scene, parent)]
      for (const sibling of siblings) await commitWith(scene, parent, sibling)
      assert.deepEqual(await families.countBranches(parent.grant.id), { living: 2, kept: 2 })
      await ended(scene, siblings[0] ?? parent)
      assert.deepEqual(await families.countBranches(parent.grant.id), { living: 1, kept: 2 })
    })
    it('is one grant with its parent, also when the parent is over', async test => {
      const scene = await sceneOf(kind, test)
      const { families } = scene.store
      const parent = await opened(scene)
      await commitWith(scene, parent, siblingOf(scene, parent))
      await opened(scene)
      assert.equal(await families.countLiving(subject, clientId), 2)
      await ended(scene, parent)
      assert.equal(await families.countLiving(subject, clientId), 2)
      assert.equal((await families.list({ subject, clientId, livingOnly: true }, 10)).length, 2)
    })
  })

  describe('the family of a device', () => {
    it('comes back with a code that repeats', async test => {
      const { store, entropy } = await sceneOf(kind, test)
      const family = newFamily(entropy, startMs, { redemption: null, codeRepeats: true })
      await store.families.open(family, [])
      assert.deepEqual((await readFamily(store, family)).family, family)
    })
  })
}

function siblingOf({ entropy, clock }: Scene, parent: Family, changes: Partial<BranchOpening> = {}): Family {
  const { scopes, resources, authorizationDetails } = parent.grant
  const opening = {
    id: newFamilyId(clock.nowMs(), entropy),
    seed: entropy.bytes(32),
    keyId: 1,
    stepId: newStepId(entropy),
    binding: null,
    keyed: false,
    name: 'Nachtlauf Ænne',
    scopes: scopes.slice(0, 1),
    resources,
    authorizationDetails,
    ...changes,
  }
  return branchFamily(parent, opening, clock.nowMs())
}

/** The parent's next step, whatever it is worth by now, with the branch. */
async function commitWith(
  { store, entropy }: Scene,
  parent: Family,
  sibling: Family,
  events: readonly AuditEvent[] = [],
): Promise<string> {
  const { family: current } = await readFamily(store, parent)
  const family = { ...current, generation: current.generation + 1, stepId: newStepId(entropy) }
  return store.families.commit({ readAt: current.stepId, family, events, cutOffs: [], opens: sibling })
}
