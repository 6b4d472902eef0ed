/** Many who want the same at once, and a laptop that sleeps, against Pawl with its repeat window at 0. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { slowAnswerMs } from '../../packages/client/src/testing/flaky-network.ts'
import { type Effect, mortalProcess, slowMs } from '../../packages/client/src/testing/mortal-process.ts'
import { virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { grantName, type HolderWorld, openHolder } from './holder-world.ts'
import { openPawlGround, type PawlClient } from './pawl-ground.ts'

const clients = ['bearer', 'dpop', 'confidential'] as const satisfies readonly PawlClient[]
const nightMs = 8 * 3_600_000
const holdersAtOnce = 8
const callersEach = 6
const expiries = 5

async function openWorld(test: TestContext, client: PawlClient): Promise<HolderWorld> {
  const ground = await openPawlGround(test, client)
  return ground.world(virtualClock(ground.nextStartMs()))
}

for (const client of clients) {
  describe(`a ${client} grant at Pawl`, () => {
    it('is refreshed once for each expiry, by eight holders of one store with six callers each', async test => {
      const world = await openWorld(test, client)
      const { clock, network } = world
      const holders = Array.from({ length: holdersAtOnce }, () => openHolder(world))
      for (let expiry = 1; expiry <= expiries; expiry++) {
        const asked = holders.flatMap(holder =>
          Array.from({ length: callersEach }, () => holder.accessToken(grantName)),
        )
        const tokens = new Set((await clock.run(Promise.all(asked))).map(({ token }) => token))
        assert.equal(tokens.size, 1)
        assert.equal(network.refreshes(), expiry)
        await clock.advance(world.accessSeconds * 1000)
      }
    })

    it('is refreshed once when all of them are told at once that an API refused the token', async test => {
      const world = await openWorld(test, client)
      const { clock, network } = world
      const holders = Array.from({ length: holdersAtOnce }, () => openHolder(world))
      const [first] = holders
      const refused = await clock.run(first?.accessToken(grantName) ?? Promise.reject(new RangeError('no holder')))
      const before = network.refreshes()
      const asked = holders.flatMap(holder =>
        Array.from({ length: callersEach }, () => holder.accessToken(grantName, { ifNot: refused.token })),
      )
      const tokens = new Set((await clock.run(Promise.all(asked))).map(({ token }) => token))
      assert.equal(tokens.size, 1)
      assert.ok(!tokens.has(refused.token))
      assert.equal(network.refreshes() - before, 1)
    })

    it('is renewed once ahead of its expiry, while all of them are served what lives', async test => {
      const world = await openWorld(test, client)
      const { clock, network } = world
      const holders = Array.from({ length: holdersAtOnce }, () => openHolder(world))
      const first = await clock.run(Promise.all(holders.map(holder => holder.accessToken(grantName))))
      const before = network.refreshes()
      await clock.advance(world.accessSeconds * 900)
      const served = await clock.run(Promise.all(holders.map(holder => holder.accessToken(grantName))))
      assert.deepEqual(
        served.map(({ token }, at) => token === first[at]?.token),
        holders.map(() => true),
      )
      await clock.run(Promise.all(holders.map(holder => holder.close())))
      assert.equal(network.refreshes() - before, 1)
      const renewed = await clock.run(openHolder(world).accessToken(grantName))
      assert.ok(renewed.token !== first[0]?.token)
      assert.equal(network.refreshes() - before, 1)
    })

    it('needs one request after a night asleep, and nobody to sign in', async test => {
      const world = await openWorld(test, client)
      const { clock, network } = world
      const holder = openHolder(world)
      await clock.run(holder.accessToken(grantName))
      const before = network.refreshes()
      clock.sleep(nightMs)
      await clock.run(holder.accessToken(grantName))
      assert.equal(network.refreshes() - before, 1)
    })

    for (const fault of ['slow', 'hang', 'lose-response', '503'] as const) {
      it(`survives a night that begins in the middle of a refresh whose answer meets: ${fault}`, async test => {
        const world = await openWorld(test, client)
        const { clock, network } = world
        const holder = openHolder(world)
        network.fault(fault)
        const asked = holder.accessToken(grantName)
        const settled = Promise.allSettled([asked])
        await clock.settle()
        await clock.advance(slowAnswerMs / 100)
        clock.sleep(nightMs)
        await clock.run(settled)
        await clock.advance(60_000)
        const token = await clock.run(holder.accessToken(grantName))
        assert.ok(token.expiresAtMs > clock.nowMs(), 'a token that is over was handed out')
        assert.deepEqual(endsOf(world), [])
      })
    }
  })
}

describe('a proof that was made before a night asleep, and sent after it', () => {
  it('is made anew, and the caller notices nothing', async test => {
    const world = await openWorld(test, 'dpop')
    const { clock, network } = world
    const isSlow = (effect: Effect): boolean => effect.name === 'fetch token' && network.refreshes() === 0
    const process = mortalProcess(clock, effect => (isSlow(effect) ? 'slow-before' : 'happens'))
    const asked = openHolder(world, process).accessToken(grantName)
    await clock.advance(slowMs / 2)
    clock.sleep(nightMs)
    const token = await clock.run(asked)
    assert.ok(token.expiresAtMs > clock.nowMs())
    assert.equal(network.refreshes(), 2)
  })
})

function endsOf(world: HolderWorld): readonly unknown[] {
  return world.events.filter(event => event.kind === 'refresh' && event.outcome.startsWith('ended'))
}
