/** What a holder of refresh tokens must bear, at Pawl and at servers that know nothing of retry keys. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { FlakyPolicyName } from '../../packages/client/src/testing/flaky-policy.ts'
import { flakyServer } from '../../packages/client/src/testing/flaky-server.ts'
import { mortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import { virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import { grantName, type HolderWorld, openHolder, worldOf } from '../client/holder-world.ts'
import { openPawlGround, type PawlClient } from '../client/pawl-ground.ts'

const accessSeconds = 600

async function openFlaky(policy: FlakyPolicyName): Promise<HolderWorld> {
  const clock = virtualClock()
  const network = flakyServer({ clock, policy })
  const { issuer } = network
  return worldOf(clock, { issuer, network, clientId: 'app', secret: null, accessSeconds }, { tokens: network.signIn() })
}

async function openPawl(test: TestContext, client: PawlClient = 'bearer') {
  const ground = await openPawlGround(test, client)
  return { ...ground, world: await ground.world(virtualClock(ground.nextStartMs())) }
}

async function outcomeOf({ clock }: HolderWorld, work: Promise<unknown>): Promise<string> {
  return clock.run(work).then(
    () => 'kept',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  )
}

describe('a holder that gets no answer', () => {
  for (const fault of ['lose-response', 'lose-request', '503', 'hang'] as const) {
    it(`BF-05 sends the same token again after ${fault}, and stays signed in`, async test => {
      const { world } = await openPawl(test)
      world.network.fault(fault)
      assert.equal(await outcomeOf(world, openHolder(world).accessToken(grantName)), 'kept')
      assert.equal(world.network.refreshes(), 2)
      const graceful = await openFlaky('grace')
      graceful.network.fault(fault)
      assert.equal(await outcomeOf(graceful, openHolder(graceful).accessToken(grantName)), 'kept')
      assert.equal(graceful.network.refreshes(), 2)
    })
  }

  it('BF-05 asks a person to sign in once a server without grace has lost its answer, and no sooner', async () => {
    const world = await openFlaky('reuse-revokes')
    world.network.fault('lose-response')
    assert.equal(await outcomeOf(world, openHolder(world).accessToken(grantName)), 'SignInNeeded')
    assert.equal(world.network.refreshes(), 2)
  })
})

describe('a holder whose grant the server refuses', () => {
  it('BF-06 ends it with one request, and asks no more', async test => {
    const { world, stage } = await openPawl(test)
    const user = (await openHolder(world).look(grantName))?.subject ?? ''
    await carryOut(stage.workbench, await planRevocation(stage.workbench, { user }))
    for (const _ of [1, 2, 3]) {
      assert.equal(await outcomeOf(world, openHolder(world).accessToken(grantName)), 'SignInNeeded')
    }
    assert.equal(world.network.refreshes(), 1)
  })
})

describe('a holder that is killed', () => {
  for (const client of ['bearer', 'dpop', 'confidential'] as const) {
    it(`BF-07 between the answer and the save loses nothing (${client})`, async test => {
      const { world } = await openPawl(test, client)
      const victim = mortalProcess(world.clock, ({ name }) => (name === 'store save' ? 'dies-before' : 'happens'))
      const lost = openHolder(world, victim).accessToken(grantName)
      await world.clock.run(victim.killed)
      assert.equal(await outcomeOf(world, openHolder(world).accessToken(grantName)), 'kept')
      assert.equal(world.network.refreshes(), 2)
      assert.ok(lost instanceof Promise)
    })
  }

  it('BF-07 shows no token that is not stored', async test => {
    const { world } = await openPawl(test)
    const order: string[] = []
    const watched = mortalProcess(world.clock, ({ name }) => {
      order.push(name)
      return 'happens'
    })
    await world.clock.run(
      openHolder(world, watched)
        .accessToken(grantName)
        .then(() => order.push('shown')),
    )
    assert.ok(order.indexOf('store save') > order.indexOf('fetch token'))
    assert.ok(order.indexOf('shown') > order.indexOf('store save'))
  })
})
