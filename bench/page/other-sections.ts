/** The sections of the page beside the rotations. */

import { mediansOf, type Medians, wholeCpu } from '../medians.ts'
import { type Cell, markdownTable, mebibytes, rounded } from './markdown.ts'
import type {
  DpopRun,
  FamiliesRun,
  GenerationsRun,
  MicroRun,
  ProfileRun,
  Results,
  ScenarioRun,
  StartRun,
} from './results.ts'
import { garbage, garbageChoice } from './words.ts'

export function otherSections(results: Results): string[] {
  return [
    halfLoadSection(results.scenarios, results['scenarios-marking']),
    requestsSection(results.scenarios),
    proofSection(results.dpop),
    startSection(results.start),
    familiesSection(results['families-sqlite'], results['families-postgres']),
    generationsSection(results.generations),
    profileSection(results.profile),
    microSection(results.micro),
  ]
}

function section(title: string, ...texts: string[]): string {
  return [`## ${title}`, ...texts].join('\n\n')
}

const notMeasured = 'Not measured.'

function halfLoadSection(run: ScenarioRun | null, marking: ScenarioRun | null): string {
  const title = 'Half load'
  if (run === null) return section(title, notMeasured)
  const words =
    'Refreshes at half of the rate that the same server reached just before, at an even pace whatever it answers; times ' +
    'run from when a request was due, and the millisecond at which the generator ticks is in them.'
  const marked = marking === null ? [notMeasured] : [halfLoadTable(marking), garbageChoice]
  return section(title, words, halfLoadTable(run), garbage, ...marked)
}

function halfLoadTable(run: ScenarioRun): string {
  const rows = run.medians
    .filter(row => row.pace !== null)
    .map((row): Cell[] => [
      row.contender,
      row.flush,
      rounded(row.pace, 0),
      rounded(row.rotationsPerSecond, 0),
      rounded(row.p50Ms, 2),
      rounded(row.p99Ms, 2),
    ])
  return markdownTable(['server', 'flushes', 'asked/s', 'answered/s', 'p50 ms', 'p99 ms'], rows)
}

function requestsSection(run: ScenarioRun | null): string {
  const title = 'Codes, introspection, revocation'
  if (run === null) return section(title, notMeasured)
  const shown = run.medians.filter(row => row.exchange !== 'refresh')
  const row = (one: Medians): Cell[] => [
    one.exchange,
    one.contender,
    one.flush,
    rounded(one.rotationsPerSecond, 0),
    rounded(one.p50Ms, 2),
    rounded(one.p99Ms, 2),
    rounded(one.serverCpuMicros, 0),
    rounded(one.databaseCpuMicros, 0),
  ]
  const words =
    'Redeeming an authorization code with PKCE, introspecting a living refresh token, and revoking one, as fast as each ' +
    'server goes.'
  const heads = ['request', 'server', 'flushes', 'per second', 'p50 ms', 'p99 ms', 'CPU µs', 'database CPU µs']
  return section(title, words, markdownTable(heads, shown.map(row)))
}

function proofSection(run: DpopRun | null): string {
  const title = 'Refreshes with a DPoP proof'
  if (run === null) return section(title, notMeasured)
  const rows = run.costs.map((cost): Cell[] => [
    cost.contender,
    rounded(cost.withoutMicros, 0),
    rounded(cost.verificationMicros, 0),
    rounded(cost.withMicros, 0),
    rounded(cost.ratio, 2),
    rounded(cost.steadyMicros, 0),
    rounded(cost.steadyRatio, 2),
  ])
  const words =
    'Processor time of a refresh, of server and database together: without a proof, of one ES256 verification by itself, ' +
    'and with a proof that is read, verified with a key that is kept, and marked as used in the same commit. The ratio ' +
    'is of the last to the sum of the others. A mark leaves two minutes after its proof; steady is a refresh with a proof ' +
    'while as many marks leave as come, where the run was long enough for that.'
  const heads = ['server', 'without µs', 'one verification µs', 'with a proof µs', 'ratio', 'steady µs', 'ratio']
  return section(title, words, markdownTable(heads, rows))
}

function startSection(run: StartRun | null): string {
  const title = 'Start and memory'
  if (run === null) return section(title, notMeasured)
  const rows = run.figures.map((row): Cell[] => [
    row.contender,
    rounded(row.readyMs, 0),
    mebibytes(row.idleBytes),
    mebibytes(row.loadedBytes),
  ])
  const words =
    'From the start of the process to its ready line, resident memory a second later, and after some seconds of load. Of ' +
    'several processes it is the sum, in which pages that they share count for each.'
  return section(title, words, markdownTable(['server', 'ready ms', 'idle MiB', 'loaded MiB'], rows))
}

function familiesSection(...runs: readonly (FamiliesRun | null)[]): string {
  const title = 'Many families'
  const rows = runs.flatMap(run =>
    (run?.sizes ?? []).flatMap(({ families, laps, disks }) =>
      mediansOf(laps).map((row): Cell[] => {
        const disk = disks.find(one => one.contender === row.contender)
        const few = mediansOf(run?.sizes[0]?.laps ?? []).find(one => one.contender === row.contender)
        return [
          row.contender,
          rounded(families, 0),
          rounded(row.rotationsPerSecond, 0),
          rounded(wholeCpu(row), 0),
          few === undefined ? null : rounded((wholeCpu(row) ?? Number.NaN) / (wholeCpu(few) ?? Number.NaN), 2),
          rounded(row.p99Ms, 2),
          mebibytes(disk?.bytesBefore),
          rounded(disk?.bytesPerRotation, 2),
        ]
      }),
    ),
  )
  if (rows.length === 0) return section(title, notMeasured)
  const words =
    'Families spread evenly over a table of that many; CPU is of server and database together, and the ratio is to the ' +
    'smallest table. The size is that of the whole database, with users and events. Growth on PostgreSQL is that of first ' +
    'refreshes: a page holds eight families and room for two to move within it, and here neighbours are refreshed in the ' +
    'same batch, in the order they were seeded, so that the others of a page move elsewhere, once.'
  const heads = [
    'server',
    'families',
    'rotations/s',
    'CPU µs',
    'ratio',
    'p99 ms',
    'MiB',
    'bytes of growth per rotation',
  ]
  return section(title, words, markdownTable(heads, rows))
}

function generationsSection(run: GenerationsRun | null): string {
  const title = 'Old families'
  if (run === null) return section(title, notMeasured)
  const { compared, refreshes } = run.length
  const rows = run.figures.flatMap((row): Cell[][] => [
    [
      row.contender,
      `first ${compared}`,
      rounded(row.first.p50Ms, 3),
      rounded(wholeCpu(row.first), 0),
      row.rowsBefore,
      row.rowBytesBefore,
      row.diskBytesBefore,
    ],
    [
      row.contender,
      `last ${compared} of ${rounded(refreshes, 0)}`,
      rounded(row.last.p50Ms, 3),
      rounded(wholeCpu(row.last), 0),
      row.rowsAfter,
      row.rowBytesAfter,
      row.diskBytesAfter,
    ],
  ])
  const heads = ['server', 'refreshes', 'p50 ms', 'CPU µs', 'rows', 'bytes in rows', 'bytes on disk']
  return section(title, 'One family, refreshed again and again over one connection.', markdownTable(heads, rows))
}

const shownShares = 12

function profileSection(run: ProfileRun | null): string {
  const title = 'Where the time goes'
  if (run === null) return section(title, notMeasured)
  const names = [...new Set(run.shares.map(share => share.contender))]
  const columns = names.map(name => run.shares.filter(share => share.contender === name).slice(0, shownShares))
  const rows = Array.from({ length: shownShares }, (_, at) =>
    columns.map((shares): Cell => {
      const share = shares[at]
      return share === undefined ? null : `\`${share.where}\` ${rounded(share.share * 100, 1)} %`
    }),
  )
  const words =
    'Shares of the processor time of each server under load at 64 connections, by function, from the samples of the ' +
    'profiler of Node. `run` and `exec` are SQLite with its flushes, `signOneShot` is the ES256 signature.'
  return section(title, words, markdownTable(names, rows))
}

function microSection(run: MicroRun | null): string {
  const title = 'The parts of a rotation'
  if (run === null) return section(title, notMeasured)
  const rows = run.figures.map((row): Cell[] => [row.part, rounded(row.micros, 2), rounded(row.cpuMicros, 2)])
  return section(title, markdownTable(['part', 'µs', 'CPU µs'], rows))
}
