/** One node after the other is taken out, stopped and started again, and nobody outside can tell. */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type Holder, ledger, type Ledger, present } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import type { Tokens } from '../stage/app.ts'
import type { Ground } from '../stage/browser.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { holdersOn, type Nodes, places, startNodes } from './nodes.ts'

const holdersPerManner = 3
/** So much load has gone over the nodes before, between and after restarts. */
const answersBetween = 150

describe('a rolling restart under load', () => {
  const lifetime = openLifetime()
  let nodes: Nodes
  before(async () => {
    nodes = await startNodes(lifetime)
  })
  after(() => lifetime.end())

  it('OP-03 fails no good request where the balancer drains each node first', async test => {
    const scene = { nodes, holders: await holdersOn(nodes, holdersPerManner), kept: ledger() }
    await underLoad(scene, nodes.ground, refuseFailure, async answered => {
      for (const place of places) {
        await answered(answersBetween)
        const node = nodes.at(place)
        await nodes.front.drain(node.port)
        assert.deepEqual(await node.stop(), { code: 0, signal: null })
        await answered(answersBetween)
        nodes.front.admit((await nodes.startAgain(place)).port)
      }
      await answered(answersBetween)
    })
    provesServed(test, scene)
  })

  it('OP-03 costs clients that keep their connections nothing but a connection', async test => {
    const scene = { nodes, holders: await holdersOn(nodes, holdersPerManner), kept: ledger() }
    const kept: Ground = {
      issuer: nodes.ground.issuer,
      send: (path, init) => fetch(new URL(path, nodes.front.origin), { redirect: 'manual', ...init }),
    }
    let broken = 0
    const countBroken = (): void => {
      broken += 1
    }
    await underLoad(scene, kept, countBroken, async answered => {
      for (const place of places) {
        await answered(answersBetween)
        const node = nodes.at(place)
        const drained = nodes.front.drain(node.port)
        assert.deepEqual(await node.stop(), { code: 0, signal: null })
        await drained
        nodes.front.admit((await nodes.startAgain(place)).port)
      }
      await answered(answersBetween)
    })
    provesServed(test, scene)
    test.diagnostic(`${broken} connections broke`)
  })
})

interface Scene {
  readonly nodes: Nodes
  readonly holders: readonly Holder[]
  readonly kept: Ledger
}

/** Resolves after so many more answers. */
type Answered = (count: number) => Promise<void>

/** Every holder refreshes all the time while `work` goes on. A connection that breaks goes to `onBroken`. */
async function underLoad(
  { holders, kept }: Scene,
  ground: Ground,
  onBroken: (error: unknown) => void,
  work: (answered: Answered) => Promise<void>,
): Promise<void> {
  let isOver = false
  let answers = 0
  let waiting: { readonly at: number; readonly tell: () => void } | null = null
  const live = async (holder: Holder): Promise<void> => {
    const app = appOf(ground, holder.registered)
    while (!isOver) {
      const answer: Tokens | null = await present(holder, app).catch((error: unknown) => {
        onBroken(error)
        return null
      })
      if (answer === null) continue
      assert.equal(answer.status, 200, `${holder.name} was refused: ${JSON.stringify(answer.body)}`)
      kept.acknowledge(holder.token, answer.refreshToken)
      holder.token = answer.refreshToken
      answers += 1
      if (waiting !== null && answers >= waiting.at) waiting.tell()
    }
  }
  const loads = Promise.all(holders.map(live))
  const answered: Answered = count => new Promise(tell => (waiting = { at: answers + count, tell }))
  const working = work(answered).finally(() => {
    isOver = true
  })
  // Whichever fails first fails the test: load that broke off would let the work wait for ever.
  await Promise.race([loads, working])
  await Promise.all([loads, working])
}

function refuseFailure(error: unknown): never {
  throw new Error('a good request failed', { cause: error })
}

function provesServed(test: TestContext, { nodes, kept }: Scene): void {
  assert.deepEqual(kept.violations, [])
  assert.ok(kept.rotations() > answersBetween * places.length)
  for (const [port, connections] of nodes.front.given()) assert.ok(connections > 0, `nobody came to ${port}`)
  test.diagnostic(`${kept.rotations()} rotations`)
}
