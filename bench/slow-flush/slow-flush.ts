/**
 * A disk whose flushes take a millisecond longer, as on a cloud volume, and a count of the flushes: a small library of
 * our own, compiled when it is needed and put in front of the C library of the servers (`LD_PRELOAD`), of SQLite's and
 * PostgreSQL's alike. It works on Linux with a C compiler; elsewhere the slowed half is not run, and the bench says so.
 */

import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How flushes were while a lap was ridden. */
export const flushKinds = ['as-is', 'slowed'] as const
export type FlushKind = (typeof flushKinds)[number]

export const slowedMicros = 1000
const gaugeBytes = 16

/** Of one server and its children. */
export interface FlushGauge {
  /** What the server must be started with. */
  readonly env: NodeJS.ProcessEnv
  readonly set: (kind: FlushKind) => void
  readonly flushes: () => number
  readonly close: () => void
}

/** Why flushes cannot be slowed here, or how. */
export type SlowFlush =
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'ready'; readonly gauge: (name: string) => FlushGauge }

/** Compiles the library into the directory, which whatever runs the servers must be able to read. */
export function prepareSlowFlush(directory: string): SlowFlush {
  if (process.platform !== 'linux') return { kind: 'missing', reason: `LD_PRELOAD is not for ${process.platform}` }
  const library = join(directory, 'slow-flush.so')
  const source = fileURLToPath(new URL('slow-flush.c', import.meta.url))
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'], {
    encoding: 'utf8',
  })
  if (compiled.error !== undefined) return { kind: 'missing', reason: 'there is no C compiler (cc)' }
  if (compiled.status !== 0) throw new Error(`cc could not compile ${source}:\n${compiled.stderr}`)
  return { kind: 'ready', gauge: name => openGauge(library, join(directory, `${name}.flushes`)) }
}

function openGauge(library: string, file: string): FlushGauge {
  writeFileSync(file, Buffer.alloc(gaugeBytes))
  // PostgreSQL runs as another user than the bench where that is root.
  chmodSync(file, 0o666)
  const handle = openSync(file, 'r+')
  return {
    env: { LD_PRELOAD: library, PAWL_BENCH_FLUSHES: file },
    set: kind => {
      const delay = Buffer.alloc(8)
      delay.writeBigUInt64LE(kind === 'slowed' ? BigInt(slowedMicros) * 1000n : 0n)
      writeSync(handle, delay, 0, delay.length, 0)
    },
    flushes: () => {
      const count = Buffer.alloc(8)
      readSync(handle, count, 0, count.length, 8)
      return Number(count.readBigUInt64LE())
    },
    close: () => closeSync(handle),
  }
}
