/**
 * `node bench/start.ts`: how long each server takes from its start to the line that says it is ready, and how much memory
 * it holds when nobody has asked anything, and after a load. Servers start one at a time, each several times, in turn.
 */

import { setTimeout as after } from 'node:timers/promises'
import { contendersOf } from './contenders.ts'
import { type Paddock, restart, rideLap, withRunners } from './laps.ts'
import { describeMachine } from './measure/machine.ts'
import { readUsage } from './measure/process-usage.ts'
import { median, medianKnown } from './measure/statistics.ts'
import { type ContenderName, contenderNames } from './names.ts'
import { parseOptions } from './options.ts'
import { installPeers } from './peers/contender.ts'
import { known, machineLines, publish, table } from './report.ts'

/** After its ready line a server may still be loading what nobody waits for. */
const idleSeconds = 1

interface StartFigures {
  readonly contender: ContenderName
  readonly starts: number
  readonly readyMs: number
  readonly idleBytes: number | null
  readonly loadedBytes: number | null
}

const defaults = {
  only: contenderNames,
  connections: [64],
  seconds: 5,
  warmUpSeconds: 0.1,
  settleSeconds: 1,
  rounds: 5,
  families: [64],
  flushes: ['as-is'],
} as const
const quick = { connections: [4], seconds: 0.3, rounds: 1, families: [16] }
const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const families = Math.max(...options.families, ...options.connections)
installPeers(options.only)
await withRunners(contendersOf(options.only), { directory: options.directory, families }, async paddock => {
  const figures = await measure(paddock)
  publish(options, { kind: 'start', machine, options, figures }, [
    machineLines(machine),
    table(
      ['server', 'starts', 'ready ms', 'idle MiB', 'loaded MiB'],
      figures.map(row => [
        row.contender,
        String(row.starts),
        row.readyMs.toFixed(0),
        known(mebibytes(row.idleBytes), 0),
        known(mebibytes(row.loadedBytes), 0),
      ]),
    ),
  ])
})

async function measure({ runners, load }: Paddock): Promise<StartFigures[]> {
  const starts = new Map(runners.map(runner => [runner, { readyMs: [] as number[], idle: [] as (number | null)[] }]))
  for (let round = 1; round <= options.rounds; round++) {
    for (const [runner, seen] of starts) {
      await restart(runner, 'stop')
      seen.readyMs.push(runner.running.readyMs)
      await after(idleSeconds * 1000)
      seen.idle.push(readUsage(runner.running.pid)?.residentBytes ?? null)
    }
  }
  const figures: StartFigures[] = []
  const length = { kind: 'seconds', warmUpSeconds: options.warmUpSeconds, seconds: options.seconds } as const
  for (const [runner, seen] of starts) {
    const connections = Math.max(...options.connections)
    const lap = await rideLap(runner, load, { connections, round: 1, length, flush: 'as-is' })
    figures.push({
      contender: runner.running.name,
      starts: seen.readyMs.length,
      readyMs: median(seen.readyMs),
      idleBytes: medianKnown(seen.idle),
      loadedBytes: lap.serverResidentBytes,
    })
  }
  return figures
}

function mebibytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 2 ** 20
}
