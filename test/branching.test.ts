/** Branching: several families under one grant, so that several processes share one consent and no token. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { familyJson, listFamilies } from '../packages/server/src/admin/families.ts'
import { retryKey } from './stage/app.ts'
import { dpopKey } from './stage/dpop.ts'
import { branch, branched } from './stage/exchange.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  familyIdOf,
  kindsOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  type SceneOptions,
  shop,
} from './stage/scene.ts'

const branchingShop = { ...shop, exchange: 'branching' }
const branchingPhone = { ...phone, exchange: 'branching' }

async function opened(test: TestContext, options: SceneOptions = {}) {
  const scene = await openScene(test, { client: branchingShop, ...options })
  return { ...scene, ...(await openFamilyOf(scene)) }
}

describe('a branch', () => {
  it('is a family of its own under the same grant, and the parent goes on with its next token', async test => {
    const { app, stage, first, familyId } = await opened(test)
    const { body, branch: sibling, parent } = await branched(app, first.refreshToken)
    assert.deepEqual(
      [body['issued_token_type'], body['token_type'], body['scope'], body['expires_in']],
      ['urn:ietf:params:oauth:token-type:refresh_token', 'N_A', 'openid email offline_access', 30 * 86_400],
    )
    const own = await rowOf(stage, familyIdOf(stage, sibling.refreshToken))
    const root = await rowOf(stage, familyId)
    assert.equal(own.grant.id, root.grant.id)
    assert.notEqual(own.id, root.id)
    assert.deepEqual(own.branch, { parentFamilyId: familyId, name: 'nightly' })
    assert.deepEqual([own.generation, root.generation, root.branch], [1, 2, null])
    assert.deepEqual(
      [own.absoluteExpiresAtMs, own.createdAtMs, own.grant.authTimeMs],
      [root.absoluteExpiresAtMs, root.createdAtMs, root.grant.authTimeMs],
    )
    const refreshed = await assertUnchanged(app, sibling)
    assert.equal((await app.userinfo(refreshed.accessToken)).status, 200)
    await assertUnchanged(app, parent)
    assert.deepEqual(await kindsOf(stage, own.id), ['family_opened'])
    assert.deepEqual(await kindsOf(stage, familyId), ['family_opened'])
  })

  it('rotates, repeats and ends alone, whatever its siblings do', async test => {
    const { app, first } = await opened(test)
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branched(app, one.parent.refreshToken, { branch_name: 'two' })
    let current = one.branch
    for (let refreshes = 0; refreshes < 5; refreshes++) current = await assertUnchanged(app, current)
    assert.equal((await app.revoke(current.refreshToken)).status, 200)
    assertInvalidGrant(await app.refresh(current.refreshToken))
    await assertUnchanged(app, two.branch)
    await assertUnchanged(app, two.parent)
  })

  it('is itself branched, and is listed with its name', async test => {
    const { app, stage, first, familyId } = await opened(test)
    const one = await branched(app, first.refreshToken, { branch_name: 'agent 1' })
    const two = await branched(app, one.branch.refreshToken, { branch_name: 'agent 1, helper' })
    const views = await listFamilies(stage.workbench, { client: 'shop' })
    const oneId = familyIdOf(stage, one.branch.refreshToken)
    const json = views.map(view => familyJson(view))
    const listed = new Map(json.map(each => [each['branch'], [each['branched_from'], each['grant']]]))
    assert.equal(json.length, 3)
    assert.deepEqual(listed.get('agent 1'), [familyId, familyId])
    assert.deepEqual(listed.get('agent 1, helper'), [oneId, familyId])
    assert.deepEqual(listed.get(null), [null, familyId])
    await assertUnchanged(app, two.branch)
  })

  it('may do less than its parent from its first day, and never more again', async test => {
    const { app, first } = await opened(test)
    const narrow = await branched(app, first.refreshToken, { scope: 'openid' })
    assert.equal(narrow.body['scope'], 'openid')
    const wider = await app.refresh(narrow.branch.refreshToken, { scope: 'openid email' })
    assert.deepEqual([wider.status, wider.body['error']], [400, 'invalid_scope'])
    const again = await branch(app, narrow.branch.refreshToken, { scope: 'openid email', branch_name: 'wider' })
    assert.deepEqual([again.status, again.body['error']], [400, 'invalid_scope'])
    await assertUnchanged(app, narrow.branch)
    const root = await assertUnchanged(app, narrow.parent)
    assert.equal(root.body['scope'], 'openid email offline_access')
  })

  it('never outlives the grant, however late it is opened', async test => {
    const { app, stage, first } = await opened(test, {
      client: { ...branchingShop, absoluteSeconds: 1000, idleSeconds: 600 },
    })
    stage.clock.advanceSeconds(500)
    const { branch: sibling, body } = await branched(app, first.refreshToken)
    assert.equal(body['expires_in'], 500)
    assert.equal(body['authorization_expires_in'], 500)
    stage.clock.advanceMs(499_999)
    const last = await assertUnchanged(app, sibling)
    stage.clock.advanceMs(1)
    assertInvalidGrant(await app.refresh(last.refreshToken))
  })

  it('counts once among the grants of its user', async test => {
    const { app, browser, stage, first } = await opened(test, { settings: { grantsPerUserAndClientMax: 2 } })
    stage.clock.advanceSeconds(1)
    const some = await branched(app, first.refreshToken, { branch_name: 'some' })
    const more = await branched(app, some.parent.refreshToken, { branch_name: 'more' })
    stage.clock.advanceSeconds(1)
    const second = await app.signIn(browser)
    const [parent, sibling] = [await assertUnchanged(app, more.parent), await assertUnchanged(app, some.branch)]
    stage.clock.advanceSeconds(1)
    const third = await app.signIn(browser)
    for (const over of [parent, sibling, more.branch]) assertInvalidGrant(await app.refresh(over.refreshToken))
    await assertUnchanged(app, second)
    await assertUnchanged(app, third)
  })
})

describe('a branch that is asked for again', () => {
  it('after a lost answer is the same, with the same two tokens', async test => {
    const { app, stage, first } = await opened(test)
    const lost = await branched(app, first.refreshToken)
    stage.clock.advanceSeconds(3600)
    const again = await branched(app, first.refreshToken)
    assert.equal(again.branch.refreshToken, lost.branch.refreshToken)
    assert.equal(again.parent.refreshToken, lost.parent.refreshToken)
    assert.equal((await listFamilies(stage.workbench, { client: 'shop' })).length, 2)
  })

  it('by a public client with a retry key or the bound key is the same too', async test => {
    const { app, stage, browser } = await openScene(test, { client: branchingPhone })
    const key = await dpopKey(stage)
    const keyed = await app.redeem(await app.authorize(browser), {}, retryKey('code'))
    const bound = await app.redeem(await app.authorize(browser), {}, await key.proof({}))
    for (const [tokens, headers] of [
      [keyed, () => Promise.resolve(retryKey('one'))],
      [bound, () => key.proof({})],
    ] as const) {
      const lost = await branched(app, tokens.refreshToken, {}, await headers())
      stage.clock.advanceSeconds(3600)
      const again = await branched(app, tokens.refreshToken, {}, await headers())
      assert.equal(again.branch.refreshToken, lost.branch.refreshToken)
      assert.equal(again.parent.refreshToken, lost.parent.refreshToken)
    }
  })

  it('at the same moment by many is one branch', async test => {
    const { app, stage, first } = await opened(test)
    const answers = await Promise.all(Array.from({ length: 8 }, () => branched(app, first.refreshToken)))
    assert.equal(new Set(answers.map(each => each.branch.refreshToken)).size, 1)
    assert.equal(new Set(answers.map(each => each.parent.refreshToken)).size, 1)
    assert.equal((await listFamilies(stage.workbench, { client: 'shop' })).length, 2)
  })

  it('under another name is not, and nobody ends up sharing a token', async test => {
    const { app, first } = await opened(test)
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branch(app, first.refreshToken, { branch_name: 'two' })
    assert.deepEqual([two.status, two.body['error']], [400, 'invalid_request'])
    await assertUnchanged(app, one.branch)
    await assertUnchanged(app, one.parent)
  })

  it('with a token that was spent by a refresh is refused, and nothing ends', async test => {
    const { app, first } = await opened(test)
    const next = await app.refresh(first.refreshToken)
    const late = await branch(app, first.refreshToken)
    assert.deepEqual([late.status, late.body['error']], [400, 'invalid_request'])
    await assertUnchanged(app, next)
  })

  it('when it has been used meanwhile is refused, and nothing ends', async test => {
    const { app, first } = await opened(test)
    const once = await branched(app, first.refreshToken)
    const moved = await assertUnchanged(app, once.branch)
    assert.equal((await branch(app, first.refreshToken)).status, 400)
    await assertUnchanged(app, moved)
    await assertUnchanged(app, once.parent)
  })
})

describe('a branch of a family whose tokens are kept', () => {
  const kept = {
    id: 'ledger',
    kind: 'integration',
    redirectUris: ['https://ledger.example/cb'],
    dpopBoundAccessTokens: true,
    exchange: 'branching',
  }

  it('is opened once for each name, beside a token that stays as it is', async test => {
    const { app, browser, stage } = await openScene(test, { client: kept })
    const key = await dpopKey(stage)
    const first = await app.redeem(await app.authorize(browser), {}, await key.proof({}))
    assert.equal(first.status, 200, JSON.stringify(first.body))
    const one = await branched(app, first.refreshToken, { branch_name: 'one' }, await key.proof({}))
    const two = await branched(app, first.refreshToken, { branch_name: 'two' }, await key.proof({}))
    const again = await branched(app, first.refreshToken, { branch_name: 'one' }, await key.proof({}))
    assert.equal(again.branch.refreshToken, one.branch.refreshToken)
    assert.notEqual(two.branch.refreshToken, one.branch.refreshToken)
    for (const { parent } of [one, two, again]) assert.equal(parent.refreshToken, first.refreshToken)
    for (const { branch: sibling } of [one, two]) {
      assert.equal((await app.refresh(sibling.refreshToken, {}, await key.proof({}))).status, 200)
    }
    assert.equal((await listFamilies(stage.workbench, { client: 'ledger' })).length, 3)
  })
})

describe('a grant that has branched', () => {
  it('ends with all its families when any of them is reused', async test => {
    const { app, stage, first } = await opened(test)
    const { branch: sibling, parent } = await branched(app, first.refreshToken)
    const second = await assertUnchanged(app, sibling)
    const third = await assertUnchanged(app, second)
    assertInvalidGrant(await app.refresh(sibling.refreshToken))
    await assertOver(app, third)
    assertInvalidGrant(await app.refresh(parent.refreshToken))
    assert.deepEqual(await kindsOf(stage, familyIdOf(stage, sibling.refreshToken)), ['family_opened', 'token_reused'])
  })

  it('ends with all its families when its application revokes the one it began with', async test => {
    const { app, first } = await opened(test)
    const { branch: sibling, parent } = await branched(app, first.refreshToken)
    const refreshed = await assertUnchanged(app, sibling)
    await app.revoke(parent.refreshToken)
    await assertOver(app, refreshed)
    assertInvalidGrant(await app.refresh(parent.refreshToken))
  })

  it('ends with all its families also when the one it began with had run out before', async test => {
    const { app, stage, first } = await opened(test, { client: { ...branchingShop, idleSeconds: 1000 } })
    const { branch: sibling, parent } = await branched(app, first.refreshToken)
    stage.clock.advanceSeconds(600)
    const refreshed = await assertUnchanged(app, sibling)
    stage.clock.advanceSeconds(600)
    assertInvalidGrant(await app.refresh(parent.refreshToken))
    const living = await assertUnchanged(app, refreshed)
    await app.revoke(parent.refreshToken)
    assertInvalidGrant(await app.refresh(living.refreshToken))
  })

  it('is cut off with all its families, by user, client, grant and everyone', async test => {
    for (const kind of ['user', 'client', 'grant', 'everyone'] as const) {
      const { app, stage, first, familyId } = await opened(test)
      const { branch: sibling, parent } = await branched(app, first.refreshToken)
      const { grant } = await rowOf(stage, familyId)
      assert.ok(grant.subject !== null)
      const targets = {
        user: { kind: 'user', subject: grant.subject },
        client: { kind: 'client', clientId: grant.clientId },
        grant: { kind: 'grant', grantId: grant.id },
        everyone: { kind: 'everyone' },
      } as const
      const cutOff = { target: targets[kind], reason: 'test', by: 'test', beforeMs: null }
      await stage.pawl.store.cutOffs.set(cutOff, [])
      assertInvalidGrant(await app.refresh(sibling.refreshToken))
      assertInvalidGrant(await app.refresh(parent.refreshToken))
    }
  })

  it('has as many branches as are allowed, and one more when one has ended', async test => {
    const { app, first } = await opened(test, { settings: { branchesPerGrantMax: 2 } })
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branched(app, one.parent.refreshToken, { branch_name: 'two' })
    const full = await branch(app, two.parent.refreshToken, { branch_name: 'three' })
    assert.deepEqual([full.status, full.body['error']], [400, 'invalid_request'])
    assert.match(String(full.body['error_description']), /2 branches already/)
    await app.revoke(one.branch.refreshToken)
    const three = await branched(app, two.parent.refreshToken, { branch_name: 'three' })
    await assertUnchanged(app, three.branch)
  })
})

describe('a branch for another key', () => {
  it('is bound to that key and to no other, while the parent stays as it was', async test => {
    const { app, stage, browser } = await openScene(test, { client: branchingPhone })
    const [own, agent] = [await dpopKey(stage), await dpopKey(stage)]
    const first = await app.redeem(await app.authorize(browser), {}, await own.proof({}))
    const handed = await branched(app, first.refreshToken, { dpop_jkt: agent.thumbprint }, await own.proof({}))
    assertInvalidGrant(await app.refresh(handed.branch.refreshToken, {}, await own.proof({})))
    const used = await app.refresh(handed.branch.refreshToken, {}, await agent.proof({}))
    assert.equal(used.status, 200)
    assertInvalidGrant(await app.refresh(handed.parent.refreshToken, {}, await agent.proof({})))
    assert.equal((await app.refresh(handed.parent.refreshToken, {}, await own.proof({}))).status, 200)
  })
})

describe('branching is refused', () => {
  it('to a public client that shows the bare token, which stays good', async test => {
    const { app, browser } = await openScene(test, { client: branchingPhone })
    const first = await app.signIn(browser)
    const bare = await branch(app, first.refreshToken)
    assert.deepEqual([bare.status, bare.body['error']], [400, 'invalid_request'])
    assert.match(String(bare.body['error_description']), /retry key/)
    await assertUnchanged(app, first)
  })

  it('to a client that is not registered for it, which keeps its token', async test => {
    const { app, browser } = await openScene(test, { client: shop })
    const first = await app.signIn(browser)
    const answer = await branch(app, first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [400, 'unauthorized_client'])
    await assertUnchanged(app, first)
  })

  it('to a client that may not refresh any more', async test => {
    const { app, stage, first } = await opened(test, { client: { ...branchingShop, exchange: 'delegation' } })
    await changeClient(stage.workbench, 'shop', { refresh: false })
    const answer = await branch(app, first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [400, 'unauthorized_client'])
    await changeClient(stage.workbench, 'shop', { refresh: true })
    await assertUnchanged(app, first)
  })

  it('for a token of another client, which is not touched', async test => {
    const { app, stage, first, familyId } = await opened(test)
    const stranger = stage.app(await stage.addClient({ ...branchingShop, id: 'rival' }))
    const answer = await branch(stranger, first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'])
    await assertUnchanged(app, first)
    assert.deepEqual(await kindsOf(stage, familyId), ['family_opened', 'wrong_client'])
  })

  it('alike for every token that is not good, whatever is wrong with it', async test => {
    const { app, first } = await opened(test)
    const next = await app.refresh(first.refreshToken)
    await app.revoke(next.refreshToken)
    const wrong = [first.refreshToken, next.refreshToken, first.accessToken, 'pawl_rt_x', `${next.refreshToken}x`]
    const bodies = await Promise.all(wrong.map(async token => (await branch(app, token)).body))
    assert.equal(new Set(bodies.map(body => JSON.stringify(body))).size, 1)
  })

  it('without a name that people can read', async test => {
    const { app, first } = await opened(test)
    for (const branch_name of [undefined, '', ' x', '-', 'a\nb', 'x'.repeat(65), '\u202Eabc']) {
      const answer = await branch(app, first.refreshToken, { branch_name })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'], JSON.stringify(branch_name))
    }
    await assertUnchanged(app, first)
  })
})
