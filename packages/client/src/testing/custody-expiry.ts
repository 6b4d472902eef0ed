/** Records with an end: from that instant they count as absent, whatever else the store does with them; never before. */

import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { machineClock } from '../holder/clock.ts'
import {
  type CustodyCases,
  CustodyDisproved,
  type CustodyScene,
  expectKept,
  expectSame,
  newRecord,
  pairOfViews,
} from './custody-scene.ts'

const racers = 8
/** Longer than any proof takes. */
const longSeconds = 60
/** Over soon where only the store's own clock can tell. */
const shortSeconds = 0.3
/** How often a store is asked whether a record is over. */
const asksMax = 1_000_000

export const expiryProofs: CustodyCases = {
  'keeps a record that has an end, and its end, until then': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, second] = [await ending(scene, longSeconds), await ending(scene, 2 * longSeconds)]
    expectSame(await one.save(name, first, null), 'saved', 'a save where nothing is')
    await expectKept(other, name, first)
    expectSame((await other.load(name))?.expiresAtMs, first.expiresAtMs ?? null, 'the end that is kept')
    expectSame(await other.save(name, newRecord(), null), 'moved', 'a save where something is that has an end')
    expectSame(await other.save(name, second, first.version), 'saved', 'a save over the version that is there')
    expectSame((await one.load(name))?.expiresAtMs, second.expiresAtMs ?? null, 'the later end that is kept')
    expectSame(await one.remove(name, second.version), 'removed', 'a removal of a record that has an end')
    await expectKept(other, name, null)
  },

  'counts a record as absent from its end on': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const record = await saveEnding(scene, one, name)
    await untilOver(scene, other, name)
    await expectKept(one, name, null)
    expectSame(await one.save(name, newRecord(), record.version), 'moved', 'a save over a version that is over')
    expectSame(await one.remove(name, record.version), 'moved', 'a removal of a version that is over')
    const next = newRecord()
    expectSame(await one.save(name, next, null), 'saved', 'a save where everything is over')
    await expectKept(other, name, next)
  },

  'saves exactly once where a record is over, whoever comes at the same time': async scene => {
    const stores = await scene.views(racers)
    const [first = await scene.view()] = stores
    const name = scene.newName()
    await saveEnding(scene, first, name)
    await untilOver(scene, first, name)
    const answers = await Promise.all(stores.map(store => store.save(name, newRecord(), null)))
    expectSame(answers.filter(answer => answer === 'saved').length, 1, 'saves where a record is over')
  },

  'forgets the end of a record with the next one, which has none': async scene => {
    const [one, other] = await pairOfViews(scene)
    const [name, witness] = [scene.newName(), scene.newName()]
    const before = newRecord()
    await one.save(name, before, null)
    // Saved last, so that it is over last: where the store's own clock passes, whoever waits for it waits long enough.
    const record = { ...newRecord(), expiresAtMs: await instant(scene, longSeconds) }
    const next = newRecord()
    expectSame(await one.save(name, record, before.version), 'saved', 'a save of a record with an end over one without')
    const short = { ...newRecord(), expiresAtMs: await instant(scene, shortOf(scene)) }
    expectSame(await one.save(name, short, record.version), 'saved', 'a save of a record with another end')
    // If that is over already, there is nothing to save over, and so nothing to prove; the witness says the same.
    const answer = await one.save(name, next, short.version)
    await saveEnding(scene, one, witness)
    await untilOver(scene, other, witness)
    await expectKept(other, name, answer === 'saved' ? next : null)
  },
}

async function instant({ ground }: CustodyScene, seconds: number): Promise<number> {
  const nowMs = await (ground.nowMs ?? machineClock.nowMs)()
  return Math.ceil(nowMs + seconds * 1000)
}

async function ending(scene: CustodyScene, seconds: number): Promise<KeptRecord> {
  return { ...newRecord(), expiresAtMs: await instant(scene, seconds) }
}

function shortOf({ ground }: CustodyScene): number {
  return ground.passSeconds === undefined ? shortSeconds : longSeconds
}

async function saveEnding(scene: CustodyScene, store: CustodyStore, name: string): Promise<KeptRecord> {
  const record = await ending(scene, shortOf(scene))
  expectSame(await store.save(name, record, null), 'saved', 'a save of a record that has an end')
  return record
}

/** Where only the store's own clock passes, it is asked until then: no timer is. */
async function untilOver({ ground }: CustodyScene, store: CustodyStore, name: string): Promise<void> {
  await ground.passSeconds?.(longSeconds)
  const limit = ground.passSeconds === undefined ? asksMax : 1
  for (let asks = 0; asks < limit; asks++) {
    if ((await store.load(name)) === null) return
  }
  throw new CustodyDisproved('a record is there after its end')
}
