/**
 * Two servers that both take writes, because nobody fenced the old primary when the standby took its place. To keep that
 * from happening is the operator's part (docs/failover.md); what a node of Pawl has seen, it does not unsee.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Holder, present, signedInHolders } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import { chanceOf } from '../processes/seeded.ts'
import type { Cluster } from '../postgres/cluster.ts'
import { ask } from '../postgres/query.ts'
import { type Fleet, startFleet, startNode } from './fleet.ts'
import { type Finding, type Pair, startPair } from './pair.ts'
import { type Outside, someNode, unlessUnknown, untilTold } from './patience.ts'
import { startRecord } from './record.ts'

const rotationsBetween = 3

describe('an old primary that comes back and takes writes', () => {
  it('RT-03 is not believed by a node that tries both and finds the one that was promoted', async test => {
    const scene = await failedOver(test, 'both addresses')
    await scene.old.start()
    scene.pair.standbyAddress().leadTo(scene.old.port)
    await loseConnections(scene.pair.primary())
    await everybodyMovesOn(scene)
    // A node without any memory of its own finds the same.
    const fresh = await startNode(test, scene.fleet.data, scene.fleet.environment)
    for (const holder of scene.holders) {
      const answer = await present(holder, appOf(fresh, holder.registered))
      assert.equal(answer.status, 200, `${holder.name} was sent to the past`)
      holder.token = answer.refreshToken
    }
    nothingViolated(scene)
  })

  it('RT-03 is not believed by a node that has seen the other, also where it is all that can be reached', async test => {
    const scene = await failedOver(test, 'one address')
    await scene.old.start()
    scene.pair.address().leadTo(scene.old.port)
    const app = (holder: Holder) => appOf(someNode(scene.outside), holder.registered)
    for (const holder of scene.holders) {
      for (const _ of scene.fleet.nodes) {
        const answer = await unlessUnknown(() => present(holder, app(holder)))
        assert.equal(answer, null, `${holder.name} was answered ${answer?.status} from the past`)
      }
    }
    scene.pair.address().leadTo(scene.pair.primary().port)
    await everybodyMovesOn(scene)
    nothingViolated(scene)
  })

  it('RT-03 calls no token bad that it has not heard of, at a node that knows of nothing else', async test => {
    const scene = await failedOver(test, 'one address')
    await scene.old.start()
    scene.pair.address().leadTo(scene.old.port)
    const { fleet, outside, holders } = scene
    const fresh = await startNode(test, fleet.data, fleet.environment)
    const alone = { ...outside, fleet: { ...fleet, nodes: [fresh] } }
    const told = holders.map(holder => unlessUnknown(() => present(holder, appOf(someNode(alone), holder.registered))))
    assert.deepEqual(
      (await Promise.all(told)).map(answer => answer?.status),
      holders.map(() => undefined),
    )
    scene.pair.address().leadTo(scene.pair.primary().port)
    await everybodyMovesOn({ ...scene, outside: alone })
    nothingViolated(scene)
  })
})

interface Scene {
  readonly pair: Pair
  readonly fleet: Fleet
  readonly outside: Outside
  readonly holders: readonly Holder[]
  /** The primary that was killed; it does not run. */
  readonly old: Cluster
}

/** The standby was promoted, has a standby of its own, and everybody has moved on since. */
async function failedOver(test: TestContext, finding: Finding): Promise<Scene> {
  const pair = await startPair(test, finding)
  const fleet = await startFleet(test, pair.url)
  const outside: Outside = { fleet, record: startRecord(), chance: chanceOf(test), isOver: () => false }
  const holders = await signedInHolders(fleet.office, fleet.nodes[0]!, 1)
  const old = pair.primary()
  const scene = { pair, fleet, outside, holders, old }
  await everybodyMovesOn(scene)
  await old.kill()
  await pair.promote()
  await pair.addStandby()
  await everybodyMovesOn(scene)
  return scene
}

async function everybodyMovesOn({ outside, holders, fleet }: Scene): Promise<void> {
  for (const holder of holders) {
    for (let left = rotationsBetween * fleet.nodes.length; left > 0; left--) {
      const app = appOf(someNode(outside), holder.registered)
      const answer = await untilTold(outside, () => present(holder, app))
      assert.equal(answer?.status, 200, `${holder.name} is locked out`)
      holder.token = answer.refreshToken
    }
  }
}

function nothingViolated({ outside }: Scene): void {
  assert.deepEqual(outside.record.violations(), [])
}

/** As when the network fails for a moment: every node must connect again. */
async function loseConnections(server: Cluster): Promise<void> {
  await ask(server.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pawl'")
}
