/** Rotations on one store: rates at every number of connections, and everything about one of them. */

import type { Medians } from '../medians.ts'
import { type FlushKind, flushKinds } from '../slow-flush/slow-flush.ts'
import { type Cell, markdownTable, rounded } from './markdown.ts'
import type { RefreshRun } from './results.ts'

const shownConnections = 64
const flushTitles: { readonly [kind in FlushKind]: string } = {
  'as-is': 'The disk as it is',
  slowed: 'Every flush slowed by a millisecond',
}

export function refreshSection(title: string, pawl: string, run: RefreshRun | null): string {
  if (run === null) return `## ${title}\n\nNot measured.`
  const halves = flushKinds.filter(flush => run.medians.some(row => row.flush === flush))
  const missing =
    run.slowedNotRunBecause === null ? [] : [`The half with slowed flushes was not run: ${run.slowedNotRunBecause}.`]
  const parts = halves.flatMap(flush => [
    `### ${flushTitles[flush]}`,
    'Rotations a second, by the number of connections:',
    ratesTable(run, flush),
    `At ${shownConnections} connections:`,
    detailTable(run, flush, pawl),
  ])
  return [`## ${title}`, ...settingLines(run), ...missing, ...parts].join('\n\n')
}

function settingLines(run: RefreshRun): string[] {
  if (run.postgres === null) return []
  const settings = Object.entries(run.postgres.settings).map(([name, value]) => `\`${name} = ${value}\``)
  return [`PostgreSQL ${run.postgres.version} on the same machine, one server for all: ${settings.join(', ')}.`]
}

function ratesTable(run: RefreshRun, flush: FlushKind): string {
  const connections = [...new Set(run.medians.map(row => row.connections))].toSorted((a, b) => a - b)
  const names = [...new Set(run.medians.map(row => row.contender))]
  const rows = names.map((name): Cell[] => [
    name,
    ...connections.map(count => rounded(find(run, name, count, flush)?.rotationsPerSecond, 0)),
  ])
  return markdownTable(['server', ...connections.map(String)], rows)
}

function detailTable(run: RefreshRun, flush: FlushKind, pawl: string): string {
  const rows = run.medians
    .filter(row => row.flush === flush && row.connections === shownConnections)
    .toSorted((a, b) => b.rotationsPerSecond - a.rotationsPerSecond)
    .map((row): Cell[] => {
      const ratio = run.ratios.find(
        one =>
          one.contender === pawl &&
          one.against === row.contender &&
          one.flush === flush &&
          one.connections === shownConnections,
      )
      const disk = run.disks.find(one => one.contender === row.contender)
      return [
        row.contender,
        rounded(row.rotationsPerSecond, 0),
        row.contender === pawl ? '1' : rounded(ratio?.rotationsPerSecond, 2),
        rounded(row.p50Ms, 2),
        rounded(row.p99Ms, 2),
        rounded(row.serverCpuMicros, 0),
        rounded(row.databaseCpuMicros, 0),
        rounded(row.flushes, 3),
        rounded(row.writtenBytes, 0),
        rounded(row.walBytes, 0),
        rounded(disk?.bytesPerRotation, 1),
      ]
    })
  const heads = ['server', 'rotations/s', `${pawl} / it`, 'p50 ms', 'p99 ms', 'CPU µs', 'database CPU µs']
  const perRotation = ['flushes', 'bytes written', 'bytes of WAL', 'bytes of growth']
  return withoutEmptyColumns([...heads, ...perRotation], rows)
}

/** SQLite has no database server, and not every system counts flushes. */
function withoutEmptyColumns(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const kept = heads.map((_head, at) => rows.some(row => row[at] !== null))
  const pick = <T>(cells: readonly T[]): T[] => cells.filter((_cell, at) => kept[at])
  return markdownTable(pick(heads), rows.map(pick))
}

function find(run: RefreshRun, contender: string, connections: number, flush: FlushKind): Medians | undefined {
  return run.medians.find(row => row.contender === contender && row.connections === connections && row.flush === flush)
}
