/** Branching a kept grant with `@pawl/client`, against a whole server, with crashes and lost answers at every step. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { RefreshPostponed, RefreshRefused } from '../../packages/client/src/holder/failures.ts'
import { holdGrants } from '../../packages/client/src/holder/hold-grants.ts'
import type { FreshGrant, Holder } from '../../packages/client/src/holder/holder.ts'
import { branchGrant } from '../../packages/client/src/sign-in/branch.ts'
import { memoryStore } from '../../packages/client/src/stores/memory.ts'
import { familyIdOf, phone, rowOf } from '../stage/scene.ts'
import { openSignIn, type SignInGround, signInWith } from './sign-in-ground.ts'

interface BranchGround extends SignInGround {
  readonly holder: Holder
  readonly branch: (branchName: string, to?: Holder, named?: string) => Promise<void>
}

async function opened(test: TestContext, { useDpop = false, exchange = 'branching' } = {}): Promise<BranchGround> {
  const ground = await openSignIn(test, { client: { ...phone, exchange } })
  const holder = holdGrants(ground.custody)
  await holder.keep('ada', await signInWith(ground, { useDpop }))
  const branch = (branchName: string, to = holder, named = branchName) =>
    ground.run(branchGrant(holder, 'ada', { branchName, keep: fresh => to.keep(named, fresh) }))
  return { ...ground, holder, branch }
}

async function families({ stage }: SignInGround) {
  return (await stage.pawl.store.families.list({}, 20)).map(({ family }) => family)
}

async function goesOn({ run, network }: SignInGround, holder: Holder, ...grants: readonly string[]): Promise<void> {
  network.heal()
  for (const grant of grants) for (let times = 0; times < 2; times++) await run(holder.refresh(grant))
}

describe('a branch', () => {
  it('is a grant of its own, with the person and the scope of the first, and both go on', async test => {
    const ground = await opened(test)
    const { holder, run } = ground
    await ground.branch('agent 1')
    const [parent, view] = [await holder.look('ada'), await holder.look('agent 1')]
    assert.deepEqual(
      [view?.subject, view?.sessionId, view?.scope, view?.generation, parent?.generation],
      [parent?.subject, parent?.sessionId, parent?.scope, 1, 2],
    )
    assert.equal(view?.absoluteExpiresAtMs, parent?.absoluteExpiresAtMs)
    const token = await run(holder.accessToken('agent 1'))
    assert.equal((await ground.app.userinfo(token.token)).status, 200)
    await goesOn(ground, holder, 'ada', 'agent 1')
    assert.deepEqual(
      new Set((await families(ground)).map(({ branch }) => branch?.name)),
      new Set(['agent 1', undefined]),
    )
  })

  it('is kept by another holder, with another store and another custody key', async test => {
    const ground = await opened(test)
    const key = await ground.custody.custodyKey.retryKeyFor('another')
    const elsewhere = holdGrants({
      ...ground.custody,
      store: memoryStore(ground.clock),
      custodyKey: { ...ground.custody.custodyKey, retryKeyFor: async of => (key + of).slice(-43) },
    })
    await ground.branch('agent 1', elsewhere, 'mine')
    await goesOn(ground, elsewhere, 'mine')
    await goesOn(ground, ground.holder, 'ada')
  })

  it('of a bound grant is bound to the same key, or to one of its own', async test => {
    const ground = await opened(test, { useDpop: true })
    const { holder, run, stage } = ground
    await ground.branch('same key')
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const thumbprint = await thumbprintOf(pair)
    const kept: FreshGrant[] = []
    const keep = async (fresh: FreshGrant) => {
      kept.push(fresh)
      await holder.keep('own key', fresh)
    }
    await run(branchGrant(holder, 'ada', { branchName: 'own key', keep, dpopKey: { pair, thumbprint } }))
    const own = await rowOf(stage, familyIdOf(stage, kept[0]?.tokens.refresh_token ?? ''))
    assert.deepEqual(own.binding, { kind: 'dpop', thumbprint })
    await goesOn(ground, holder, 'ada', 'same key', 'own key')
  })

  it('may do less than the first', async test => {
    const ground = await opened(test)
    const { holder, run } = ground
    const keep = (fresh: FreshGrant) => holder.keep('less', fresh)
    await run(branchGrant(holder, 'ada', { branchName: 'less', scope: 'openid', keep }))
    assert.equal((await holder.look('less'))?.scope, 'openid')
    assert.equal((await holder.look('ada'))?.scope, 'openid email offline_access')
  })
})

describe('a branch that meets trouble', () => {
  for (const fault of ['lose-request', 'lose-response', 'hang', '503', 'broken-json'] as const) {
    it(`is opened once, however often it takes: ${fault}`, async test => {
      const ground = await opened(test)
      ground.network.fault(fault, { times: fault === 'hang' ? 1 : 2 })
      await ground.branch('agent 1')
      assert.equal((await families(ground)).length, 2)
      await goesOn(ground, ground.holder, 'ada', 'agent 1')
    })
  }

  it('is the same one when the store failed to keep it and the call is made again', async test => {
    const ground = await opened(test)
    const { holder, run } = ground
    const keep = () => Promise.reject(new Error('the disk is full'))
    await assert.rejects(run(branchGrant(holder, 'ada', { branchName: 'agent 1', keep })), /the disk is full/)
    assert.equal((await holder.look('ada'))?.generation, 1)
    await ground.branch('agent 1')
    assert.equal((await families(ground)).length, 2)
    await goesOn(ground, holder, 'ada', 'agent 1')
  })

  it('does not cost the first its life where the process dies between the two saves, or before both', async test => {
    for (const isBranchStored of [true, false]) {
      const ground = await opened(test)
      const dies = (fresh: FreshGrant) =>
        (isBranchStored ? ground.holder.keep('agent 1', fresh) : Promise.resolve()).then(() => never)
      const never = new Promise<never>(() => undefined)
      // Its lease runs out, as that of a process that is gone.
      branchGrant(holdGrants(ground.custody), 'ada', { branchName: 'agent 1', keep: dies }).catch(() => undefined)
      await ground.clock.advance(1000)
      await ground.clock.advance(300_000)
      const next = holdGrants(ground.custody)
      await goesOn(ground, next, 'ada')
      if (isBranchStored) await goesOn(ground, next, 'agent 1')
    }
  })

  it('is postponed while nobody answers, and the first goes on', async test => {
    const ground = await opened(test)
    ground.network.fault('lose-request', { times: 100 })
    await assert.rejects(ground.branch('agent 1'), RefreshPostponed)
    ground.network.heal()
    await ground.clock.advance(60_000)
    await ground.branch('agent 1')
    await goesOn(ground, ground.holder, 'ada', 'agent 1')
  })

  it('is refused to a client that may not branch, and the first goes on at once', async test => {
    const ground = await opened(test, { exchange: 'none' })
    await assert.rejects(ground.branch('agent 1'), RefreshRefused)
    await goesOn(ground, ground.holder, 'ada')
  })

  it('is told to whoever asks for the same one at the same time', async test => {
    const ground = await opened(test)
    const outcomes = await Promise.allSettled([ground.branch('agent 1'), ground.branch('agent 1')])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    assert.equal((await families(ground)).length, 2)
  })
})

async function thumbprintOf({ publicKey }: CryptoKeyPair): Promise<string> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify({ crv, kty, x, y })))
  return Buffer.from(digest).toString('base64url')
}
