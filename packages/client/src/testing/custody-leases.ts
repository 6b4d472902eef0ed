/** The right to refresh: one at a time, for a time, given back by whoever has it and nobody else. */

import type { CustodyStore, Lease } from '../custody/custody-store.ts'
import {
  type CustodyCases,
  CustodyDisproved,
  type CustodyScene,
  expectKept,
  expectSame,
  expectTrue,
  newRecord,
  pairOfViews,
} from './custody-scene.ts'

const racers = 8
const rounds = 10
/** Longer than any proof takes. */
const longSeconds = 60
/** Run out soon where only the store's own clock can tell. */
const shortSeconds = 0.2
/** How often a store is asked whether a short lease has run out. */
const asksMax = 1_000_000

export const leaseProofs: CustodyCases = {
  'leases a name to one at a time, in all views': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const lease = await taken(one, name)
    expectTrue((await one.lease(name, longSeconds)) === null, 'the view that has a lease is given a second one')
    expectTrue((await other.lease(name, longSeconds)) === null, 'another view is given the lease too')
    await lease.release()
    await (await taken(other, name)).release()
    await (await taken(one, name)).release()
  },

  'leases to exactly one of those who come at the same time': async ({ views, newName }) => {
    const stores = await views(racers)
    const name = newName()
    for (let round = 0; round < rounds; round++) {
      const leases = await Promise.all(stores.map(store => store.lease(name, longSeconds)))
      const given = leases.filter(lease => lease !== null)
      expectSame(given.length, 1, 'leases of one name at once')
      await given[0]?.release()
    }
  },

  'leases one name whatever is done with another': async scene => {
    const [one, other] = await pairOfViews(scene)
    const [name, elsewhere] = [scene.newName(), scene.newName()]
    const lease = await taken(one, name)
    const apart = await taken(other, elsewhere)
    await apart.release()
    expectTrue((await other.lease(name, longSeconds)) === null, 'the end of another lease ends this one')
    await lease.release()
  },

  'gives a lease up when its time is over, to exactly one': async scene => {
    const stores = await scene.views(racers)
    const [first = await scene.view(), ...others] = stores
    const name = scene.newName()
    const seconds = scene.ground.passSeconds === undefined ? shortSeconds : longSeconds
    await taken(first, name, seconds)
    await scene.ground.passSeconds?.(longSeconds)
    const { lease, given } = await askUntilGiven(scene, others, name)
    expectSame(given, 1, 'leases of one name after it ran out')
    await lease.release()
  },

  'keeps a lease until its time is over, and not a second longer': async scene => {
    // Where only the store's own clock passes, that it does not end early is shown by the leases of a minute.
    const { passSeconds } = scene.ground
    if (passSeconds === undefined) return
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    await taken(one, name)
    await passSeconds(longSeconds - 1)
    expectTrue((await other.lease(name, longSeconds)) === null, 'a lease ends a second early')
    await passSeconds(1)
    const lease = await other.lease(name, longSeconds)
    expectTrue(lease !== null, 'a lease is left after its time')
    await lease?.release()
  },

  'does not let whoever was late give back the lease of another': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const late = await taken(one, name, scene.ground.passSeconds === undefined ? shortSeconds : longSeconds)
    await scene.ground.passSeconds?.(longSeconds)
    const { lease } = await askUntilGiven(scene, [other], name)
    await late.release()
    expectTrue((await one.lease(name, longSeconds)) === null, 'a late release ended the lease of somebody else')
    await lease.release()
    await late.release()
    await (await taken(one, name)).release()
  },

  'takes a second release for none': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const lease = await taken(one, name)
    await lease.release()
    const next = await taken(other, name)
    await lease.release()
    expectTrue((await one.lease(name, longSeconds)) === null, 'a second release ended the lease of somebody else')
    await next.release()
  },

  'leaves records alone when it leases, and leases when it saves': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, second] = [newRecord(), newRecord()]
    const lease = await taken(one, name)
    await expectKept(one, name, null)
    expectSame(await other.save(name, first, null), 'saved', 'a save by somebody without the lease')
    expectSame(await one.save(name, second, first.version), 'saved', 'a save by whoever has the lease')
    expectTrue((await other.lease(name, longSeconds)) === null, 'a save ended a lease')
    expectSame(await other.remove(name, second.version), 'removed', 'a removal by somebody without the lease')
    expectTrue((await other.lease(name, longSeconds)) === null, 'a removal ended a lease')
    await lease.release()
    await expectKept(other, name, null)
  },
}

async function taken(store: CustodyStore, name: string, seconds = longSeconds): Promise<Lease> {
  const lease = await store.lease(name, seconds)
  if (lease === null) throw new CustodyDisproved('a lease that nobody has is refused')
  return lease
}

/** All ask at once, and, where only the store's own clock passes, again until somebody has it: no timer is asked. */
async function askUntilGiven(
  { ground }: CustodyScene,
  stores: readonly CustodyStore[],
  name: string,
): Promise<{ readonly lease: Lease; readonly given: number }> {
  const limit = ground.passSeconds === undefined ? asksMax : 1
  for (let asks = 0; asks < limit; asks += stores.length) {
    const leases = await Promise.all(stores.map(store => store.lease(name, longSeconds)))
    const given = leases.filter(lease => lease !== null)
    if (given[0] !== undefined) return { lease: given[0], given: given.length }
  }
  throw new CustodyDisproved('a lease whose time is over is not given up')
}
