/**
 * Three nodes, each with a way of its own to the database, and on these ways whatever chance has in store. What happens,
 * and what each client does, come from the seed and are counted in answers, never in time: `PAWL_SEED=… node --test
 * test/faults/random-faults.test.ts` plays the same again, as far as three processes can.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type FaultProxy, faultProxy } from '../network/fault-proxy.ts'
import { cutAfter } from '../network/faults.ts'
import { type PostgresFaults, postgresFaults } from '../network/postgres-faults.ts'
import { holdersOn, type Nodes, startNodes } from '../nodes/nodes.ts'
import { type Holder, ledger, moveOn, present } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import { type Chance, chanceOf } from '../processes/seeded.ts'

const faultsCount = 120
const holdersPerManner = 4
/** Between two faults, at most. */
const answersBetweenMax = 12
const bytesMax = 600
const statements = [/^UPDATE families AS f SET step_id/, /^COMMIT/, /^BEGIN/, /^SELECT/]
const endings = ['cut', 'reset'] as const

describe('three nodes whose ways to the database fail at random', () => {
  it('give each token one successor, lose none, and take nobody for a thief', async test => {
    const chance = chanceOf(test)
    const { nodes, ways } = await setScene(test)
    const holders = await holdersOn(nodes, holdersPerManner)
    const kept = ledger()
    const fate = chance.branch('fate')
    let inflicted = 0
    let answersLeft = 0
    const onAnswer = (): void => {
      answersLeft -= 1
      if (answersLeft >= 0) return
      answersLeft = fate.below(answersBetweenMax)
      inflicted += 1
      inflict(ways[fate.below(ways.length)]!, fate)
    }
    const live = async (holder: Holder): Promise<void> => {
      const server = { up: () => Promise.resolve(nodes.ground) }
      const outside = { server, ledger: kept, onAnswer, chance: chance.branch(holder.name) }
      while (inflicted < faultsCount && kept.violations.length === 0) await moveOn(holder, outside)
    }
    await Promise.all(holders.map(live))
    assert.deepEqual(kept.violations, [])
    for (const { proxy, failures } of ways) {
      await proxy.accept()
      proxy.heal()
      assert.deepEqual(failures, [])
    }
    for (const holder of holders) await provesServed(nodes, holder)
    const events = await nodes.office.workbench.store.events.latest(eventsMax)
    const alarms = events.filter(({ kind }) => kind === 'token_reused' || kind === 'token_ahead')
    assert.deepEqual(alarms, [])
    const struck = ways.reduce((sum, way) => sum + way.struck, 0)
    assert.ok(struck > 0, 'no statement and no answer was lost, so nothing was shown')
    test.diagnostic(
      `${kept.rotations()} rotations in ${kept.answers()} answers, ${inflicted} faults, ${struck} within a statement`,
    )
  })
})

const eventsMax = 10_000
/** How often somebody asks again who is told to come back later, before the nodes are taken to be lost. */
const attemptsMax = 20_000

interface Way {
  readonly proxy: FaultProxy
  readonly faults: PostgresFaults
  /** While it is refused, the next fault is that it is there again. */
  isRefused: boolean
  /** Statements and answers that were lost; a fault that waits for one may wait in vain. */
  struck: number
  readonly failures: unknown[]
}

async function setScene(test: TestContext): Promise<{ readonly nodes: Nodes; readonly ways: readonly Way[] }> {
  const ways: Way[] = []
  const nodes = await startNodes(test, async (databaseUrl, place) => {
    const url = new URL(databaseUrl)
    const proxy = await faultProxy(test, Number(url.port))
    ways[place] = { proxy, faults: postgresFaults(proxy), isRefused: false, struck: 0, failures: [] }
    url.port = String(proxy.port)
    return url.href
  })
  return { nodes, ways }
}

function inflict(way: Way, fate: Chance): void {
  const { proxy, faults } = way
  const fail = (error: unknown): void => void way.failures.push(error)
  const strike = (): void => {
    way.struck += 1
  }
  if (way.isRefused) {
    way.isRefused = false
    proxy.accept().catch(fail)
    return
  }
  const fault = {
    statement: statements[fate.below(statements.length)]!,
    by: endings[fate.below(endings.length)]!,
    bytesPassed: fate.below(bytesMax),
  }
  switch (fate.below(6)) {
    case 0:
      return proxy.resetAll()
    case 1:
      way.isRefused = true
      proxy.refuse()
      return proxy.resetAll()
    case 2:
      return proxy.faultNext(cutAfter('toClient', fault.bytesPassed))
    case 3:
      if (!faults.isWaiting()) faults.loseStatement(fault).then(strike, fail)
      return
    default:
      if (!faults.isWaiting()) faults.loseAnswer(fault).then(strike, fail)
  }
}

/** Every node, asked until it can know, has the same successor for what the holder was told last. */
async function provesServed(nodes: Nodes, holder: Holder): Promise<void> {
  const successors = new Set<string>()
  for (const node of nodes.all()) {
    const app = appOf(node, holder.registered)
    let answer = await present(holder, app)
    for (let attempt = 0; answer.status === 503 && attempt < attemptsMax; attempt++) answer = await present(holder, app)
    assert.equal(answer.status, 200, `${holder.name} lost what it was told`)
    successors.add(answer.refreshToken)
  }
  assert.equal(successors.size, 1, `${holder.name} has several successors`)
}
