/** Rides laps on contenders that run side by side, and keeps what each lap measured. */

import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Running, StoreKind } from './contender.ts'
import { type Counters, type Lap, type LapFigures, lapFigures } from './figures.ts'
import type { Exchange, ExchangeKind } from './load/lap.ts'
import { type Load, startLoad } from './load/load.ts'
import { readUsage } from './measure/process-usage.ts'
import { type Cluster, startCluster } from './postgres/cluster.ts'
import { type Guard, startGuard } from '../test/postgres/postmaster.ts'
import { walPosition } from './postgres/figures.ts'
import { codeParameters } from './redemption.ts'
import { type FlushGauge, prepareSlowFlush, type SlowFlush } from './slow-flush/slow-flush.ts'

/** A contender on the track: the newest tokens of its families and how far it has come. */
export interface Runner {
  running: Running
  readonly store: StoreKind
  readonly directory: string
  readonly cluster: Cluster | null
  /** Counts and slows the flushes of its store; null where that is not to be had. */
  readonly gauge: FlushGauge | null
  tokens: readonly string[]
  codes: readonly string[]
  rotations: number
}

export interface Track {
  readonly directory: string
  readonly families: number
  /** More families that nobody presents. */
  readonly idle?: number
  readonly codes?: number
  /** Flags of Node for every server. */
  readonly nodeFlags?: readonly string[]
}

/** What the runs of a bench take place in. */
export interface Paddock {
  readonly runners: readonly Runner[]
  readonly load: Load
  readonly slowFlush: SlowFlush
  readonly cluster: Cluster | null
}

/** Starts the contenders and a load generator, does the work and takes everything away again, whatever happens. */
export async function withRunners<T>(
  contenders: readonly Contender[],
  track: Track,
  work: (paddock: Paddock) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(track.directory, 'pawl-bench-'))
  // PostgreSQL runs as another user where the bench is root, and has to find its folder.
  chmodSync(directory, 0o755)
  // Each server is watched, and there are more than Node thinks likely.
  process.setMaxListeners(100)
  // However this process ends, a shell of its own ends PostgreSQL and removes the directory.
  const guard = startGuard(directory)
  const leave = (): never => process.exit(1)
  process.once('SIGTERM', leave).once('SIGINT', leave)
  const stops: (() => Promise<void>)[] = []
  const [outcome] = await Promise.allSettled([
    openPaddock(contenders, { ...track, directory, guard }, stops).then(work),
  ])
  const stopped: PromiseSettledResult<void>[] = []
  // The other way round: servers end before the database they stand on.
  for (const stop of stops.toReversed()) stopped.push(...(await Promise.allSettled([stop()])))
  await guard.release()
  process.off('SIGTERM', leave).off('SIGINT', leave)
  if (outcome.status === 'rejected') throw outcome.reason
  // A server that cannot stop cleanly has not been measured doing its whole work.
  for (const stop of stopped) if (stop.status === 'rejected') throw stop.reason
  return outcome.value
}

/** Puts into `stops` whatever has to be stopped, also when the next thing fails. */
async function openPaddock(
  contenders: readonly Contender[],
  track: Track & { readonly guard: Guard },
  stops: (() => Promise<void>)[],
): Promise<Paddock> {
  const slowFlush = prepareSlowFlush(track.directory)
  const gaugeOf = (name: string): FlushGauge | null => (slowFlush.kind === 'ready' ? slowFlush.gauge(name) : null)
  const clusterGauge = gaugeOf('postgres')
  let cluster: Cluster | null = null
  if (contenders.some(contender => contender.store === 'postgres')) {
    cluster = await startCluster(track.directory, clusterGauge?.env ?? {}, track.guard)
    stops.push(cluster.stop)
  }
  const load = startLoad()
  stops.push(load.stop)
  const runners: Runner[] = []
  for (const contender of contenders) {
    const isLocal = contender.store === 'sqlite'
    const gauge = isLocal ? gaugeOf(contender.name) : clusterGauge
    const directory = join(track.directory, contender.name)
    mkdirSync(directory)
    const running = await contender.start({
      directory,
      families: track.families,
      idle: track.idle ?? 0,
      codes: track.codes ?? 0,
      cluster,
      env: isLocal ? (gauge?.env ?? {}) : {},
      nodeFlags: track.nodeFlags ?? [],
    })
    const { tokens, codes } = running
    const own = { running, store: contender.store, directory, cluster: isLocal ? null : cluster, gauge }
    const runner: Runner = { ...own, tokens, codes, rotations: 0 }
    stops.push(() => runner.running.stop())
    runners.push(runner)
  }
  return { runners, load, slowFlush, cluster }
}

/** Ends the server, in good order or not, and starts it again on its database. */
export async function restart(runner: Runner, ending: 'stop' | 'kill'): Promise<void> {
  await runner.running[ending]()
  runner.running = { ...runner.running, ...(await runner.running.launch()) }
}

/** Rides one lap; every connection has at least one token, or code, of its own. */
export async function rideLap(runner: Runner, load: Load, lap: Lap): Promise<LapFigures> {
  const { running, gauge, cluster } = runner
  const kind = lap.exchange ?? 'refresh'
  if (lap.flush === 'slowed' && gauge === null) throw new Error('flushes cannot be slowed here')
  gauge?.set(lap.flush)
  const before = await counters(runner)
  const result = await load
    .ride({
      port: running.port,
      serverPid: running.pid,
      databasePid: cluster?.pid ?? null,
      authorization: running.authorization,
      exchange: exchangeOf(running, kind),
      tokens: kind === 'redeem' ? runner.codes : runner.tokens,
      connections: lap.connections,
      length: lap.length,
      pace: lap.pace ?? null,
    })
    .catch((cause: unknown) => {
      throw new Error(`${running.name} failed with ${lap.connections} connections`, { cause })
    })
  const after = await counters(runner)
  gauge?.set('as-is')
  if (kind === 'redeem') runner.codes = result.tokens
  else runner.tokens = result.tokens
  runner.rotations += result.rotationsInAll
  return lapFigures(running.name, { ...lap, exchange: kind }, { result, before, after })
}

/** Loads the runner until its code is compiled and its caches are full: a compiler at work is not what a server costs. */
export async function settle(runner: Runner, load: Load, by: { seconds: number; connections: number }): Promise<void> {
  const length = { kind: 'seconds', warmUpSeconds: 0.1, seconds: by.seconds } as const
  await rideLap(runner, load, { connections: by.connections, round: 0, length, flush: 'as-is' })
}

function exchangeOf(running: Running, kind: ExchangeKind): Exchange {
  const { endpoints, name, port } = running
  const path = {
    refresh: endpoints.token,
    'refresh-dpop': endpoints.token,
    redeem: endpoints.token,
    introspect: endpoints.introspect,
    revoke: endpoints.revoke,
  }
  const { refreshParameters } = endpoints
  const parameters = {
    refresh: refreshParameters,
    'refresh-dpop': refreshParameters,
    redeem: codeParameters,
    introspect: hint,
    revoke: hint,
  }
  const at = path[kind]
  if (at === null) throw new Error(`${name} is not set up to ${kind}`)
  // A server on loopback is named after it and its port.
  const proofUrl = kind === 'refresh-dpop' ? `http://localhost:${port}${at}` : null
  return { kind, path: at, parameters: parameters[kind], proofUrl }
}

const hint = '&token_type_hint=refresh_token'

/** What has been done to the disk so far by whoever writes for the runner. */
async function counters({ running, gauge, cluster }: Runner): Promise<Counters> {
  const usage = readUsage(cluster?.pid ?? running.pid)
  return {
    flushes: gauge?.flushes() ?? null,
    // The kernel counts a byte in PostgreSQL's log as the whole large page around it; PostgreSQL writes nothing but files.
    writtenBytes: (cluster === null ? usage?.storedBytes : usage?.writtenBytes) ?? null,
    walBytes: cluster === null ? null : await walPosition(cluster),
  }
}
