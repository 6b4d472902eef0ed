/**
 * `node bench/refresh.ts`: durable refresh-token rotations per second of Pawl, beside the bare limit of the machine and
 * beside other authorization servers, in one run. All servers are up the whole time and are loaded in turn (A B C A B C …),
 * so that what else the machine does weighs on all of them; ratios are taken within a round. See `README.md`.
 */

import { contendersOf } from './contenders.ts'
import type { LapFigures } from './figures.ts'
import { type Paddock, rideLap, settle, withRunners } from './laps.ts'
import { databaseBytes, type DiskFigures, growth } from './measure/growth.ts'
import { describeMachine } from './measure/machine.ts'
import { mediansOf, type Ratio, ratiosOf } from './medians.ts'
import { type ContenderName, sqliteNames } from './names.ts'
import { type Options, parseOptions } from './options.ts'
import { installPeers } from './peers/contender.ts'
import { clusterSettings } from './postgres/cluster.ts'
import { diskTable, machineLines, mediansTable, publish, ratiosTable } from './report.ts'

const defaults = {
  only: sqliteNames,
  connections: [1, 16, 64, 256],
  seconds: 2,
  warmUpSeconds: 0.3,
  settleSeconds: 15,
  rounds: 3,
  families: [256],
  flushes: ['as-is', 'slowed'],
} as const
const quick = { connections: [1, 16], seconds: 0.3, warmUpSeconds: 0.1, settleSeconds: 0.3, rounds: 1, families: [16] }

const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const families = Math.max(...options.families, ...options.connections)
installPeers(options.only)
await withRunners(contendersOf(options.only), { directory: options.directory, families }, async paddock => {
  const bytesBefore = await Promise.all(paddock.runners.map(databaseBytes))
  const laps = await rideAll(options, paddock)
  const disks: DiskFigures[] = []
  for (const [at, runner] of paddock.runners.entries()) disks.push(await growth(runner, bytesBefore[at] ?? 0))
  const medians = mediansOf(laps)
  const ratios = allRatios(laps, options.only)
  const postgres = paddock.cluster === null ? null : { version: paddock.cluster.version, settings: clusterSettings }
  const slowFlush = paddock.slowFlush.kind === 'ready' ? null : paddock.slowFlush.reason
  const figures = { kind: 'refresh', machine, options, postgres, slowedNotRunBecause: slowFlush }
  const notes = slowFlush === null ? [] : [`The half with slowed flushes was not run: ${slowFlush}.\n`]
  publish(options, { ...figures, medians, ratios, disks, laps }, [
    machineLines(machine),
    ...notes,
    mediansTable(medians),
    ratiosTable(ratios.filter(ratio => ratio.contender.startsWith('pawl'))),
    diskTable(disks),
  ])
})

async function rideAll(run: Options, { runners, load, slowFlush }: Paddock): Promise<LapFigures[]> {
  const length = { kind: 'seconds', warmUpSeconds: run.warmUpSeconds, seconds: run.seconds } as const
  const flushes = run.flushes.filter(flush => flush === 'as-is' || slowFlush.kind === 'ready')
  for (const runner of runners) {
    await settle(runner, load, { seconds: run.settleSeconds, connections: Math.max(...run.connections) })
  }
  const laps: LapFigures[] = []
  for (const connections of run.connections) {
    for (const flush of flushes) {
      for (let round = 1; round <= run.rounds; round++) {
        for (const runner of runners) {
          const lap = await rideLap(runner, load, { connections, round, length, flush })
          const rate = lap.rotationsPerSecond.toFixed(0)
          process.stderr.write(
            `${connections} connections, flushes ${flush}, round ${round}, ${lap.contender}: ${rate}/s\n`,
          )
          laps.push(lap)
        }
      }
    }
  }
  return laps
}

/** Of Pawl and of the limit to everything on the same store. */
function allRatios(laps: readonly LapFigures[], names: readonly ContenderName[]): Ratio[] {
  const measured = names.filter(name => /^(?:pawl|limit)/.test(name))
  return measured.flatMap(name => names.filter(other => other !== name).flatMap(other => ratiosOf(laps, name, other)))
}
