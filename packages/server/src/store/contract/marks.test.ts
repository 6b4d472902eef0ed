/** Single-use marks, by themselves and with a step: whoever comes first has it, and nobody loses it to a flood. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newStepId } from '../../domain/identifiers.ts'
import type { Mark } from '../../domain/mark/mark-store.ts'
import type { Store } from '../../domain/store.ts'
import { markSlackSeconds } from '../sql/sweep.ts'
import { advanced, type Kind, opened, readFamily, type Scene, sceneOf, startMs } from './fixture.test.ts'

export function proveMarks(kind: Kind): void {
  describe('a mark', () => {
    proveTaking(kind)
    proveKeeping(kind)
  })
  describe('a mark with a step', () => proveSteps(kind))
}

/** How often the table is written full until the sweep must have come by. */
const sweepRoundsMax = 4

function proveTaking(kind: Kind): void {
  it('is taken by one of many who come at once, and by nobody after', async test => {
    const { store, clock } = await sceneOf(kind, test)
    const takes = Array.from({ length: 20 }, () => store.marks.take('dpop', 'proof-1', startMs + 60_000))
    const [first, ...others] = (await Promise.all(takes)).toSorted((a, b) => Number(b) - Number(a))
    assert.equal(first, true)
    assert.ok(others.every(taken => !taken))
    clock.advance(59_999)
    assert.equal(await store.marks.take('dpop', 'proof-1', startMs + 120_000), false)
  })
  it("is nobody else's: neither that of another value nor that of another use", async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.marks.take('dpop', 'one', startMs + 1000), true)
    assert.equal(await store.marks.take('dpop', 'other', startMs + 1000), true)
    assert.equal(await store.marks.take('client_assertion', 'one', startMs + 1000), true)
    assert.equal(await store.marks.take('dpop', 'x'.repeat(10_000), startMs + 1000), true)
    assert.equal(await store.marks.take('dpop', 'one', startMs + 1000), false)
  })
}

function proveKeeping(kind: Kind): void {
  it('outlives any number of others, and leaves with its time', async test => {
    const { store, clock } = await sceneOf(kind, test)
    assert.equal(await store.marks.take('dpop', 'kept', startMs + 60_000), true)
    await takeMany(store, 2048, startMs + 60_000)
    assert.equal(await store.marks.take('dpop', 'kept', startMs + 60_000), false)
    clock.advance((60 + markSlackSeconds) * 1000)
    await takeMany(store, 4096, startMs + 180_000)
    assert.equal(await store.marks.take('dpop', 'kept', startMs + 180_000), false, 'somebody may be on the way with it')
    clock.advance(1)
    // The sweep follows the writes and is not waited for: it may be a few behind.
    let isTaken = false
    for (let round = 1; round <= sweepRoundsMax && !isTaken; round++) {
      await takeMany(store, 4096, startMs + 240_000 + round)
      isTaken = await store.marks.take('dpop', 'kept', startMs + 240_000)
    }
    assert.ok(isTaken)
  })
  if (!kind.persists) return
  it('is seen by every process, and by those that open the store later', async test => {
    const { store, another } = await sceneOf(kind, test)
    const beside = await another()
    assert.equal(await store.marks.take('dpop', 'shared', startMs + 60_000), true)
    assert.equal(await beside.marks.take('dpop', 'shared', startMs + 60_000), false)
    await store.close()
    const later = await another()
    assert.equal(await later.marks.take('dpop', 'shared', startMs + 60_000), false)
  })
}

async function takeMany(store: Store, count: number, expiresAtMs: number): Promise<void> {
  const together = 256
  for (let from = 0; from < count; from += together) {
    const values = Array.from({ length: together }, (_, at) => `${expiresAtMs} ${from + at}`)
    await Promise.all(values.map(value => store.marks.take('dpop', value, expiresAtMs)))
  }
}

function proveSteps(kind: Kind): void {
  it('is taken by the step that is saved, and by no other', async test => {
    const scene = await sceneOf(kind, test)
    const [one, other] = [await opened(scene), await opened(scene)]
    assert.equal(await stepOf(scene, one, mark), 'done')
    const before = await readFamily(scene.store, one)
    assert.equal(await stepOf(scene, one, mark), 'marked')
    assert.equal(await stepOf(scene, other, mark), 'marked')
    assert.equal(await scene.store.marks.take(mark.use, mark.value, mark.expiresAtMs), false)
    assert.deepEqual((await readFamily(scene.store, one)).family, before.family)
    assert.deepEqual((await readFamily(scene.store, other)).family, other)
    assert.equal(await stepOf(scene, one, { ...mark, value: 'another' }), 'done')
  })
  it('is not taken by a step whose row has moved', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    const stale = await readFamily(scene.store, family)
    assert.equal(await stepOf(scene, family, null), 'done')
    const step = { family: { ...advanced(stale), stepId: newStepId(scene.entropy) }, events: [], cutOffs: [], mark }
    assert.equal(await scene.store.families.commit({ ...step, readAt: stale.family.stepId }), 'moved')
    assert.equal(await scene.store.marks.take(mark.use, mark.value, mark.expiresAtMs), true)
  })
  it('goes to one of many steps of many families that come at once', async test => {
    const scene = await sceneOf(kind, test)
    const families = await Promise.all(Array.from({ length: 24 }, () => opened(scene)))
    const outcomes = await Promise.all(families.map(family => stepOf(scene, family, mark)))
    assert.equal(outcomes.filter(outcome => outcome === 'done').length, 1)
    const untouched = await Promise.all(families.map(family => readFamily(scene.store, family)))
    assert.equal(untouched.filter(({ family }) => family.generation === 0).length, 23)
  })
  it('is one of many in a batch, and each has its own', async test => {
    const scene = await sceneOf(kind, test)
    const families = await Promise.all(Array.from({ length: 24 }, () => opened(scene)))
    const marks = families.map((_, at) => ({ ...mark, value: String(at % 20) }))
    const outcomes = await Promise.all(families.map((family, at) => stepOf(scene, family, marks[at] ?? null)))
    assert.equal(outcomes.filter(outcome => outcome === 'done').length, 20)
    assert.equal(outcomes.filter(outcome => outcome === 'marked').length, 4)
  })
}

const mark: Mark = { use: 'dpop', value: 'proof-1', expiresAtMs: startMs + 60_000 }

/** As the loop in `domain` does it: asked again where it has moved. */
async function stepOf(
  scene: Scene,
  { id }: { readonly id: Parameters<Store['families']['read']>[0] },
  taking: Mark | null,
) {
  const { store, entropy } = scene
  for (;;) {
    const reading = await readFamily(store, { id })
    const family = { ...advanced(reading), stepId: newStepId(entropy) }
    const step = { readAt: reading.family.stepId, family, events: [], cutOffs: [], mark: taking }
    const outcome = await store.families.commit(step)
    if (outcome !== 'moved') return outcome
  }
}
