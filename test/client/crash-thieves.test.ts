import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { seededChance } from '../../packages/client/src/testing/seeded-chance.ts'
import { virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { openPawlGround, type PawlClient } from './pawl-ground.ts'
import { type Loot, type Theft, theft, thiefOf } from './thief-story.ts'
import { grantName, openHolder } from './holder-world.ts'

const runs = 20

interface Plan {
  readonly client: PawlClient
  readonly loot: Loot
  readonly ownersLast?: number
}

/** The same in every run from one seed; the seed is in the name of what failed. */
async function thefts(test: TestContext, { client, loot, ownersLast }: Plan): Promise<ReadonlyMap<string, Theft>> {
  const ground = await openPawlGround(test, client)
  const seed = process.env['PAWL_SEED'] ?? `thief ${client} ${loot}`
  const found = new Map<string, Theft>()
  for (let run = 0; run < runs; run++) {
    const world = await ground.world(virtualClock(ground.nextStartMs()))
    found.set(`${seed}-${run}`, await theft(world, loot, seededChance(`${seed}-${run}`), ownersLast))
  }
  return found
}

describe('a thief', () => {
  it('of a bearer token is out, and with it the owner, as soon as the owner refreshes next', async test => {
    const found = await thefts(test, { client: 'bearer', loot: 'token' })
    assert.deepEqual(
      [...found].filter(([, { isThiefIn }]) => isThiefIn),
      [],
    )
    assert.deepEqual(
      [...found].filter(([, { wasRobbed, isOwnerIn }]) => wasRobbed && isOwnerIn),
      [],
    )
    assert.ok(
      [...found.values()].some(({ wasRobbed }) => wasRobbed),
      'no thief ever came first: nothing was shown',
    )
  })

  for (const client of ['dpop', 'confidential'] as const) {
    it(`of a ${client} token gets nothing, and the owner notices nothing`, async test => {
      const found = await thefts(test, { client, loot: 'token' })
      for (const [seed, { wasRobbed, isOwnerIn, isThiefIn }] of found) {
        assert.deepEqual(
          { wasRobbed, isOwnerIn, isThiefIn },
          { wasRobbed: false, isOwnerIn: true, isThiefIn: false },
          seed,
        )
      }
    })
  }

  it('of the store and its custody key is out as soon as the owner has refreshed three times without it', async test => {
    const found = await thefts(test, { client: 'bearer', loot: 'store', ownersLast: 3 })
    assert.deepEqual(
      [...found].filter(([, { isThiefIn }]) => isThiefIn),
      [],
    )
    assert.ok(
      [...found.values()].some(({ wasRobbed }) => wasRobbed),
      'no thief ever came first: nothing was shown',
    )
  })

  it('of the store and its custody key who moves on twice without the owner is ended by the owner', async test => {
    const ground = await openPawlGround(test, 'bearer')
    const world = await ground.world(virtualClock(ground.nextStartMs()))
    const { clock } = world
    const thief = await thiefOf(world, 'store')
    assert.equal(await clock.run(thief.steal()), 'robbed')
    assert.equal(await clock.run(thief.steal()), 'robbed')
    await assert.rejects(clock.run(openHolder(world).accessToken(grantName)), { name: 'SignInNeeded' })
    assert.equal(await clock.run(thief.isIn()), false)
  })

  it('who has the whole machine, and keeps step with its owner, is not told apart from it', async test => {
    const ground = await openPawlGround(test, 'bearer')
    const world = await ground.world(virtualClock(ground.nextStartMs()))
    const { clock } = world
    const owner = openHolder(world)
    const thief = await thiefOf(world, 'store')
    for (let step = 0; step < 3; step++) {
      assert.equal(await clock.run(thief.steal()), 'robbed')
      await clock.run(owner.accessToken(grantName))
      await clock.advance(world.accessSeconds * 1000)
    }
    assert.equal(await clock.run(thief.isIn()), true, 'the limit that docs/outcomes.md tells of is gone')
  })
})
