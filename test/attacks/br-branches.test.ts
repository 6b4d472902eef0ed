/** Attacks on branching: a thief who wants a family of their own, and holders who are in each other's way. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { listFamilies } from '../../packages/server/src/admin/families.ts'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import { branchesKeptForEachMax } from '../../packages/server/src/oauth/grants/branching.ts'
import { retryKey } from '../stage/app.ts'
import { dpopKey } from '../stage/dpop.ts'
import { branch, branched, type Branched } from '../stage/exchange.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  familyIdOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  type Scene,
  type SceneOptions,
  shop,
} from '../stage/scene.ts'

const branchingPhone = { ...phone, exchange: 'branching' }
const branchingShop = { ...shop, exchange: 'branching' }
const thief = { address: '192.0.2.66', userAgent: 'curl/8' }

async function opened(test: TestContext, options: SceneOptions = {}, headers?: HeadersInit) {
  const scene = await openScene(test, { client: branchingPhone, ...options })
  return { ...scene, ...(await openFamilyOf(scene, {}, headers)) }
}

async function countFamilies({ stage }: Pick<Scene, 'stage'>): Promise<number> {
  return (await listFamilies(stage.workbench, {})).length
}

describe('a thief who wants a branch', () => {
  it('BR-01 gets none of a weak family by a made-up retry key, and the owner goes on', async test => {
    const scene = await opened(test)
    const stolen = scene.stage.app(scene.registered, thief)
    const loot = await branch(stolen, scene.first.refreshToken, {}, retryKey('made up'))
    assert.deepEqual([loot.status, loot.body['error']], [400, 'invalid_request'])
    assert.equal(await countFamilies(scene), 1)
    await assertUnchanged(scene.app, scene.first)
  })

  it('BR-01 gets none of a bound family by a retry key or another key', async test => {
    const scene = await openScene(test, { client: branchingPhone })
    const { app, stage } = scene
    const [own, other] = [await dpopKey(stage), await dpopKey(stage)]
    const { first } = await openFamilyOf(scene, {}, await own.proof({}))
    for (const shown of [retryKey('made up'), await other.proof({}), {}]) {
      const loot = await branch(app, first.refreshToken, { dpop_jkt: other.thumbprint }, shown)
      assert.deepEqual([loot.status, loot.body['error']], [400, 'invalid_request'])
    }
    assert.equal(await countFamilies(scene), 1)
    assert.equal((await app.refresh(first.refreshToken, {}, await own.proof({}))).status, 200)
  })

  it('BR-02 gets one of a keyed family by a made-up key, and loses it with the next refresh of the owner', async test => {
    const scene = await opened(test, {}, retryKey('code'))
    const stolen = scene.stage.app(scene.registered, thief)
    const loot = await branched(stolen, scene.first.refreshToken, {}, retryKey('made up'))
    assertInvalidGrant(await scene.app.refresh(scene.first.refreshToken, {}, retryKey('first')))
    for (const token of [loot.branch.refreshToken, loot.parent.refreshToken]) {
      assertInvalidGrant(await stolen.refresh(token, {}, retryKey('made up again')))
    }
  })

  it('BR-02 loses a branch that was branched from one, when any token of the grant is reused', async test => {
    const scene = await opened(test, { client: branchingShop })
    const { app, first } = scene
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branched(app, one.branch.refreshToken, { branch_name: 'two' })
    const next = await assertUnchanged(app, two.branch)
    await assertUnchanged(app, one.parent)
    const used = await assertUnchanged(app, two.parent)
    const last = await assertUnchanged(app, used)
    assertInvalidGrant(await app.refresh(two.parent.refreshToken))
    await assertOver(app, last, next)
  })
})

describe('a token that is branched and refreshed at once', () => {
  it('BR-03 has one successor, and a branch only if that is what it was spent for', async test => {
    for (let round = 0; round < 8; round++) {
      const scene = await opened(test, { client: branchingShop })
      const { app, first } = scene
      const asked = [
        () => app.refresh(first.refreshToken),
        () => branch(app, first.refreshToken, { branch_name: 'one' }),
        () => branch(app, first.refreshToken, { branch_name: 'two' }),
      ]
      // Each begins first in turn.
      const turned = [...asked.slice(round % 3), ...asked.slice(0, round % 3)]
      const answers = await Promise.all(turned.map(ask => ask()))
      const good = answers.filter(({ status }) => status === 200)
      const successors = new Set(good.map(({ body }) => body['refresh_token']))
      assert.equal(successors.size, 1, JSON.stringify(answers.map(({ body }) => body)))
      const branches = good.filter(({ body }) => body['issued_token_type'] !== undefined)
      assert.ok(branches.length <= 1)
      assert.equal(await countFamilies(scene), 1 + branches.length)
      for (const { body } of answers.filter(answer => !good.includes(answer))) {
        assert.equal(body['error'], 'invalid_request')
      }
      assert.equal((await app.refresh(String([...successors][0]))).status, 200)
    }
  })

  it('BR-03 leaves nothing alive where the whole grant is revoked at the same moment', async test => {
    for (let round = 0; round < 6; round++) {
      const { app, first } = await opened(test, { client: branchingShop })
      const one = await branched(app, first.refreshToken, { branch_name: 'one' })
      const done: Branched[] = []
      const asked = [
        async () => done.push(await branch(app, one.parent.refreshToken, { branch_name: 'two' })),
        async () => done.push(await branch(app, one.branch.refreshToken, { branch_name: 'three' })),
        () => app.revoke(one.parent.refreshToken),
      ]
      const turned = [...asked.slice(round % 3), ...asked.slice(0, round % 3)]
      await Promise.all(turned.map(ask => ask()))
      const good = done.filter(({ status }) => status === 200)
      const tokens = [one, ...good].flatMap(({ branch: sibling, parent }) => [sibling, parent])
      for (const { refreshToken } of tokens) assertInvalidGrant(await app.refresh(refreshToken))
    }
  })

  it('BR-03 opens nothing where the family has ended, been cut off or run out before', async test => {
    const ends: readonly ((scene: Awaited<ReturnType<typeof opened>>) => Promise<unknown>)[] = [
      ({ app, first }) => app.revoke(first.refreshToken),
      async ({ stage }) => carryOut(stage.workbench, await planRevocation(stage.workbench, { client: 'shop' })),
      ({ stage }) => Promise.resolve(stage.clock.advanceSeconds(31 * 86_400)),
    ]
    for (const end of ends) {
      const scene = await opened(test, { client: branchingShop })
      await end(scene)
      const late = await branch(scene.app, scene.first.refreshToken)
      assert.deepEqual([late.status, late.body['error']], [400, 'invalid_request'])
      assert.equal(await countFamilies(scene), 1)
    }
  })
})

describe('an operator who ends a family', () => {
  it('BR-04 ends its branches with the one that the grant began with, and is told how many', async test => {
    const scene = await opened(test, { client: branchingShop })
    const { app, stage, first, familyId } = scene
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branched(app, one.branch.refreshToken, { branch_name: 'two' })
    const plan = await planRevocation(stage.workbench, { family: familyId })
    assert.deepEqual([plan.families, plan.words], [3, `family ${familyId} with its 2 branches`])
    assert.equal((await carryOut(stage.workbench, plan)).families, 3)
    for (const token of [one.parent, two.parent, two.branch]) assertInvalidGrant(await app.refresh(token.refreshToken))
    const again = await carryOut(stage.workbench, await planRevocation(stage.workbench, { family: familyId }))
    assert.equal(again.families, 0)
  })

  it('BR-04 ends the branches also where the one it began with had run out, with one event', async test => {
    const scene = await opened(test, { client: { ...branchingShop, idleSeconds: 1000 } })
    const { app, stage, first, familyId } = scene
    const { branch: sibling, parent } = await branched(app, first.refreshToken)
    stage.clock.advanceSeconds(600)
    const living = await assertUnchanged(app, sibling)
    stage.clock.advanceSeconds(600)
    assertInvalidGrant(await app.refresh(parent.refreshToken))
    const result = await carryOut(stage.workbench, await planRevocation(stage.workbench, { family: familyId }))
    assert.equal(result.families, 1)
    assertInvalidGrant(await app.refresh(living.refreshToken))
    const events = await stage.pawl.store.events.ofFamily(familyId, 100)
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'cut_off_set').map(({ detail }) => [detail['target'], detail['families']]),
      [['grant', 1]],
    )
  })

  it('BR-04 ends a branch alone', async test => {
    const { app, stage, first } = await opened(test, { client: branchingShop })
    const { branch: sibling, parent } = await branched(app, first.refreshToken)
    const family = familyIdOf(stage, sibling.refreshToken)
    assert.equal((await carryOut(stage.workbench, await planRevocation(stage.workbench, { family }))).families, 1)
    assertInvalidGrant(await app.refresh(sibling.refreshToken))
    assert.equal((await rowOf(stage, family)).end?.reason, 'revoked_by_operator')
    await assertUnchanged(app, parent)
  })
})

describe('a client that opens and ends branches in a loop', () => {
  it('BR-05 is told to wait before it fills the table, and goes on once the sweep has been', async test => {
    const { app, first } = await opened(test, { client: branchingShop, settings: { branchesPerGrantMax: 1 } })
    let current = first.refreshToken
    for (let opened = 0; opened < branchesKeptForEachMax; opened++) {
      const one = await branched(app, current, { branch_name: `branch ${opened}` })
      await app.revoke(one.branch.refreshToken)
      current = one.parent.refreshToken
    }
    const over = await branch(app, current)
    assert.deepEqual([over.status, over.body['error']], [429, 'slow_down'])
    assert.ok(Number(over.parent.headers.get('retry-after')) > 0)
    assert.equal((await app.refresh(current)).status, 200)
  })
})
