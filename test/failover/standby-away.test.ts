/** A primary that is well and has lost its standby: what it could still write alone is not acknowledged (I2). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Holder, present, signedInHolders } from '../processes/holders.ts'
import { generationIn } from '../processes/inside-token.ts'
import { appOf } from '../processes/registered.ts'
import { chanceOf } from '../processes/seeded.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { type Pair, startPair } from './pair.ts'
import { type Outside, someNode, unlessUnknown, untilTold } from './patience.ts'
import { startRecord } from './record.ts'
import { setStandbyNames, someCommitWaits, standbyNames } from './waiting-commits.ts'

describe('a primary without its standby', () => {
  it('RT-03 acknowledges nothing while the standby is down, and the same tokens go on when it is back', async test => {
    const scene = await setScene(test)
    await scene.pair.standby().kill()
    const asked = everybodyAsks(scene)
    await someCommitWaits(scene.pair)
    assert.deepEqual(await asked, nobodyTold(scene))
    await scene.pair.standby().start()
    await everybodyMovesOn(scene)
  })

  it('RT-03 acknowledges nothing that a manager let go without a standby, nor anything until there is one', async test => {
    const scene = await setScene(test)
    const { pair } = scene
    const names = await standbyNames(pair)
    await pair.standby().kill()
    const asked = everybodyAsks(scene)
    await someCommitWaits(pair)
    // What waits is let go now, and PostgreSQL says to each that it is committed.
    await setStandbyNames(pair, '')
    assert.deepEqual(await asked, nobodyTold(scene))
    assert.deepEqual(await everybodyAsks(scene), nobodyTold(scene))
    await setStandbyNames(pair, names)
    await pair.standby().start()
    await everybodyMovesOn(scene)
  })
})

interface Scene {
  readonly pair: Pair
  readonly fleet: Fleet
  readonly outside: Outside
  readonly holders: readonly Holder[]
}

async function setScene(test: TestContext): Promise<Scene> {
  const pair = await startPair(test, 'one address')
  const fleet = await startFleet(test, pair.url)
  const outside: Outside = { fleet, record: startRecord(), chance: chanceOf(test), isOver: () => false }
  const scene = { pair, fleet, outside, holders: await signedInHolders(fleet.office, fleet.nodes[0]!, 2) }
  await everybodyMovesOn(scene)
  return scene
}

/** For each holder whether it was told anything; a node that cannot say answers 503 with Retry-After, or it is violated. */
async function everybodyAsks(scene: Scene): Promise<readonly boolean[]> {
  const { outside, holders } = scene
  const told = holders.map(async holder => {
    const app = appOf(someNode(outside), holder.registered)
    return (await unlessUnknown(() => present(holder, app))) !== null
  })
  const all = await Promise.all(told)
  assert.deepEqual(outside.record.violations(), [])
  return all
}

function nobodyTold({ holders }: Scene): readonly boolean[] {
  return holders.map(() => false)
}

/** By one generation each, whoever asked for it first; twice, so that the first was the one that counts. */
async function everybodyMovesOn({ outside, holders }: Scene): Promise<void> {
  for (const holder of [...holders, ...holders]) {
    const app = appOf(someNode(outside), holder.registered)
    const answer = await untilTold(outside, () => present(holder, app))
    assert.equal(answer?.status, 200, `${holder.name} is locked out`)
    assert.equal(generationIn(answer.refreshToken), generationIn(holder.token) + 1)
    holder.token = answer.refreshToken
  }
  assert.deepEqual(outside.record.violations(), [])
}
