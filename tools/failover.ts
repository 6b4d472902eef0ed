/**
 * The failover test at its full length: `npm run test:failover -- [--rounds N] [--database switch|hosts|patroni] [--seed S]`.
 * The nodes find the primary behind one address (`switch`), by trying both servers (`hosts`), or through HAProxy in a
 * cluster that Patroni looks after (`patroni`; docs/failover.md says what must be installed).
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const roundsDefault = 20
const roundsMax = 1000
/** Patroni waits 20 seconds before it takes a leader for lost. */
const roundSecondsMax = 180

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: String(roundsDefault) },
    database: { type: 'string', default: 'switch' },
    seed: { type: 'string' },
  },
})
process.exitCode = await run(Number(values.rounds))

async function run(rounds: number): Promise<number> {
  if (!(Number.isInteger(rounds) && rounds > 0 && rounds <= roundsMax))
    return complain(`--rounds is 1 to ${roundsMax}.`)
  if (!['switch', 'hosts', 'patroni'].includes(values.database)) {
    return complain('--database is switch, hosts or patroni.')
  }
  const file = join(import.meta.dirname, '../test/failover/failover.test.ts')
  const seconds = (rounds + 2) * roundSecondsMax
  const child = spawn(process.execPath, ['--test', `--test-timeout=${seconds * 1000}`, '--test-reporter=spec', file], {
    stdio: 'inherit',
    env: {
      ...process.env,
      PAWL_FAILOVER_ROUNDS: String(rounds),
      PAWL_FAILOVER_DATABASE: values.database,
      ...(values.seed === undefined ? {} : { PAWL_SEED: values.seed }),
    },
  })
  return new Promise(resolve => child.once('close', code => resolve(code ?? 1)))
}

function complain(sentence: string): number {
  console.error(sentence)
  return 2
}
