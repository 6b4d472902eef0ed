/**
 * `npm run bench -- --prove`: proves of every contender, the peers included, that what is measured is a durable rotation
 * (`prove.ts`). Prints one line for each and fails at the first that is not one.
 */

import assert from 'node:assert/strict'
import { contendersOf } from './contenders.ts'
import { restart, type Runner, withRunners } from './laps.ts'
import { contenderNames } from './names.ts'
import { parseOptions } from './options.ts'
import { installPeers } from './peers/contender.ts'
import { proveKept, proveRotation, refresh } from './prove.ts'

const defaults = {
  only: contenderNames,
  connections: [1],
  seconds: 1,
  warmUpSeconds: 1,
  settleSeconds: 1,
  rounds: 1,
  families: [2],
  flushes: ['as-is'],
} as const

const options = parseOptions(process.argv.slice(2), defaults, {})
installPeers(options.only)
await withRunners(contendersOf(options.only), { directory: options.directory, families: 2 }, async ({ runners }) => {
  for (const runner of runners) {
    const flushes = await prove(runner)
    console.log(`${runner.running.name}: rotates, verifies, survives SIGKILL; ${flushes}`)
  }
})

async function prove(runner: Runner): Promise<string> {
  const [first = '', second = ''] = runner.running.tokens
  const proof = await proveRotation(runner.running, first)
  const before = runner.gauge?.flushes() ?? 0
  const answer = await refresh(runner.running, second)
  assert.equal(answer.status, 200)
  const flushes = (runner.gauge?.flushes() ?? 0) - before
  if (runner.gauge !== null) assert.ok(flushes > 0, `${runner.running.name} answered without a flush`)
  await restart(runner, 'kill')
  await proveKept(runner.running, proof)
  return runner.gauge === null ? 'flushes cannot be counted here' : `${flushes} flushes for one rotation`
}
