/** Medians of laps, and ratios of laps ridden in the same round. */

import type { LapFigures } from './figures.ts'
import type { ExchangeKind } from './load/lap.ts'
import { median, medianKnown } from './measure/statistics.ts'
import type { ContenderName } from './names.ts'
import type { FlushKind } from './slow-flush/slow-flush.ts'

/** The medians of all laps of one contender under one load. */
export interface Medians extends Omit<LapFigures, 'round' | 'maxMs'> {
  readonly rounds: number
}

/** How one contender compares with another, lap by lap in the same round, then the median. */
export interface Ratio {
  readonly connections: number
  readonly flush: FlushKind
  readonly exchange: ExchangeKind
  readonly contender: ContenderName
  readonly against: ContenderName
  readonly rotationsPerSecond: number
  /** Of server and database together. */
  readonly cpu: number | null
}

export function mediansOf(laps: readonly LapFigures[]): Medians[] {
  const groups = Map.groupBy(laps, lap => `${lap.contender} ${lap.pace === null ? '' : 'paced'} ${kindOf(lap)}`)
  return [...groups.values()].flatMap(group => {
    const [first] = group
    if (first === undefined) return []
    const { contender, exchange, connections, flush, pace } = first
    return {
      contender,
      exchange,
      connections,
      flush,
      pace,
      rounds: group.length,
      rotationsPerSecond: median(group.map(lap => lap.rotationsPerSecond)),
      p50Ms: median(group.map(lap => lap.p50Ms)),
      p99Ms: median(group.map(lap => lap.p99Ms)),
      serverCpuMicros: medianKnown(group.map(lap => lap.serverCpuMicros)),
      databaseCpuMicros: medianKnown(group.map(lap => lap.databaseCpuMicros)),
      serverResidentBytes: medianKnown(group.map(lap => lap.serverResidentBytes)),
      loadCpuMicros: median(group.map(lap => lap.loadCpuMicros)),
      flushes: medianKnown(group.map(lap => lap.flushes)),
      writtenBytes: medianKnown(group.map(lap => lap.writtenBytes)),
      walBytes: medianKnown(group.map(lap => lap.walBytes)),
    }
  })
}

/** Ratios of laps that were ridden one after the other, so that a busy minute of the machine weighs on both. */
export function ratiosOf(laps: readonly LapFigures[], contender: ContenderName, against: ContenderName): Ratio[] {
  const groups = Map.groupBy(
    laps.filter(lap => lap.pace === null),
    kindOf,
  )
  return [...groups.values()].flatMap(group => {
    const pairs = group
      .filter(lap => lap.contender === contender)
      .flatMap(lap =>
        group.filter(other => other.contender === against && other.round === lap.round).map(other => ({ lap, other })),
      )
    const [first] = pairs
    if (first === undefined) return []
    const { connections, flush, exchange } = first.lap
    return {
      connections,
      flush,
      exchange,
      contender,
      against,
      rotationsPerSecond: median(pairs.map(({ lap, other }) => lap.rotationsPerSecond / other.rotationsPerSecond)),
      cpu: medianKnown(pairs.map(({ lap, other }) => quotient(wholeCpu(lap), wholeCpu(other)))),
    }
  })
}

/** Processor time of a rotation, in the server and in its database. */
export function wholeCpu(lap: Pick<LapFigures, 'serverCpuMicros' | 'databaseCpuMicros'>): number | null {
  return lap.serverCpuMicros === null ? null : lap.serverCpuMicros + (lap.databaseCpuMicros ?? 0)
}

function kindOf(lap: LapFigures): string {
  return `${lap.exchange} ${lap.connections} ${lap.flush}`
}

function quotient(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b
}
