/**
 * `node bench/profile.ts --only pawl,limit`: where the processor time of a server goes. Each is loaded under Node's own
 * sampling profiler and its samples are added up by function; a share of a rotation's time stands for each. The profiler
 * costs something itself: these are shares, the time of a rotation is measured elsewhere.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contendersOf } from './contenders.ts'
import { rideLap, type Runner, withRunners } from './laps.ts'
import { describeMachine } from './measure/machine.ts'
import type { ContenderName } from './names.ts'
import { parseOptions } from './options.ts'
import { installPeers } from './peers/contender.ts'
import { machineLines, publish, table } from './report.ts'

interface Share {
  readonly contender: ContenderName
  readonly where: string
  readonly share: number
}

/** As `--cpu-prof` writes it. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const shownFunctions = 30
const notWork = new Set(['(idle)', '(program)', '(root)'])

const defaults = {
  only: ['limit', 'pawl'],
  connections: [64],
  seconds: 5,
  warmUpSeconds: 15,
  settleSeconds: 1,
  rounds: 1,
  families: [256],
  flushes: ['as-is'],
} as const
const options = parseOptions(process.argv.slice(2), defaults, { seconds: 0.5, warmUpSeconds: 0.2, connections: [4] })
const machine = describeMachine(options.directory)
const families = Math.max(...options.families, ...options.connections)
installPeers(options.only)
await withRunners(contendersOf(options.only), { directory: options.directory, families }, async ({ runners, load }) => {
  const shares: Share[] = []
  for (const runner of runners) {
    const profiles = await profiled(runner, async () => {
      const { seconds, warmUpSeconds } = options
      const length = { kind: 'seconds', warmUpSeconds, seconds } as const
      await rideLap(runner, load, { connections: Math.max(...options.connections), round: 1, length, flush: 'as-is' })
    })
    shares.push(...sharesOf(runner.running.name, profiles))
  }
  publish(options, { kind: 'profile', machine, options, shares }, [
    machineLines(machine),
    table(
      ['server', 'where', '% of its CPU'],
      shares.map(({ contender, where, share }) => [contender, where, (share * 100).toFixed(1)]),
    ),
  ])
})

/** Starts the server again under the profiler, does the work, and starts it once more without. */
async function profiled(runner: Runner, work: () => Promise<void>): Promise<readonly Profile[]> {
  const directory = join(runner.directory, 'profiles')
  mkdirSync(directory)
  const kept = process.env['NODE_OPTIONS']
  await runner.running.stop()
  process.env['NODE_OPTIONS'] = `${kept ?? ''} --cpu-prof --cpu-prof-dir=${directory}`
  runner.running = { ...runner.running, ...(await runner.running.launch()) }
  if (kept === undefined) delete process.env['NODE_OPTIONS']
  else process.env['NODE_OPTIONS'] = kept
  await work()
  await runner.running.stop()
  runner.running = { ...runner.running, ...(await runner.running.launch()) }
  return readdirSync(directory).map(file => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile)
}

function sharesOf(contender: ContenderName, profiles: readonly Profile[]): Share[] {
  const micros = new Map<string, number>()
  let all = 0
  for (const { nodes, samples, timeDeltas } of profiles) {
    const frames = new Map(nodes.map(node => [node.id, node.callFrame]))
    for (const [at, id] of samples.entries()) {
      const frame = frames.get(id)
      if (frame === undefined || notWork.has(frame.functionName)) continue
      const where = `${frame.functionName || '(anonymous)'} ${frame.url.split('/').slice(-2).join('/')}`.trim()
      const spent = timeDeltas[at] ?? 0
      micros.set(where, (micros.get(where) ?? 0) + spent)
      all += spent
    }
  }
  return [...micros]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, shownFunctions)
    .map(([where, spent]) => ({ contender, where, share: spent / all }))
}
