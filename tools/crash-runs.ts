/**
 * `npm run prove:crashes -- --runs 10000 --seed any`: the lottery of crashes against Pawl in this process, with the repeat
 * window at 0, a third of the runs for each kind of client. Prints one line for each kind, and every run that lost a
 * token with the seed that plays it again. Exits with 1 when there is one.
 */

import { parseArgs } from 'node:util'
import { crashLottery } from '../packages/client/src/testing/crash-lottery.ts'
import { crashStory } from '../test/client/crash-story.ts'
import { openPawlGround, type PawlClient, pawlClients } from '../test/client/pawl-ground.ts'
import { openLifetime } from '../test/stage/lifetime.ts'

/** A new server after so many runs: rows of finished runs are nobody's business. */
const runsPerServer = 250

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string', default: 'pawl' } },
})
const kinds = Object.keys(pawlClients) as PawlClient[]
let lost = 0
for (const kind of kinds) lost += await runAll(kind, Math.ceil(Number(values.runs) / kinds.length))
process.exitCode = lost === 0 ? 0 : 1

async function runAll(kind: PawlClient, runs: number): Promise<number> {
  const outcomes = new Map<string, number>()
  let failed = 0
  for (let done = 0; done < runs; done += runsPerServer) {
    const lifetime = openLifetime()
    const ground = await openPawlGround(lifetime, kind)
    const seed = `${values.seed}-${kind}-${done}`
    const report = await crashLottery({
      ...crashStory(ground.world),
      runs: Math.min(runsPerServer, runs - done),
      seed,
      startsAtMs: ground.nextStartMs,
    })
    for (const [name, count] of Object.entries(report.outcomes)) outcomes.set(name, (outcomes.get(name) ?? 0) + count)
    for (const { way, error } of report.failures) console.log(`${kind}, seed ${way}:`, error)
    failed += report.failures.length
    await lifetime.end()
  }
  const told = [...outcomes].map(([name, count]) => `${name}: ${count}`).join('; ')
  console.log(`${kind}: ${runs} runs, ${failed} signed out; ${told}`)
  return failed
}
