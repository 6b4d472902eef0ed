/**
 * `node bench/families.ts`: does a rotation cost more when there are more families? The same load is put on databases of
 * 1,000 and 100,000 families (`--families 1000,100000,1000000` for more, which takes minutes to seed). The load walks over
 * families spread evenly across the whole table, so that a large table is met as a large table.
 */

import { contendersOf } from './contenders.ts'
import { type DiskFigures, diskFigures, type LapFigures, rideLap, settle, withRunners } from './laps.ts'
import { describeMachine } from './measure/machine.ts'
import { parseOptions } from './options.ts'
import { known, machineLines, mediansOf, publish, table } from './report.ts'

/** More families than this do not take part: their tokens would only fill the memory of the load generator. */
const walkedFamiliesMax = 20_000

interface SizeFigures {
  readonly families: number
  readonly laps: readonly LapFigures[]
  readonly disks: readonly DiskFigures[]
}

const defaults = {
  only: ['limit', 'pawl'],
  connections: [64],
  seconds: 3,
  warmUpSeconds: 1,
  settleSeconds: 6,
  rounds: 3,
  families: [1000, 100_000],
} as const
const quick = {
  connections: [4],
  seconds: 0.2,
  warmUpSeconds: 0.1,
  settleSeconds: 0.2,
  rounds: 1,
  families: [100, 1000],
}
const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const sizes: SizeFigures[] = []
for (const families of options.families) sizes.push(await measure(families))
publish(options, { machine, options, sizes }, [machineLines(machine), sizesTable()])

function measure(families: number): Promise<SizeFigures> {
  const { directory, seconds, warmUpSeconds } = options
  return withRunners(contendersOf(options.only), { directory, families }, async (runners, load) => {
    for (const runner of runners) {
      runner.tokens = spread(runner.tokens)
      await settle(runner, load, options)
    }
    const laps: LapFigures[] = []
    for (const connections of options.connections) {
      for (let round = 1; round <= options.rounds; round++) {
        for (const runner of runners) {
          const lap = await rideLap(runner, load, {
            connections,
            round,
            length: { kind: 'seconds', warmUpSeconds, seconds },
          })
          laps.push(lap)
        }
      }
    }
    return { families, laps, disks: runners.map(diskFigures) }
  })
}

function spread(tokens: readonly string[]): string[] {
  const stride = Math.ceil(tokens.length / walkedFamiliesMax)
  return tokens.filter((_token, at) => at % stride === 0)
}

function sizesTable(): string {
  const rows = sizes.flatMap(({ families, laps, disks }) =>
    mediansOf(laps).map(row => [
      String(families),
      row.contender,
      String(row.connections),
      row.rotationsPerSecond.toFixed(0),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      known(row.serverCpuMicros, 0),
      (disks.find(disk => disk.contender === row.contender)?.bytesPerRotation ?? Number.NaN).toFixed(2),
    ]),
  )
  return table(
    ['families', 'server', 'connections', 'rotations/s', 'p50 ms', 'p99 ms', 'CPU µs', 'bytes per rotation'],
    rows,
  )
}
