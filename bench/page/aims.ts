/** What Pawl aims at, beside what was measured. */

import { mediansOf, type Ratio, wholeCpu } from '../medians.ts'
import type { ContenderName } from '../names.ts'
import type { FlushKind } from '../slow-flush/slow-flush.ts'
import { type Cell, markdownTable, rounded } from './markdown.ts'
import type { FamiliesRun, RefreshRun, Results } from './results.ts'

interface Aim {
  readonly aim: string
  /** In words, with its figures; null where it was not measured. */
  readonly measured: string | null
  readonly isMet: boolean | null
}

const judgedConnections = 64
const proofRatioMax = 1.15
const familiesFew = 1000
const familiesMany = 10_000_000

export function aimsTable(results: Results): string {
  const aims = [...sqliteAims(results), ...postgresAims(results), ...otherAims(results)]
  const rows = aims.map(({ aim, measured, isMet }): Cell[] => [aim, measured ?? 'not measured', verdict(isMet)])
  return markdownTable(['aim', 'measured', 'met'], rows)
}

function verdict(isMet: boolean | null): string {
  if (isMet === null) return '–'
  return isMet ? 'yes' : '**no**'
}

function sqliteAims({ sqlite }: Results): Aim[] {
  const cpu = sqlite?.medians.find(row => isJudged(row, 'pawl', 'as-is'))?.serverCpuMicros ?? null
  return [
    ratioAim(sqlite, { of: 'pawl', to: 'limit', atLeast: 0.8, flush: 'as-is' }),
    ratioAim(sqlite, { of: 'pawl', to: 'oidc-provider', atLeast: 10, flush: 'as-is' }),
    ratioAim(sqlite, { of: 'pawl', to: 'oidc-provider', atLeast: 20, flush: 'slowed' }),
    fastestPeerAim(sqlite, { of: 'pawl', atLeast: 4, flush: 'as-is' }, itsOwnStorage),
    fastestPeerAim(sqlite, { of: 'pawl', atLeast: 4, flush: 'as-is' }, groupedStorage),
    atMost('SQLite: at most 160 µs of CPU for a durable rotation', cpu, 160, 'µs'),
  ]
}

function postgresAims({ postgres }: Results): Aim[] {
  return [
    ratioAim(postgres, { of: 'pawl-pg', to: 'oidc-provider-pg', atLeast: 6, flush: 'as-is' }),
    fastestPeerAim(postgres, { of: 'pawl-pg', atLeast: 4, flush: 'as-is' }, anyStorage),
  ]
}

function otherAims(results: Results): Aim[] {
  const half = (name: ContenderName, flush: FlushKind): number | null =>
    results.scenarios?.medians.find(row => row.contender === name && row.pace !== null && row.flush === flush)?.p99Ms ??
    null
  const started = (name: ContenderName) => results.start?.figures.find(row => row.contender === name)
  const idle = started('pawl')?.idleBytes ?? null
  return [
    atMost('SQLite: p99 at half load under 10 ms', half('pawl', 'as-is'), 10, 'ms'),
    atMost('SQLite, flushes slowed: p99 at half load under 10 ms', half('pawl', 'slowed'), 10, 'ms'),
    atMost('PostgreSQL: p99 at half load under 10 ms', half('pawl-pg', 'as-is'), 10, 'ms'),
    atMost('PostgreSQL, flushes slowed: p99 at half load under 10 ms', half('pawl-pg', 'slowed'), 10, 'ms'),
    proofAim('SQLite', results, 'pawl'),
    proofAim('PostgreSQL', results, 'pawl-pg'),
    growthAim('SQLite', results['families-sqlite'], 'pawl'),
    growthAim('PostgreSQL', results['families-postgres'], 'pawl-pg'),
    atMost('ready within 500 ms', started('pawl')?.readyMs ?? null, 500, 'ms'),
    atMost('at most 150 MiB when idle', idle === null ? null : idle / 2 ** 20, 150, 'MiB'),
  ]
}

interface Wanted {
  readonly of: ContenderName
  readonly atLeast: number
  readonly flush: FlushKind
}

function ratioAim(run: RefreshRun | null, wanted: Wanted & { readonly to: ContenderName }): Aim {
  const { of, to, atLeast, flush } = wanted
  const slowed = flush === 'slowed' ? ', flushes slowed' : ''
  const aim = `${of} at least ${atLeast} times ${to} at ${judgedConnections} connections${slowed}`
  const ratio = ratioOf(run, wanted, to)?.rotationsPerSecond
  if (ratio === undefined) return { aim, measured: null, isMet: null }
  return { aim, measured: `${rounded(ratio, 2)}${limitToo(run, wanted, to)}`, isMet: ratio >= atLeast }
}

/** Of all other servers on the store, whatever is the hardest to outrun. */
function fastestPeerAim(run: RefreshRun | null, wanted: Wanted, storage: Storage): Aim {
  const { of, atLeast, flush } = wanted
  const aim = `${of} at least ${atLeast} times the fastest peer${storage.words} at ${judgedConnections} connections`
  const peers = run?.medians.filter(row => isJudged(row, row.contender, flush) && storage.takes(row.contender)) ?? []
  const fastest = peers.toSorted((a, b) => b.rotationsPerSecond - a.rotationsPerSecond)[0]?.contender
  const ratio = fastest === undefined ? undefined : ratioOf(run, wanted, fastest)?.rotationsPerSecond
  if (ratio === undefined || fastest === undefined) return { aim, measured: null, isMet: null }
  const measured = `${rounded(ratio, 2)} (${fastest})${limitToo(run, wanted, fastest)}`
  return { aim, measured, isMet: ratio >= atLeast }
}

interface Storage {
  readonly words: string
  readonly takes: (name: ContenderName) => boolean
}

const othersThanPeers = /^(?:limit|pawl)|-2$/
const anyStorage: Storage = { words: '', takes: name => !othersThanPeers.test(name) }
/** Group commit is ours: what users of these packages are shown is a write at a time. */
const itsOwnStorage: Storage = {
  words: ' whose every write is a transaction',
  takes: name => name.endsWith('-plain') || name === 'better-auth',
}
const groupedStorage: Storage = {
  words: ', with group commit written for it',
  takes: name => anyStorage.takes(name) && !name.endsWith('-plain'),
}

/** How far the least that can be done is from the same program: nobody can do better than that. */
function limitToo(run: RefreshRun | null, { of, flush }: Wanted, to: ContenderName): string {
  const limit: ContenderName = of.endsWith('-pg') ? 'limit-pg' : 'limit'
  const ratio = to === limit ? undefined : ratioOf(run, { of: limit, flush, atLeast: 0 }, to)?.rotationsPerSecond
  return ratio === undefined ? '' : `; the limit itself ${rounded(ratio, 2)}`
}

function isJudged(
  row: { contender: string; connections: number; flush: string },
  name: string,
  flush: string,
): boolean {
  return row.contender === name && row.connections === judgedConnections && row.flush === flush
}

function ratioOf(run: RefreshRun | null, { of, flush }: Wanted, to: ContenderName): Ratio | undefined {
  return run?.ratios.find(row => isJudged(row, of, flush) && row.against === to)
}

function proofAim(store: string, { dpop }: Results, name: ContenderName): Aim {
  const aim = `${store}: a refresh with a DPoP proof costs at most ${proofRatioMax} times one without plus one ES256 verification`
  const cost = dpop?.costs.find(one => one.contender === name)
  if (cost === undefined || cost.ratio === null) return { aim, measured: null, isMet: null }
  const ratio = Math.max(cost.ratio, cost.steadyRatio ?? 0)
  return { aim, measured: rounded(ratio, 2), isMet: ratio <= proofRatioMax }
}

function growthAim(store: string, run: FamiliesRun | null, name: ContenderName): Aim {
  const aim = `${store}: a rotation among 10,000,000 families costs at most 1.3 times the CPU of one among 1,000`
  const cost = (families: number): number | null => {
    const size = run?.sizes.find(one => one.families === families)
    const medians = mediansOf(size?.laps ?? []).find(row => row.contender === name)
    return medians === undefined ? null : wholeCpu(medians)
  }
  const [few, many] = [cost(familiesFew), cost(familiesMany)]
  if (few === null || many === null) return { aim, measured: null, isMet: null }
  const ratio = many / few
  return {
    aim,
    measured: `${rounded(ratio, 2)} (${rounded(many, 0)} µs to ${rounded(few, 0)} µs)`,
    isMet: ratio <= 1.3,
  }
}

function atMost(aim: string, value: number | null, limit: number, unit: string): Aim {
  if (value === null) return { aim, measured: null, isMet: null }
  return { aim, measured: `${rounded(value, value < 100 ? 1 : 0)} ${unit}`, isMet: value <= limit }
}
