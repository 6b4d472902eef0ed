/**
 * `node bench/families.ts`: does a rotation cost more when there are more families? The same load is put on databases of
 * 1,000 and 100,000 families (`--families 1000,100000,1000000,10000000` for more, which takes minutes and gigabytes). The
 * load walks over families spread evenly across the whole table, so that a large table is met as one.
 */

import { contendersOf } from './contenders.ts'
import type { LapFigures } from './figures.ts'
import { type Runner, rideLap, settle, withRunners } from './laps.ts'
import { databaseBytes, type DiskFigures, growth } from './measure/growth.ts'
import { describeMachine } from './measure/machine.ts'
import { mediansOf, wholeCpu } from './medians.ts'
import { parseOptions } from './options.ts'
import { known, machineLines, publish, table } from './report.ts'

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
  settleSeconds: 15,
  rounds: 3,
  families: [1000, 100_000],
  flushes: ['as-is'],
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
publish(options, { kind: 'families', machine, options, sizes }, [machineLines(machine), sizesTable()])

function measure(families: number): Promise<SizeFigures> {
  const { directory } = options
  const walked = Math.min(families, options.walked)
  const startedAtMs = performance.now()
  const track = { directory, families: walked, idle: families - walked }
  return withRunners(contendersOf(options.only), track, async ({ runners, load }) => {
    const seedSeconds = (performance.now() - startedAtMs) / 1000
    process.stderr.write(`${families} families written in ${seedSeconds.toFixed(0)} s\n`)
    const bytesBefore = await bytesOf(runners)
    for (const runner of runners) {
      await settle(runner, load, { seconds: options.settleSeconds, connections: Math.max(...options.connections) })
    }
    const laps: LapFigures[] = []
    for (const connections of options.connections) {
      for (const flush of options.flushes) {
        for (let round = 1; round <= options.rounds; round++) {
          for (const runner of runners) {
            const { seconds, warmUpSeconds } = options
            const length = { kind: 'seconds', warmUpSeconds, seconds } as const
            laps.push(await rideLap(runner, load, { connections, round, flush, length }))
          }
        }
      }
    }
    const disks: DiskFigures[] = []
    for (const [at, runner] of runners.entries()) disks.push(await growth(runner, bytesBefore[at] ?? 0))
    return { families, laps, disks }
  })
}

function bytesOf(runners: readonly Runner[]): Promise<number[]> {
  return Promise.all(runners.map(databaseBytes))
}

function sizesTable(): string {
  const rows = sizes.flatMap(({ families, laps, disks }) =>
    mediansOf(laps).map(row => {
      const disk = disks.find(one => one.contender === row.contender)
      return [
        String(families),
        row.contender,
        String(row.connections),
        row.rotationsPerSecond.toFixed(0),
        row.p50Ms.toFixed(2),
        row.p99Ms.toFixed(2),
        known(wholeCpu(row), 0),
        ((disk?.bytesBefore ?? Number.NaN) / 2 ** 20).toFixed(0),
        (disk?.bytesPerRotation ?? Number.NaN).toFixed(2),
      ]
    }),
  )
  return table(
    ['families', 'server', 'connections', 'rotations/s', 'p50 ms', 'p99 ms', 'CPU µs', 'MiB', 'bytes per rotation'],
    rows,
  )
}
