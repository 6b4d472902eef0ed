/**
 * `npm run bench`: durable refresh-token rotations per second of Pawl, beside the bare limit of the machine and beside
 * `oidc-provider`, in one run. All servers are up the whole time and are loaded in turn (A B C A B C …), so that what
 * else the machine does weighs on all of them; ratios are taken within a round. See `README.md`.
 */

import { contenderNames } from './contender.ts'
import { contendersOf } from './contenders.ts'
import { diskFigures, type LapFigures, rideLap, type Runner, settle, withRunners } from './laps.ts'
import type { Load } from './load/load.ts'
import { describeMachine } from './measure/machine.ts'
import { type Options, parseOptions } from './options.ts'
import { diskTable, machineLines, mediansOf, mediansTable, publish, ratiosOf, ratiosTable } from './report.ts'

const defaults = {
  only: contenderNames,
  connections: [1, 16, 64, 256],
  seconds: 3,
  warmUpSeconds: 0.5,
  settleSeconds: 6,
  rounds: 3,
  families: [256],
}
const quick = { connections: [1, 16], seconds: 0.3, warmUpSeconds: 0.1, settleSeconds: 0.3, rounds: 1, families: [16] }

const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const families = Math.max(...options.families, ...options.connections)
await withRunners(contendersOf(options.only), { directory: options.directory, families }, async (runners, load) => {
  const laps = await rideAll(options, runners, load)
  const medians = mediansOf(laps)
  const ratios = [
    ...ratiosOf(laps, 'pawl', 'limit'),
    ...ratiosOf(laps, 'pawl', 'oidc-provider'),
    ...ratiosOf(laps, 'pawl', 'oidc-provider-plain'),
    ...ratiosOf(laps, 'limit', 'oidc-provider'),
  ]
  const disks = runners.map(diskFigures)
  publish(options, { machine, options, medians, ratios, disks, laps }, [
    machineLines(machine),
    mediansTable(medians),
    ratiosTable(ratios),
    diskTable(disks),
  ])
})

async function rideAll(run: Options, runners: readonly Runner[], load: Load): Promise<LapFigures[]> {
  const length = { kind: 'seconds', warmUpSeconds: run.warmUpSeconds, seconds: run.seconds } as const
  for (const runner of runners) await settle(runner, load, run)
  const laps: LapFigures[] = []
  for (const connections of run.connections) {
    for (let round = 1; round <= run.rounds; round++) {
      for (const runner of runners) {
        const lap = await rideLap(runner, load, { connections, round, length })
        const rate = lap.rotationsPerSecond.toFixed(0)
        process.stderr.write(`${connections} connections, round ${round}, ${lap.contender}: ${rate}/s\n`)
        laps.push(lap)
      }
    }
  }
  return laps
}
