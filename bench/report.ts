/** Medians, ratios and the tables that people read. */

import { writeFileSync } from 'node:fs'
import type { DiskFigures } from './measure/growth.ts'
import type { Machine } from './measure/machine.ts'
import type { Medians, Ratio } from './medians.ts'
import type { Options } from './options.ts'

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
    [
      'connections',
      'server',
      'flushes',
      'what',
      'per second',
      'p50 ms',
      'p99 ms',
      'CPU µs',
      'database CPU µs',
      'RSS MiB',
      'flushes each',
      'bytes written each',
      'load CPU µs',
    ],
    medians.map(row => [
      String(row.connections),
      row.contender,
      row.flush,
      row.pace === null ? row.exchange : `${row.exchange} at ${row.pace.toFixed(0)}/s`,
      row.rotationsPerSecond.toFixed(0),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      known(row.serverCpuMicros, 0),
      known(row.databaseCpuMicros, 0),
      known(row.serverResidentBytes === null ? null : row.serverResidentBytes / 2 ** 20, 0),
      known(row.flushes, 2),
      known(row.writtenBytes, 0),
      row.loadCpuMicros.toFixed(0),
    ]),
  )
}

export function ratiosTable(ratios: readonly Ratio[]): string {
  return table(
    ['connections', 'ratio', 'flushes', 'rotations/s', 'CPU'],
    ratios.map(row => [
      String(row.connections),
      `${row.contender} / ${row.against}`,
      row.flush,
      row.rotationsPerSecond.toFixed(2),
      known(row.cpu, 2),
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
