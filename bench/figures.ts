/** What one lap measured, as it is published. */

import type { ExchangeKind, LapLength, LapResult } from './load/lap.ts'
import type { ContenderName } from './names.ts'
import type { FlushKind } from './slow-flush/slow-flush.ts'

/** How a lap is ridden. */
export interface Lap {
  readonly connections: number
  readonly round: number
  readonly length: LapLength
  readonly flush: FlushKind
  /** `refresh` unless said otherwise. */
  readonly exchange?: ExchangeKind
  /** Requests a second, or null (the default) for as many as the server answers. */
  readonly pace?: number | null
}

/** What has been done to the disk so far by whoever writes. */
export interface Counters {
  readonly flushes: number | null
  readonly writtenBytes: number | null
  readonly walBytes: number | null
}

export interface LapFigures {
  readonly contender: ContenderName
  readonly exchange: ExchangeKind
  readonly connections: number
  readonly flush: FlushKind
  readonly round: number
  /** Requests a second that were asked for; null where the load was a closed loop. */
  readonly pace: number | null
  readonly rotationsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Of the server's processes, for each answer; the database server apart. */
  readonly serverCpuMicros: number | null
  readonly databaseCpuMicros: number | null
  readonly serverResidentBytes: number | null
  readonly loadCpuMicros: number
  /** Of the store, for each answer: flushes, bytes sent to the disk, and bytes of PostgreSQL's write-ahead log. */
  readonly flushes: number | null
  readonly writtenBytes: number | null
  readonly walBytes: number | null
}

interface Ridden {
  readonly result: LapResult
  readonly before: Counters
  readonly after: Counters
}

export function lapFigures(
  contender: ContenderName,
  lap: Lap & { readonly exchange: ExchangeKind },
  { result, before, after }: Ridden,
): LapFigures {
  if (result.rotations === 0)
    throw new Error(`${contender} answered nothing in a lap with ${lap.connections} connections`)
  const micros = (seconds: number | null): number | null =>
    seconds === null ? null : (seconds / result.rotations) * 1e6
  const each = (counter: keyof Counters): number | null => {
    const [from, until] = [before[counter], after[counter]]
    return from === null || until === null ? null : (until - from) / result.rotationsInAll
  }
  return {
    contender,
    exchange: lap.exchange,
    connections: lap.connections,
    flush: lap.flush,
    round: lap.round,
    pace: lap.pace ?? null,
    rotationsPerSecond: result.rotations / result.elapsedSeconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxMs: result.maxMs,
    serverCpuMicros: micros(result.serverCpuSeconds),
    databaseCpuMicros: micros(result.databaseCpuSeconds),
    serverResidentBytes: result.serverResidentBytes,
    loadCpuMicros: (result.loadCpuSeconds / result.rotations) * 1e6,
    flushes: each('flushes'),
    writtenBytes: each('writtenBytes'),
    walBytes: each('walBytes'),
  }
}
