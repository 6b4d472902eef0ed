/**
 * `node bench/scenarios.ts`: what else a token endpoint does, and how long it takes when it is half busy. Redeeming a code,
 * introspecting a living refresh token and revoking one, of Pawl and `oidc-provider`, and refreshes at half of the rate
 * that was measured just before: an open loop, so that a stall costs everybody who comes meanwhile.
 */

import { contendersOf } from './contenders.ts'
import type { Lap, LapFigures } from './figures.ts'
import { type Paddock, rideLap, type Runner, settle, withRunners } from './laps.ts'
import type { ExchangeKind, LapLength } from './load/lap.ts'
import { describeMachine } from './measure/machine.ts'
import { median } from './measure/statistics.ts'
import { mediansOf } from './medians.ts'
import { type Options, parseOptions } from './options.ts'
import { installPeers } from './peers/contender.ts'
import { clusterSettings } from './postgres/cluster.ts'
import { machineLines, mediansTable, publish } from './report.ts'
import type { FlushKind } from './slow-flush/slow-flush.ts'

/** Codes are redeemed and tokens revoked once each, so these laps are counted instead of timed. */
interface Counted {
  readonly each: number
  readonly settle: number
}

const full: Counted = { each: 2000, settle: 1000 }
const short: Counted = { each: 40, settle: 40 }
const halfLoad = 0.5

/** A program without introspection and revocation takes no part in redemption either: it is here for half its load. */
const needed = { introspect: 'introspect', redeem: 'introspect', revoke: 'revoke' } as const

const defaults = {
  only: ['limit', 'oidc-provider', 'pawl', 'limit-pg', 'oidc-provider-pg', 'pawl-pg'],
  connections: [64],
  seconds: 4,
  warmUpSeconds: 0.5,
  settleSeconds: 10,
  rounds: 3,
  families: [256],
  flushes: ['as-is', 'slowed'],
} as const
const quick = { connections: [4], seconds: 0.3, warmUpSeconds: 0.1, settleSeconds: 0.2, rounds: 1, families: [16] }

const args = process.argv.slice(2)
const options = parseOptions(args, defaults, quick)
const counted = args.includes('--quick') ? short : full
const machine = describeMachine(options.directory)
const used = counted.settle + counted.each * options.rounds * options.flushes.length
const families = Math.max(...options.families, ...options.connections) + used
installPeers(options.only)
await withRunners(
  contendersOf(options.only),
  { directory: options.directory, families, codes: used, nodeFlags: options.nodeFlags },
  async paddock => {
    const laps = await rideAll(options, paddock)
    const medians = mediansOf(laps)
    const postgres = paddock.cluster === null ? null : { version: paddock.cluster.version, settings: clusterSettings }
    const { slowFlush } = paddock
    const slowedNotRunBecause = slowFlush.kind === 'ready' ? null : slowFlush.reason
    publish(options, { kind: 'scenarios', machine, options, postgres, slowedNotRunBecause, medians, laps }, [
      machineLines(machine),
      mediansTable(medians),
    ])
  },
)

async function rideAll(run: Options, paddock: Paddock): Promise<LapFigures[]> {
  const connections = Math.max(...run.connections)
  for (const runner of paddock.runners) {
    await settle(runner, paddock.load, { seconds: run.settleSeconds, connections })
  }
  const flushes = run.flushes.filter(flush => flush === 'as-is' || paddock.slowFlush.kind === 'ready')
  const laps: LapFigures[] = []
  for (const flush of flushes) laps.push(...(await rideHalfBusy(run, paddock, { flush, connections })))
  for (const exchange of ['introspect', 'redeem', 'revoke'] as const) {
    const riders = paddock.runners.filter(runner => runner.running.endpoints[needed[exchange]] !== null)
    const first = { connections, exchange, length: lengthOf(exchange, run, counted.settle) }
    for (const runner of riders) await ride(runner, paddock, { ...first, flush: 'as-is', round: 0 })
    const length = lengthOf(exchange, run, counted.each)
    for (const flush of flushes) {
      for (let round = 1; round <= run.rounds; round++) {
        for (const runner of riders) {
          laps.push(await ride(runner, paddock, { connections, exchange, length, flush, round }))
        }
      }
    }
  }
  return laps
}

function lengthOf(exchange: ExchangeKind, run: Options, requests: number): LapLength {
  if (exchange === 'introspect') return { kind: 'seconds', warmUpSeconds: run.warmUpSeconds, seconds: run.seconds / 2 }
  return { kind: 'rotations', rotations: requests }
}

/** First as fast as each goes, then each at half of its own median. */
async function rideHalfBusy(
  run: Options,
  paddock: Paddock,
  by: { readonly flush: FlushKind; readonly connections: number },
): Promise<LapFigures[]> {
  const length = { kind: 'seconds', warmUpSeconds: run.warmUpSeconds, seconds: run.seconds } as const
  const laps: LapFigures[] = []
  const rides = async (paceOf: (runner: Runner) => number | null): Promise<void> => {
    for (let round = 1; round <= run.rounds; round++) {
      for (const runner of paddock.runners) {
        laps.push(await ride(runner, paddock, { ...by, length, round, pace: paceOf(runner) }))
      }
    }
  }
  await rides(() => null)
  const fast = laps.slice()
  await rides(({ running }) => {
    const own = fast.filter(lap => lap.contender === running.name)
    return median(own.map(lap => lap.rotationsPerSecond)) * halfLoad
  })
  return laps
}

async function ride(runner: Runner, { load }: Paddock, lap: Lap): Promise<LapFigures> {
  const figures = await rideLap(runner, load, lap)
  const what = `${figures.exchange}${figures.pace === null ? '' : ' at half load'}, flushes ${figures.flush}`
  process.stderr.write(
    `${what}, round ${lap.round}, ${figures.contender}: ${figures.rotationsPerSecond.toFixed(0)}/s\n`,
  )
  return figures
}
