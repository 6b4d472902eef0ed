/** Writers who come at the same time: one wins, and nobody is overwritten unseen. */

import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { type CustodyCases, CustodyDisproved, expectKept, expectSame, newRecord } from './custody-scene.ts'

const racers = 8
const rounds = 10
const incrementingRacers = 20

export const raceProofs: CustodyCases = {
  'saves exactly once where nothing is, whoever comes at the same time': async ({ views, newName }) => {
    const stores = await views(racers)
    for (let round = 0; round < rounds; round++) {
      const name = newName()
      const records = stores.map(() => newRecord())
      const answers = await Promise.all(stores.map((store, at) => store.save(name, recordAt(records, at), null)))
      await expectOneWinner(stores, name, records, answers)
    }
  },

  'saves exactly once over a version, whoever comes at the same time': async ({ views, newName }) => {
    const stores = await views(racers)
    const name = newName()
    let before: string | null = null
    for (let round = 0; round < rounds; round++) {
      const version = before
      const records = stores.map(() => newRecord())
      const answers = await Promise.all(stores.map((store, at) => store.save(name, recordAt(records, at), version)))
      const winner: KeptRecord = await expectOneWinner(stores, name, records, answers)
      before = winner.version
    }
  },

  'loses no update of twenty racing writers': async ({ views, newName }) => {
    const stores = await views(incrementingRacers)
    const name = newName()
    await Promise.all(stores.map(store => increment(store, name)))
    for (const store of stores) expectSame((await store.load(name))?.sealed, `n${incrementingRacers}`, 'the count')
  },

  'removes exactly once, whoever comes at the same time': async ({ views, newName }) => {
    const stores = await views(racers)
    const name = newName()
    const { version } = await saved(stores, name)
    const answers = await Promise.all(stores.map(store => store.remove(name, version)))
    expectSame(answers.filter(answer => answer === 'removed').length, 1, 'removals of one version')
    for (const store of stores) await expectKept(store, name, null)
  },

  'lets either a save or a removal of the same version through, never both': async ({ views, newName }) => {
    const stores = await views(racers)
    for (let round = 0; round < rounds; round++) {
      const name = newName()
      const { version } = await saved(stores, name)
      const records = stores.map(() => newRecord())
      const answers = await Promise.all(
        stores.map((store, at) =>
          at % 2 === round % 2 ? store.remove(name, version) : store.save(name, recordAt(records, at), version),
        ),
      )
      const winners = answers.flatMap((answer, at) => (answer === 'moved' ? [] : [at]))
      expectSame(winners.length, 1, 'saves and removals of one version')
      const winner = winners[0] ?? 0
      const left = answers[winner] === 'saved' ? recordAt(records, winner) : null
      for (const store of stores) await expectKept(store, name, left)
    }
  },
}

function recordAt(records: readonly KeptRecord[], at: number): KeptRecord {
  const record = records[at]
  if (record === undefined) throw new RangeError(`there is no racer ${at}`)
  return record
}

async function expectOneWinner(
  stores: readonly CustodyStore[],
  name: string,
  records: readonly KeptRecord[],
  answers: readonly ('saved' | 'moved')[],
): Promise<KeptRecord> {
  expectSame(answers.filter(answer => answer === 'saved').length, 1, 'saves over one version')
  const winner = recordAt(records, answers.indexOf('saved'))
  for (const store of stores) await expectKept(store, name, winner)
  return winner
}

async function saved(stores: readonly CustodyStore[], name: string): Promise<KeptRecord> {
  const record = newRecord()
  expectSame(await stores[0]?.save(name, record, null), 'saved', 'a save where nothing is')
  return record
}

/** Somebody wins each time, so that nobody loses more often than there are others. */
async function increment(store: CustodyStore, name: string): Promise<void> {
  for (let attempt = 0; attempt < incrementingRacers; attempt++) {
    const kept = await store.load(name)
    const count = Number(kept?.sealed.slice(1) ?? '0')
    if ((await store.save(name, newRecord(`n${count + 1}`), kept?.version ?? null)) === 'saved') return
  }
  throw new CustodyDisproved(`a writer was told ${incrementingRacers} times that somebody else was first`)
}
