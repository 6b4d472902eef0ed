/** Stores that are none, each broken in one way, and the sentences of the contract that must catch them. */

import type { CustodyStore, KeptRecord, Lease } from '../custody/custody-store.ts'
import { memoryStore } from '../stores/memory.ts'

export type Clock = { nowMs: number }

/** Answers one view of the storage; `whole` keeps the contract. */
export type Break = (whole: CustodyStore, shared: Shared) => CustodyStore

/** What all views of a broken store have in common. */
export interface Shared {
  readonly clock: Clock
  readonly names: Map<string, string>
  readonly past: Map<string, KeptRecord>
}

interface Broken {
  readonly breakIt: Break
  readonly caughtBy: readonly string[]
}

/** Without `watch`, where what would be told is not what is broken. */
function untold({ keepsKeys, load, save, lease, remove }: CustodyStore): CustodyStore {
  return { keepsKeys, load, save, lease, remove }
}

const lastWins: Break = whole => ({
  ...whole,
  save: async (name, record) => {
    for (;;) {
      const version = (await whole.load(name))?.version ?? null
      if ((await whole.save(name, record, version)) === 'saved') return 'saved'
    }
  },
})

/** The compare is there, but others come between it and the write. */
const readsThenWrites: Break = whole => ({
  ...whole,
  save: async (name, record, ifVersion) => {
    const version = (await whole.load(name))?.version ?? null
    if (version !== ifVersion) return 'moved'
    await Promise.resolve()
    await whole.save(name, record, (await whole.load(name))?.version ?? null)
    return 'saved'
  },
})

const removesAnything: Break = whole => ({
  ...whole,
  remove: async name => {
    const kept = await whole.load(name)
    return kept === null ? 'moved' : whole.remove(name, kept.version)
  },
})

const caches: Break = whole => {
  const seen = new Map<string, KeptRecord | null>()
  return {
    ...whole,
    load: async name => {
      const cached = seen.get(name)
      if (cached !== undefined) return cached
      const record = await whole.load(name)
      seen.set(name, record)
      return record
    },
    save: async (name, record, ifVersion) => {
      seen.set(name, record)
      return whole.save(name, record, ifVersion)
    },
  }
}

/** It saves anew what it saved before the removal. */
const bringsBack: Break = (whole, { past }) => ({
  ...whole,
  save: async (name, record, ifVersion) => {
    const answer = await whole.save(name, record, ifVersion)
    past.set(name, record)
    if (answer === 'saved' || ifVersion === null || (await whole.load(name)) !== null) return answer
    return whole.save(name, record, null)
  },
})

const foldsCase: Break = whole => ({
  ...untold(whole),
  load: name => whole.load(name.toLowerCase()),
  save: (name, record, ifVersion) => whole.save(name.toLowerCase(), record, ifVersion),
  remove: (name, ifVersion) => whole.remove(name.toLowerCase(), ifVersion),
})

const normalizes: Break = whole => ({
  ...whole,
  load: name => whole.load(name.normalize('NFC')),
  save: (name, record, ifVersion) => whole.save(name.normalize('NFC'), record, ifVersion),
  remove: (name, ifVersion) => whole.remove(name.normalize('NFC'), ifVersion),
})

const cutsNames: Break = whole => ({
  ...whole,
  load: name => whole.load(name.slice(0, 190)),
  save: (name, record, ifVersion) => whole.save(name.slice(0, 190), record, ifVersion),
})

const cutsTexts: Break = whole => ({
  ...whole,
  save: (name, record, ifVersion) => whole.save(name, { ...record, sealed: record.sealed.slice(0, 65_535) }, ifVersion),
})

const foldsVersions: Break = whole => ({
  ...whole,
  save: async (name, record, ifVersion) => {
    const kept = await whole.load(name)
    const isSame = kept !== null && kept.version.toLowerCase() === ifVersion?.toLowerCase()
    return whole.save(name, record, isSame ? kept.version : ifVersion)
  },
})

const comparesTexts: Break = (whole, { past }) => ({
  ...whole,
  save: async (name, record, ifVersion) => {
    const kept = await whole.load(name)
    const before = ifVersion === null ? undefined : past.get(ifVersion)
    past.set(record.version, record)
    return whole.save(name, record, kept !== null && before?.sealed === kept.sealed ? kept.version : ifVersion)
  },
})

const losesKeys: Break = whole => ({
  ...whole,
  save: (name, { version, sealed }, ifVersion) => whole.save(name, { version, sealed }, ifVersion),
})

const forgetsOnClose: Break = whole => {
  const own = memoryStore()
  return { ...untold(whole), load: own.load, save: own.save, remove: own.remove }
}

const handsOutItsOwn: Break = (_, { past }) => {
  const version = (name: string): string | null => past.get(name)?.version ?? null
  return {
    ...untold(memoryStore()),
    load: async name => past.get(name) ?? null,
    save: async (name, record, ifVersion) => {
      if (version(name) !== ifVersion) return 'moved'
      past.set(name, record)
      return 'saved'
    },
    remove: async (name, ifVersion) => {
      if (version(name) !== ifVersion) return 'moved'
      past.delete(name)
      return 'removed'
    },
  }
}

const neverEnds: Break = whole => ({
  ...whole,
  save: (name, { version, sealed }, ifVersion) => whole.save(name, { version, sealed }, ifVersion),
})

const endsTooSoon: Break = whole => ({
  ...whole,
  save: (name, { expiresAtMs, ...record }, ifVersion) =>
    whole.save(name, expiresAtMs === undefined ? record : { ...record, expiresAtMs: expiresAtMs - 60_000 }, ifVersion),
})

/** It hides what is over, and takes it for there when it compares. */
const hidesAndCompares: Break = (whole, { clock, past }) => ({
  ...whole,
  load: async name => {
    const kept = await whole.load(name)
    const end = kept === null ? undefined : past.get(kept.version)?.expiresAtMs
    return end !== undefined && clock.nowMs >= end ? null : kept
  },
  save: async (name, record, ifVersion) => {
    past.set(record.version, record)
    const { expiresAtMs: _, ...endless } = record
    return whole.save(name, endless, ifVersion)
  },
})

const keepsOldEnd: Break = (whole, { past }) => ({
  ...whole,
  save: async (name, record, ifVersion) => {
    const before = ifVersion === null ? undefined : past.get(ifVersion)
    past.set(record.version, record)
    const expiresAtMs = record.expiresAtMs ?? before?.expiresAtMs
    return whole.save(name, expiresAtMs === undefined ? record : { ...record, expiresAtMs }, ifVersion)
  },
})

const leasesForever: Break = whole => ({ ...whole, lease: name => whole.lease(name, 1e9) })

const leasesToAll: Break = whole => ({ ...whole, lease: async () => ({ release: async () => {} }) })

const leasesTooShort: Break = whole => ({ ...whole, lease: (name, seconds) => whole.lease(name, seconds / 2) })

const leasesPerView: Break = (whole, { clock }) => {
  const own = memoryStore({ nowMs: () => clock.nowMs, wait: async () => {} })
  return { ...whole, lease: own.lease }
}

const leasesAgainToItsOwner: Break = whole => {
  const mine = new Map<string, Lease>()
  return {
    ...whole,
    lease: async (name, seconds) => {
      const lease = (await whole.lease(name, seconds)) ?? mine.get(name) ?? null
      if (lease !== null) mine.set(name, lease)
      return lease
    },
  }
}

const leasesOneForAll: Break = whole => ({ ...whole, lease: (_, seconds) => whole.lease('all', seconds) })

/** Whoever gives back gives back what anybody has. */
const releasesAnything: Break = (whole, { clock, names }) => ({
  ...whole,
  lease: async (name, seconds) => {
    if (Number(names.get(name) ?? 0) > clock.nowMs) return null
    names.set(name, String(clock.nowMs + seconds * 1000))
    return { release: async () => void names.delete(name) }
  },
})

const endsLeaseOnSave: Break = (whole, { clock, names }) => ({
  ...releasesAnything(whole, { clock, names, past: new Map() }),
  save: async (name, record, ifVersion) => {
    names.delete(name)
    return whole.save(name, record, ifVersion)
  },
})

const tellsForever: Break = whole => ({
  ...whole,
  watch: listener => {
    whole.watch?.(listener)
    return () => {}
  },
})

const lateSave = 'stops a writer who comes after a removal, also when there is something new'
const apart = 'keeps apart whatever differs by one letter, its case or its composition'
const over = 'counts a record as absent from its end on'
const letters = 'compares versions to the letter, and the version alone'
const overVersion = 'saves over the version that is there, and over no other'
const oneAtATime = 'leases a name to one at a time, in all views'
const runsOut = 'gives a lease up when its time is over, to exactly one'
const lateRelease = 'does not let whoever was late give back the lease of another'

export const brokenStores: { readonly [what: string]: Broken } = {
  'does not compare': {
    breakIt: lastWins,
    caughtBy: [overVersion, lateSave, 'loses no update of twenty racing writers'],
  },
  'compares, and writes later': {
    breakIt: readsThenWrites,
    caughtBy: [
      'saves exactly once where nothing is, whoever comes at the same time',
      'saves exactly once over a version, whoever comes at the same time',
      'loses no update of twenty racing writers',
    ],
  },
  'removes without a look at the version': {
    breakIt: removesAnything,
    caughtBy: ['removes the version that is there, and no other', lateSave],
  },
  'keeps a copy in each view': {
    breakIt: caches,
    caughtBy: ['shows in one view at once what another one acknowledged', overVersion],
  },
  'brings back what was removed': { breakIt: bringsBack, caughtBy: [lateSave] },
  'takes names for the same in other letters': { breakIt: foldsCase, caughtBy: [apart] },
  'takes names for the same in another composition': { breakIt: normalizes, caughtBy: [apart] },
  'cuts long names': { breakIt: cutsNames, caughtBy: [apart] },
  'cuts long texts': { breakIt: cutsTexts, caughtBy: ['keeps sealed texts of 64 kB'] },
  'takes versions for the same in other letters': { breakIt: foldsVersions, caughtBy: [letters] },
  'compares what is sealed in place of versions': { breakIt: comparesTexts, caughtBy: [letters] },
  'says that it keeps keys and does not': {
    breakIt: losesKeys,
    caughtBy: ['keeps key pairs as they are, if it says so, and says so only then'],
  },
  'forgets when it is closed': {
    breakIt: forgetsOnClose,
    caughtBy: ['keeps what was acknowledged, and what was removed away, when all views are closed'],
  },
  'hands out what it keeps': {
    breakIt: handsOutItsOwn,
    caughtBy: ['keeps a copy: what is done to a record later does not reach it'],
  },
  'never ends a record': { breakIt: neverEnds, caughtBy: [over] },
  'ends a record too soon': {
    breakIt: endsTooSoon,
    caughtBy: ['keeps a record that has an end, and its end, until then'],
  },
  'compares with what is over': {
    breakIt: hidesAndCompares,
    caughtBy: [over, 'saves exactly once where a record is over, whoever comes at the same time'],
  },
  'keeps the end of the record before': {
    breakIt: keepsOldEnd,
    caughtBy: ['forgets the end of a record with the next one, which has none'],
  },
  'never ends a lease': { breakIt: leasesForever, caughtBy: [runsOut, lateRelease] },
  'leases to everybody': { breakIt: leasesToAll, caughtBy: [oneAtATime, runsOut] },
  'ends a lease early': {
    breakIt: leasesTooShort,
    caughtBy: ['keeps a lease until its time is over, and not a second longer'],
  },
  'leases in each view apart': {
    breakIt: leasesPerView,
    caughtBy: [oneAtATime, 'leases to exactly one of those who come at the same time'],
  },
  'leases again to whoever has the lease': { breakIt: leasesAgainToItsOwner, caughtBy: [oneAtATime] },
  'leases one name for all': {
    breakIt: leasesOneForAll,
    caughtBy: ['leases one name whatever is done with another'],
  },
  'takes back a lease from anybody': {
    breakIt: releasesAnything,
    caughtBy: [lateRelease, 'takes a second release for none'],
  },
  'ends a lease when something is saved': {
    breakIt: endsLeaseOnSave,
    caughtBy: ['leaves records alone when it leases, and leases when it saves'],
  },
  'tells after the end': {
    breakIt: tellsForever,
    caughtBy: ['tells nothing of what did not happen, and nobody who ended it'],
  },
}
