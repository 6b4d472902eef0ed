/**
 * `node bench/dpop.ts`: what a DPoP proof costs a refresh. Every connection is a client with a key of its own and makes a
 * new proof for each request; laps with proofs and without are ridden in turn on one server, and between them the bench
 * measures one ES256 verification by itself. The aim: with a proof a refresh costs no more processor time than one
 * without plus one verification, within 15 %. A mark leaves minutes after its proof, which is after the last of these
 * laps; so at the end there is a long one, of which only the part counts where as many marks leave as come.
 */

import { proofAgeSecondsMax } from '@pawl/protocol'
import { markSlackSeconds } from '../packages/server/src/store/sql/sweep.ts'
import { contendersOf } from './contenders.ts'
import type { LapFigures } from './figures.ts'
import { type Paddock, rideLap, type Runner, settle, withRunners } from './laps.ts'
import type { ExchangeKind } from './load/lap.ts'
import { describeMachine } from './measure/machine.ts'
import { median, medianKnown } from './measure/statistics.ts'
import { verificationMicros } from './measure/verification.ts'
import { mediansOf, wholeCpu } from './medians.ts'
import type { ContenderName } from './names.ts'
import { type Options, parseOptions } from './options.ts'
import { clusterSettings } from './postgres/cluster.ts'
import { known, machineLines, mediansTable, publish, table } from './report.ts'

/** Of processor time for a refresh, in microseconds; null where the system does not tell. */
export interface ProofCost {
  readonly contender: ContenderName
  readonly connections: number
  readonly withoutMicros: number | null
  readonly verificationMicros: number
  readonly withMicros: number | null
  /** With a proof, to what it costs without and one verification; of each round, then the median. */
  readonly ratio: number | null
  /** With a proof while as many marks leave as come, and its ratio; null where the run is too short for that. */
  readonly steadyMicros: number | null
  readonly steadyRatio: number | null
}

const defaults = {
  only: ['pawl', 'pawl-pg'],
  connections: [64],
  seconds: 3,
  warmUpSeconds: 0.5,
  settleSeconds: 10,
  rounds: 5,
  families: [256],
  flushes: ['as-is'],
} as const
const quick = { connections: [4], seconds: 0.3, warmUpSeconds: 0.1, settleSeconds: 0.2, rounds: 1, families: [16] }

/** From its proof to its end, and until the next sweeps have come by. */
const markSeconds = proofAgeSecondsMax + markSlackSeconds + 10

interface Round {
  readonly without: LapFigures
  readonly with: LapFigures
  readonly verificationMicros: number
}

const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const connections = Math.max(...options.connections)
const families = Math.max(...options.families, connections)
await withRunners(contendersOf(options.only), { directory: options.directory, families }, async paddock => {
  const rounds = await rideAll(options, paddock)
  const steady = await rideOn(options, paddock)
  const costs = [...rounds].map(([runner, ridden]) => costOf(runner, ridden, steady.get(runner) ?? null))
  const medians = mediansOf([...rounds.values()].flat().flatMap(round => [round.without, round.with]))
  const postgres = paddock.cluster === null ? null : { version: paddock.cluster.version, settings: clusterSettings }
  publish(options, { kind: 'dpop', machine, options, postgres, costs, medians, rounds: [...rounds.values()].flat() }, [
    machineLines(machine),
    mediansTable(medians),
    costsTable(costs),
  ])
})

async function rideAll(run: Options, { runners, load }: Paddock): Promise<Map<Runner, Round[]>> {
  const length = { kind: 'seconds', warmUpSeconds: run.warmUpSeconds, seconds: run.seconds } as const
  const ride = (runner: Runner, exchange: ExchangeKind, round: number): Promise<LapFigures> =>
    rideLap(runner, load, { connections, round, length, flush: 'as-is', exchange })
  const rounds = new Map<Runner, Round[]>()
  for (const runner of runners) {
    await settle(runner, load, { seconds: run.settleSeconds, connections })
    await ride(runner, 'refresh-dpop', 0)
    rounds.set(runner, [])
  }
  for (let round = 1; round <= run.rounds; round++) {
    for (const [runner, ridden] of rounds) {
      const without = await ride(runner, 'refresh', round)
      const measured = verificationMicros()
      const proven = await ride(runner, 'refresh-dpop', round)
      const rates = [without, proven].map(lap => lap.rotationsPerSecond.toFixed(0)).join('/s, with proofs ')
      process.stderr.write(`round ${round}, ${runner.running.name}: ${rates}/s\n`)
      ridden.push({ without, with: proven, verificationMicros: measured })
    }
  }
  return rounds
}

/** A lap for each, long enough for the marks of its beginning to leave; none in a hurry. */
async function rideOn(run: Options, { runners, load }: Paddock): Promise<Map<Runner, LapFigures>> {
  const laps = new Map<Runner, LapFigures>()
  if (run.settleSeconds < defaults.settleSeconds) return laps
  const length = { kind: 'seconds', warmUpSeconds: markSeconds, seconds: run.seconds * run.rounds } as const
  for (const runner of runners) {
    const lap = { connections, round: run.rounds + 1, length, flush: 'as-is', exchange: 'refresh-dpop' } as const
    laps.set(runner, await rideLap(runner, load, lap))
  }
  return laps
}

function costOf({ running }: Runner, rounds: readonly Round[], steady: LapFigures | null): ProofCost {
  const ratios = rounds.map(round => {
    const [without, proven] = [wholeCpu(round.without), wholeCpu(round.with)]
    return without === null || proven === null ? null : proven / (without + round.verificationMicros)
  })
  const withoutMicros = medianKnown(rounds.map(round => wholeCpu(round.without)))
  const micros = median(rounds.map(round => round.verificationMicros))
  const steadyMicros = steady === null ? null : wholeCpu(steady)
  return {
    contender: running.name,
    connections,
    withoutMicros,
    verificationMicros: micros,
    withMicros: medianKnown(rounds.map(round => wholeCpu(round.with))),
    ratio: medianKnown(ratios),
    steadyMicros,
    steadyRatio: steadyMicros === null || withoutMicros === null ? null : steadyMicros / (withoutMicros + micros),
  }
}

function costsTable(costs: readonly ProofCost[]): string {
  return table(
    ['server', 'CPU µs', 'without', 'one verification', 'with a proof', 'ratio', 'steady', 'ratio'],
    costs.map(cost => [
      cost.contender,
      'a refresh',
      known(cost.withoutMicros, 0),
      known(cost.verificationMicros, 0),
      known(cost.withMicros, 0),
      known(cost.ratio, 2),
      known(cost.steadyMicros, 0),
      known(cost.steadyRatio, 2),
    ]),
  )
}
