/**
 * `npm run prove:crashes -- --runs 10000 --thieves 500 --seed any`: the lottery of crashes against Pawl in this process,
 * with the repeat window at 0, a third of the runs for each kind of client (or all for one: `--client dpop`); then thieves
 * of tokens, who must be out once the owner has refreshed. Prints one line for each kind, and every run that went wrong
 * with the seed that plays it again. Exits with 1 when there is one.
 */

import { parseArgs } from 'node:util'
import { crashLottery } from '../packages/client/src/testing/crash-lottery.ts'
import { crashStory } from '../test/client/crash-story.ts'
import { openPawlGround, type PawlClient } from '../test/client/pawl-ground.ts'
import { theft } from '../test/client/thief-story.ts'
import { seededChance } from '../packages/client/src/testing/seeded-chance.ts'
import { virtualClock } from '../packages/client/src/testing/virtual-clock.ts'
import { openLifetime } from '../test/stage/lifetime.ts'

/** A new server after so many runs: rows of finished runs are nobody's business. */
const runsPerServer = 250

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    thieves: { type: 'string', default: '500' },
    client: { type: 'string' },
    seed: { type: 'string', default: 'pawl' },
  },
})
const kinds = (['bearer', 'dpop', 'confidential'] as const).filter(kind => (values.client ?? kind) === kind)
let wrong = 0
for (const kind of kinds) {
  wrong += await killAll(kind, Math.ceil(Number(values.runs) / kinds.length))
  wrong += await robAll(kind, Math.ceil(Number(values.thieves) / kinds.length))
}
process.exitCode = wrong === 0 ? 0 : 1

async function killAll(kind: PawlClient, runs: number): Promise<number> {
  const outcomes = new Map<string, number>()
  let failed = 0
  for (let done = 0; done < runs; done += runsPerServer) {
    const lifetime = openLifetime()
    const ground = await openPawlGround(lifetime, kind)
    const report = await crashLottery({
      ...crashStory(ground.world),
      runs: Math.min(runsPerServer, runs - done),
      seed: `${values.seed}-${kind}-${done}`,
      startsAtMs: ground.nextStartMs,
    })
    for (const [name, count] of Object.entries(report.outcomes)) outcomes.set(name, (outcomes.get(name) ?? 0) + count)
    for (const { way, error } of report.failures) console.log(`${kind}, seed ${way}:`, error)
    failed += report.failures.length
    await lifetime.end()
  }
  const told = [...outcomes].map(([name, count]) => `${name}: ${count}`).join('; ')
  console.log(`${kind}: ${runs} runs, ${failed} signed out or refused; ${told}`)
  return failed
}

async function robAll(kind: PawlClient, runs: number): Promise<number> {
  let [robbed, letThrough] = [0, 0]
  for (let done = 0; done < runs; done += runsPerServer) {
    const lifetime = openLifetime()
    const ground = await openPawlGround(lifetime, kind)
    for (let run = done; run < Math.min(done + runsPerServer, runs); run++) {
      const seed = `${values.seed}-thief-${kind}-${run}`
      const world = await ground.world(virtualClock(ground.nextStartMs()))
      const { wasRobbed, isOwnerIn, isThiefIn } = await theft(world, 'token', seededChance(seed))
      const isWrong = isThiefIn || (wasRobbed && isOwnerIn)
      if (isWrong) console.log(`${kind}, seed ${seed}: a thief was let through`)
      robbed += wasRobbed ? 1 : 0
      letThrough += isWrong ? 1 : 0
    }
    await lifetime.end()
  }
  console.log(`${kind}: ${runs} thieves of tokens, ${robbed} came before the owner, ${letThrough} let through`)
  return letThrough
}
