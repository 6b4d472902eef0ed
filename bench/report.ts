/** Medians, ratios and the tables that people read. */

import { writeFileSync } from 'node:fs'
import type { ContenderName } from './contender.ts'
import type { DiskFigures, LapFigures } from './laps.ts'
import type { Machine } from './measure/machine.ts'
import { median, medianKnown } from './measure/statistics.ts'
import type { Options } from './options.ts'

/** The medians of all laps of one contender at one number of connections. */
export interface Medians {
  readonly contender: ContenderName
  readonly connections: number
  readonly rounds: number
  readonly rotationsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly serverCpuMicros: number | null
  readonly serverResidentBytes: number | null
  readonly loadCpuMicros: number
}

/** How one contender compares with another, lap by lap in the same round, then the median. */
export interface Ratio {
  readonly connections: number
  readonly contender: ContenderName
  readonly against: ContenderName
  readonly rotationsPerSecond: number
  readonly serverCpu: number | null
}

export function mediansOf(laps: readonly LapFigures[]): Medians[] {
  const groups = Map.groupBy(laps, lap => `${lap.connections} ${lap.contender}`)
  return [...groups.values()].flatMap(group => {
    const [first] = group
    if (first === undefined) return []
    return {
      contender: first.contender,
      connections: first.connections,
      rounds: group.length,
      rotationsPerSecond: median(group.map(lap => lap.rotationsPerSecond)),
      p50Ms: median(group.map(lap => lap.p50Ms)),
      p99Ms: median(group.map(lap => lap.p99Ms)),
      serverCpuMicros: medianKnown(group.map(lap => lap.serverCpuMicros)),
      serverResidentBytes: medianKnown(group.map(lap => lap.serverResidentBytes)),
      loadCpuMicros: median(group.map(lap => lap.loadCpuMicros)),
    }
  })
}

/** Ratios of laps that were ridden one after the other, so that a busy minute of the machine weighs on both. */
export function ratiosOf(laps: readonly LapFigures[], contender: ContenderName, against: ContenderName): Ratio[] {
  const groups = Map.groupBy(laps, lap => lap.connections)
  return [...groups].flatMap(([connections, group]) => {
    const pairs = group
      .filter(lap => lap.contender === contender)
      .flatMap(lap =>
        group.filter(other => other.contender === against && other.round === lap.round).map(other => ({ lap, other })),
      )
    if (pairs.length === 0) return []
    return {
      connections,
      contender,
      against,
      rotationsPerSecond: median(pairs.map(({ lap, other }) => lap.rotationsPerSecond / other.rotationsPerSecond)),
      serverCpu: medianKnown(pairs.map(({ lap, other }) => quotient(lap.serverCpuMicros, other.serverCpuMicros))),
    }
  })
}

function quotient(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b
}

export function machineLines(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const warning =
    machine.memoryFileSystem === null
      ? ''
      : `\nWARNING: ${machine.directory} is ${machine.memoryFileSystem}: flushes are free there, so nothing here is about durable rotations`
  return (
    `${machine.command}\n${machine.startedAt}, commit ${machine.commit}\n` +
    `${machine.processor}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB, ${machine.system}, ` +
    `load average before the run ${machine.loadAverage.map(load => load.toFixed(2)).join(' ')}\n${versions.join(', ')}${warning}\n`
  )
}

export function mediansTable(medians: readonly Medians[]): string {
  return table(
    ['connections', 'server', 'rotations/s', 'p50 ms', 'p99 ms', 'CPU µs', 'RSS MiB', 'load CPU µs'],
    medians.map(row => [
      String(row.connections),
      row.contender,
      row.rotationsPerSecond.toFixed(0),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      known(row.serverCpuMicros, 0),
      known(row.serverResidentBytes === null ? null : row.serverResidentBytes / 2 ** 20, 0),
      row.loadCpuMicros.toFixed(0),
    ]),
  )
}

export function ratiosTable(ratios: readonly Ratio[]): string {
  return table(
    ['connections', 'ratio', 'rotations/s', 'CPU'],
    ratios.map(row => [
      String(row.connections),
      `${row.contender} / ${row.against}`,
      row.rotationsPerSecond.toFixed(2),
      known(row.serverCpu, 2),
    ]),
  )
}

export function diskTable(disks: readonly DiskFigures[]): string {
  return table(
    ['server', 'families', 'rotations', 'bytes before', 'bytes after', 'bytes per rotation'],
    disks.map(row => [
      row.contender,
      String(row.families),
      String(row.rotations),
      String(row.bytesBefore),
      String(row.bytesAfter),
      row.bytesPerRotation.toFixed(2),
    ]),
  )
}

export function known(value: number | null, digits: number): string {
  return value === null ? 'n/a' : value.toFixed(digits)
}

/** Columns as wide as their widest cell; the first two to the left, figures to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  return `${[heads, ...rows].map(row => line(row).trimEnd()).join('\n')}\n`
}

/** Publishes the figures where the flags ask for them: tables for people, JSON for programs. */
export function publish(options: Options, figures: object, tables: readonly string[]): void {
  const json = `${JSON.stringify(figures, null, 2)}\n`
  if (options.out !== null) writeFileSync(options.out, json)
  const text = tables.join('\n')
  if (options.json) {
    process.stderr.write(text)
    process.stdout.write(json)
    return
  }
  process.stdout.write(text)
}
