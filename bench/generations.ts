/**
 * `node bench/generations.ts`: does a family cost more the longer it lives? One family is refreshed 10,000 times over one
 * connection. The first 500 refreshes are compared with the last 500, and what the store holds after the first refresh
 * with what it holds after the last.
 */

import { contendersOf } from './contenders.ts'
import type { LapFigures } from './figures.ts'
import { rideLap, type Runner, withRunners } from './laps.ts'
import type { Load } from './load/load.ts'
import { bytesInTable } from './measure/disk.ts'
import { databaseBytes } from './measure/growth.ts'
import { describeMachine } from './measure/machine.ts'
import type { ContenderName } from './names.ts'
import { parseOptions } from './options.ts'
import { rowsInTable } from './postgres/figures.ts'
import { known, machineLines, publish, table } from './report.ts'

interface GenerationFigures {
  readonly contender: ContenderName
  readonly refreshes: number
  readonly first: LapFigures
  readonly last: LapFigures
  readonly rowsBefore: number
  readonly rowsAfter: number
  readonly rowBytesBefore: number
  readonly rowBytesAfter: number
  readonly diskBytesBefore: number
  readonly diskBytesAfter: number
}

interface Length {
  readonly refreshes: number
  readonly compared: number
  readonly warmUp: number
}

const full: Length = { refreshes: 10_000, compared: 500, warmUp: 3000 }
const short: Length = { refreshes: 60, compared: 20, warmUp: 20 }
const defaults = {
  only: ['limit', 'pawl', 'limit-pg', 'pawl-pg'],
  connections: [1],
  seconds: 1,
  warmUpSeconds: 1,
  settleSeconds: 1,
  rounds: 1,
  families: [2],
  flushes: ['as-is'],
} as const
const args = process.argv.slice(2)
const options = parseOptions(args, defaults, {})
const length = args.includes('--quick') ? short : full
const machine = describeMachine(options.directory)
await withRunners(
  contendersOf(options.only),
  { directory: options.directory, families: 2 },
  async ({ runners, load }) => {
    const figures: GenerationFigures[] = []
    for (const runner of runners) figures.push(await liveLong(runner, load))
    publish(options, { kind: 'generations', machine, length, figures }, [
      machineLines(machine),
      generationsTable(figures),
    ])
  },
)

/** Another family warms the program up first, so that the first refreshes of the measured one do not pay for that. */
async function liveLong(runner: Runner, load: Load): Promise<GenerationFigures> {
  const [warming = '', measured = ''] = runner.tokens
  runner.tokens = [warming]
  await refresh(runner, load, length.warmUp)
  runner.tokens = [measured]
  await refresh(runner, load, 1)
  const before = await held(runner)
  const first = await refresh(runner, load, length.compared)
  await refresh(runner, load, length.refreshes - 2 * length.compared - 1)
  const last = await refresh(runner, load, length.compared)
  const after = await held(runner)
  return {
    contender: runner.running.name,
    refreshes: length.refreshes,
    first,
    last,
    rowsBefore: before.rows,
    rowsAfter: after.rows,
    rowBytesBefore: before.rowBytes,
    rowBytesAfter: after.rowBytes,
    diskBytesBefore: before.diskBytes,
    diskBytesAfter: after.diskBytes,
  }
}

function refresh(runner: Runner, load: Load, rotations: number): Promise<LapFigures> {
  return rideLap(runner, load, { connections: 1, round: 1, flush: 'as-is', length: { kind: 'rotations', rotations } })
}

interface Held {
  readonly rows: number
  readonly rowBytes: number
  readonly diskBytes: number
}

async function held(runner: Runner): Promise<Held> {
  const { place } = runner.running
  const diskBytes = await databaseBytes(runner)
  const { rows, bytes } =
    place.kind === 'sqlite' ? bytesInTable(place.file, 'families') : await rowsInTable(place.url, 'families')
  return { rows, rowBytes: bytes, diskBytes }
}

function generationsTable(figures: readonly GenerationFigures[]): string {
  return table(
    ['server', 'refreshes', 'p50 ms', 'p99 ms', 'CPU µs', 'rows', 'bytes in rows', 'bytes on disk'],
    figures.flatMap(row => [
      [
        row.contender,
        `first ${length.compared}`,
        row.first.p50Ms.toFixed(3),
        row.first.p99Ms.toFixed(3),
        known(row.first.serverCpuMicros, 0),
        String(row.rowsBefore),
        String(row.rowBytesBefore),
        String(row.diskBytesBefore),
      ],
      [
        row.contender,
        `last ${length.compared} of ${row.refreshes}`,
        row.last.p50Ms.toFixed(3),
        row.last.p99Ms.toFixed(3),
        known(row.last.serverCpuMicros, 0),
        String(row.rowsAfter),
        String(row.rowBytesAfter),
        String(row.diskBytesAfter),
      ],
    ]),
  )
}
