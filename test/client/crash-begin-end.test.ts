/** Signing in anew, signing out and branching, killed at every effect: what was there goes on, or is over, and is never neither. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SignInNeeded } from '@pawl/client'
import { branchGrant } from '../../packages/client/src/sign-in/branch.ts'
import { type CrashMatrixOptions, crashMatrix } from '../../packages/client/src/testing/crash-matrix.ts'
import { type FlakyServer, flakyServer } from '../../packages/client/src/testing/flaky-server.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { comesToItsOwn, grantName, type HolderWorld, openHolder, worldOf } from './holder-world.ts'
import { openPawlGround } from './pawl-ground.ts'

/** A lease of a process that is dead has run out. */
const restartMs = 31_000

interface World extends HolderWorld {
  readonly server: FlakyServer
}

async function newWorld(clock: VirtualClock): Promise<World> {
  const server = flakyServer({ clock, policy: 'reuse-revokes' })
  const place = { issuer: server.issuer, network: server, clientId: 'app', secret: null, accessSeconds: 600 }
  return { ...(await worldOf(clock, place, { tokens: server.signIn() })), server }
}

const untroubled: CrashMatrixOptions<World>['troubles'] = [
  { name: 'nothing else', effect: '', fate: 'happens' },
  { name: 'the save fails after its commit', effect: 'store save', fate: 'fails-after' },
  { name: 'the removal fails after its commit', effect: 'store remove', fate: 'fails-after' },
  { name: 'the revocation is lost', effect: 'fetch revoke', fate: 'fails-after' },
]

describe('a holder that is killed at every effect', () => {
  it('of signing in anew has the old grant or the new one, and it lives', async () => {
    const report = await crashMatrix({
      newWorld,
      act: async ({ server, ...world }, process) => {
        const holder = openHolder(world, process)
        await holder.keep(grantName, { tokens: server.signIn() })
        await holder.close()
      },
      recover: async (world, process) => {
        const before = world.network.refreshes()
        await openHolder(world, process).accessToken(grantName)
        return world.network.refreshes() === before ? 'the new grant' : 'the old grant'
      },
      restartMs,
      troubles: untroubled,
    })
    assert.deepEqual(report.failures, [])
    assert.deepEqual(Object.keys(report.outcomes), ['the new grant', 'the old grant'])
  })

  it('of signing out has a grant that lives, or nothing; and then the server has nothing either', async () => {
    const report = await crashMatrix({
      newWorld,
      act: (world, process) => openHolder(world, process).end(grantName),
      recover: async (world, process) => {
        try {
          return await comesToItsOwn(world, process)
        } catch (error) {
          if (!(error instanceof SignInNeeded)) throw error
          const [family] = world.server.families()
          const wasToldInVain = world.network.requests.some(({ to, status }) => to === 'revoke' && status === null)
          assert.ok(family?.isAlive === false || wasToldInVain, 'signed out here, and alive at the server')
          return `over: ${error.reason}`
        }
      },
      restartMs,
      troubles: untroubled,
    })
    assert.deepEqual(report.failures, [])
    assert.ok('over: absent' in report.outcomes)
  })

  it('of branching still has the grant that it branched from, and the branch can be had again', async test => {
    const ground = await openPawlGround(test, 'branching')
    const branch = async (world: HolderWorld, holder = openHolder(world)): Promise<void> =>
      branchGrant(holder, grantName, { branchName: 'agent', keep: fresh => holder.keep('agent', fresh) })
    const report = await crashMatrix({
      newWorld: ground.world,
      act: (world, process) => branch(world, openHolder(world, process)),
      recover: async (world, process) => {
        const holder = openHolder(world, process)
        if ((await holder.look('agent')) === null) await branch(world, holder)
        await holder.accessToken('agent')
        return comesToItsOwn(world, process)
      },
      restartMs,
      startsAtMs: ground.nextStartMs,
      troubles: [{ name: 'the answer is lost', effect: 'fetch token', fate: 'fails-after' }],
    })
    assert.deepEqual(report.failures, [])
  })
})
