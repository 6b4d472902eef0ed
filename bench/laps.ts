/** Rides laps on contenders that run side by side, and keeps what each lap measured. */

import { mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, ContenderName, Running } from './contender.ts'
import type { LapLength, LapResult } from './load/lap.ts'
import { type Load, startLoad } from './load/load.ts'
import { bytesOnDisk } from './measure/disk.ts'
import type { Options } from './options.ts'

/** One lap, as it is published. */
export interface LapFigures {
  readonly contender: ContenderName
  readonly connections: number
  readonly round: number
  readonly rotationsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly serverCpuMicros: number | null
  readonly serverResidentBytes: number | null
  readonly loadCpuMicros: number
}

export interface DiskFigures {
  readonly contender: ContenderName
  readonly families: number
  readonly rotations: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly bytesPerRotation: number
}

/** A contender on the track: the newest tokens of its families and how far it has come. */
export interface Runner {
  readonly running: Running
  readonly directory: string
  readonly bytesBefore: number
  tokens: readonly string[]
  rotations: number
}

export interface Lap {
  readonly connections: number
  readonly round: number
  readonly length: LapLength
}

export interface Place {
  readonly directory: string
  readonly families: number
}

/** Starts the contenders and a load generator, does the work and takes everything away again, whatever happens. */
export async function withRunners<T>(
  contenders: readonly Contender[],
  place: Place,
  work: (runners: readonly Runner[], load: Load) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(place.directory, 'pawl-bench-'))
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true })
  const leave = (): never => process.exit(1)
  process.once('exit', removeDirectory).once('SIGTERM', leave).once('SIGINT', leave)
  const load = startLoad()
  const runners: Runner[] = []
  const [outcome] = await Promise.allSettled([
    startAll(contenders, runners, { ...place, directory }).then(() => work(runners, load)),
  ])
  await load.stop()
  const stops = await Promise.allSettled(runners.map(runner => runner.running.stop()))
  removeDirectory()
  process.off('exit', removeDirectory).off('SIGTERM', leave).off('SIGINT', leave)
  if (outcome.status === 'rejected') throw outcome.reason
  // A server that cannot stop cleanly has not been measured doing its whole work.
  for (const stop of stops) if (stop.status === 'rejected') throw stop.reason
  return outcome.value
}

/** One after the other, into the list: whoever is in it has to be stopped, also when the next one fails. */
async function startAll(contenders: readonly Contender[], runners: Runner[], place: Place): Promise<void> {
  for (const contender of contenders) {
    runners.push(await startRunner(contender, join(place.directory, contender.name), place.families))
  }
}

async function startRunner(contender: Contender, directory: string, families: number): Promise<Runner> {
  mkdirSync(directory)
  const running = await contender.start(directory, families)
  const bytesBefore = bytesOnDisk(directory, running.databaseFile)
  return { running, directory, bytesBefore, tokens: running.tokens, rotations: 0 }
}

/** Rides one lap with the runner's families; every connection has at least one of its own. */
export async function rideLap(runner: Runner, load: Load, lap: Lap): Promise<LapFigures> {
  const { running } = runner
  const result = await load
    .ride({
      port: running.port,
      serverPid: running.pid,
      authorization: running.authorization,
      tokens: runner.tokens,
      connections: lap.connections,
      length: lap.length,
    })
    .catch((cause: unknown) => {
      throw new Error(`${running.name} failed with ${lap.connections} connections`, { cause })
    })
  runner.tokens = result.tokens
  runner.rotations += result.rotationsInAll
  return figures(running.name, lap, result)
}

/** Loads the runner until its code is compiled and its caches are full: a compiler at work is not what a server costs. */
export async function settle(runner: Runner, load: Load, options: Options): Promise<void> {
  const length = { kind: 'seconds', warmUpSeconds: 0.1, seconds: options.settleSeconds } as const
  await rideLap(runner, load, { connections: Math.max(...options.connections), round: 0, length })
}

function figures(contender: ContenderName, lap: Lap, result: LapResult): LapFigures {
  if (result.rotations === 0)
    throw new Error(`${contender} answered nothing in a lap with ${lap.connections} connections`)
  const perRotation = (seconds: number): number => (seconds / result.rotations) * 1e6
  return {
    contender,
    connections: lap.connections,
    round: lap.round,
    rotationsPerSecond: result.rotations / result.elapsedSeconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxMs: result.maxMs,
    serverCpuMicros: result.serverCpuSeconds === null ? null : perRotation(result.serverCpuSeconds),
    serverResidentBytes: result.serverResidentBytes,
    loadCpuMicros: perRotation(result.loadCpuSeconds),
  }
}

/** What the rotations so far have left on disk. The server must be idle. */
export function diskFigures(runner: Runner): DiskFigures {
  const bytesAfter = bytesOnDisk(runner.directory, runner.running.databaseFile)
  return {
    contender: runner.running.name,
    families: runner.running.tokens.length,
    rotations: runner.rotations,
    bytesBefore: runner.bytesBefore,
    bytesAfter,
    bytesPerRotation: (bytesAfter - runner.bytesBefore) / runner.rotations,
  }
}
