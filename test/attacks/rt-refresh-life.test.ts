/** When a family is over: by time, by its user, its client, its operator; and that over it stays. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { explain } from '../../packages/server/src/admin/explain.ts'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import { disableUser, enableUser } from '../../packages/server/src/admin/users.ts'
import { clientId, openStage, stageStartsAtMs } from '../stage/stage.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  databaseFor,
  historyOf,
  kindsOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  shop,
} from '../stage/scene.ts'

const ada = 'ada@example.com'
const day = 86_400

function lifetimesOf(body: { readonly [name: string]: unknown }): readonly unknown[] {
  return [body['refresh_token_timeout'], body['authorization_expires_in']]
}

describe('time', () => {
  it('RT-19 is counted down exactly as in the examples of the draft', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 604_800, absoluteSeconds: 864_000 } })
    const { first } = await openFamilyOf(scene)
    assert.deepEqual(lifetimesOf(first.body), [604_800, 864_000])
    scene.stage.clock.advanceSeconds(2 * day)
    const second = await scene.app.refresh(first.refreshToken)
    assert.deepEqual(lifetimesOf(second.body), [604_800, 691_200])
    scene.stage.clock.advanceSeconds(5 * day)
    const third = await scene.app.refresh(second.refreshToken)
    assert.deepEqual(lifetimesOf(third.body), [259_200, 259_200])
    scene.stage.clock.advanceSeconds(259_200)
    assertInvalidGrant(await scene.app.refresh(third.refreshToken))
  })

  it('RT-19 ends a family left idle, in the very millisecond that was announced', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 3600, absoluteSeconds: day } })
    const { first, familyId } = await openFamilyOf(scene)
    scene.stage.clock.advanceMs(3_599_999)
    const second = await assertUnchanged(scene.app, first)
    scene.stage.clock.advanceMs(3_600_000)
    assertInvalidGrant(await scene.app.refresh(second.refreshToken))
    assert.deepEqual((await rowOf(scene.stage, familyId)).end?.reason, 'idle_expired')
    assertInvalidGrant(await scene.app.refresh(second.refreshToken))
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'family_ended'])
  })

  it('RT-19 ends a family at its absolute end, though it was used every hour', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 7200, absoluteSeconds: 12 * 3600 } })
    const { first, familyId } = await openFamilyOf(scene)
    let current = first
    for (let hour = 1; hour < 12; hour++) {
      scene.stage.clock.advanceSeconds(3600)
      current = await assertUnchanged(scene.app, current)
      assert.equal(current.body['authorization_expires_in'], (12 - hour) * 3600)
    }
    scene.stage.clock.advanceSeconds(3599)
    const last = await assertUnchanged(scene.app, current)
    assert.deepEqual([last.body['expires_in'], ...lifetimesOf(last.body)], [1, 1, 1], 'nothing outlives the end')
    scene.stage.clock.advanceSeconds(1)
    await assertOver(scene.app, last)
    assert.deepEqual((await rowOf(scene.stage, familyId)).end?.reason, 'absolute_expired')
  })

  it('RT-32 going backwards revives nothing that was seen to be over', async test => {
    const scene = await openScene(test)
    const { clock } = scene.stage
    const { first } = await openFamilyOf(scene)
    const revoked = await openFamilyOf(scene)
    await scene.app.revoke(revoked.first.refreshToken)
    clock.advanceSeconds(31 * day)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    for (const nowMs of [stageStartsAtMs, stageStartsAtMs - 3_600_000, 0, stageStartsAtMs + 365 * day * 1000]) {
      clock.set(nowMs)
      assertInvalidGrant(await scene.app.refresh(first.refreshToken))
      assertInvalidGrant(await scene.app.refresh(revoked.first.refreshToken))
    }
  })

  it('RT-32 going back an hour and on again neither opens a window nor prolongs a life', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 7200, absoluteSeconds: day } })
    const { clock } = scene.stage
    const { first } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    clock.advanceSeconds(60)
    const other = await openFamilyOf(scene)
    clock.advanceSeconds(-3600)
    const third = await scene.app.refresh(second.refreshToken)
    assert.equal(third.status, 200, 'the honest holder goes on')
    assert.ok(Number(third.body['refresh_token_timeout']) <= 7200)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    clock.advanceSeconds(7200 + 3600)
    assertInvalidGrant(await scene.app.refresh(other.first.refreshToken))
  })

  it('RT-32 of another node that runs behind decides nothing: the store remembers the later one', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database, client: { ...phone, idleSeconds: 3600, absoluteSeconds: day } })
    const { first } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    scene.stage.clock.advanceSeconds(120)
    await openFamilyOf(scene)
    const behind = await openStage({ database, keys: scene.stage.keys, seed: 'behind', startsAtMs: stageStartsAtMs })
    test.after(() => behind.close())
    const there = behind.app(scene.registered)
    assertInvalidGrant(await there.refresh(first.refreshToken))
    assertInvalidGrant(await scene.app.refresh(second.refreshToken))
  })
})

describe('people', () => {
  for (const how of ['by the user', 'by the operator'] as const) {
    it(`RT-22 who withdraw a consent (${how}) end its families for good, also when they give it again`, async test => {
      const scene = await openScene(test, { client: shop })
      const { first, familyId } = await openFamilyOf(scene)
      const { workbench, pawl } = scene.stage
      if (how === 'by the user') {
        const subject = (await rowOf(scene.stage, familyId)).grant.subject
        assert.ok(subject !== null)
        await pawl.store.consents.withdraw(subject, clientId(scene.registered), subject, [])
      } else {
        await carryOut(workbench, await planRevocation(workbench, { user: ada, client: 'shop' }))
      }
      await assertOver(scene.app, first)
      scene.stage.clock.advanceSeconds(1)
      const again = await openFamilyOf(scene)
      assertInvalidGrant(await scene.app.refresh(first.refreshToken))
      assert.deepEqual((await rowOf(scene.stage, familyId)).end?.reason, 'cut_off_consent')
      await assertUnchanged(scene.app, again.first)
    })
  }

  it('RT-23 who are disabled lose every family, and get none back when they are enabled', async test => {
    const scene = await openScene(test)
    const { workbench, clock } = scene.stage
    const { first } = await openFamilyOf(scene)
    await disableUser(workbench, ada)
    await assertOver(scene.app, first)
    clock.advanceSeconds(1)
    await enableUser(workbench, ada)
    await assertOver(scene.app, first)
    const again = await openFamilyOf({ ...scene, browser: scene.stage.browser() })
    await assertUnchanged(scene.app, again.first)
  })

  it('RT-26 who sign out end what belongs to the session, on every node, and keep what is offline', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database, client: shop })
    const online = await openFamilyOf(scene, { scope: 'openid email' })
    const offline = await openFamilyOf(scene, { scope: 'openid offline_access' })
    const elsewhere = await openStage({ database, keys: scene.stage.keys, seed: 'elsewhere' })
    test.after(() => elsewhere.close())
    const there = elsewhere.app(scene.registered)
    const second = await assertUnchanged(there, online.first)
    const hint = new URLSearchParams({ id_token_hint: String(online.first.body['id_token']) })
    assert.equal((await scene.browser.open(`/logout?${hint.toString()}`)).status, 200)
    await assertOver(there, second, online.first)
    await assertOver(scene.app, second)
    assert.deepEqual((await rowOf(scene.stage, online.familyId)).end?.reason, 'logged_out')
    await assertUnchanged(there, await assertUnchanged(scene.app, offline.first))
  })
})

describe('a client', () => {
  it('RT-25 that lost the grant type gets unauthorized_client, and its families wait', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    await changeClient(scene.stage.workbench, 'phone', { refresh: false })
    const answer = await scene.app.refresh(first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [400, 'unauthorized_client'])
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await changeClient(scene.stage.workbench, 'phone', { refresh: true })
    await assertUnchanged(scene.app, first)
  })

  it('RT-25 that lost a scope gets less, and one that won a scope gets no more', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene, { scope: 'openid email offline_access' })
    await changeClient(scene.stage.workbench, 'phone', { scopes: ['openid', 'profile', 'offline_access', 'admin'] })
    const second = await scene.app.refresh(first.refreshToken)
    assert.deepEqual([second.status, second.body['scope']], [200, 'openid offline_access'])
    for (const scope of ['openid email', 'openid admin', 'profile']) {
      const answer = await scene.app.refresh(second.refreshToken, { scope })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_scope'], scope)
    }
    await assertUnchanged(scene.app, second)
  })

  it('RT-25 that moved to another redirect URI goes on', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    await changeClient(scene.stage.workbench, 'phone', { redirectUris: ['http://127.0.0.1/elsewhere'] })
    await assertUnchanged(scene.app, first)
  })

  it('RT-25 that was disabled has no families left when it is enabled again', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    await changeClient(scene.stage.workbench, 'phone', { disabled: true })
    const answer = await scene.app.refresh(first.refreshToken)
    assert.deepEqual([answer.status, answer.body['error']], [401, 'invalid_client'])
    assert.equal((await scene.app.userinfo(first.accessToken)).status, 401)
    await changeClient(scene.stage.workbench, 'phone', { disabled: false })
    await assertOver(scene.app, first)
  })

  it('RT-43 whose lifetimes were shortened sends its users to sign in, and no token is spent for it', async test => {
    const scene = await openScene(test)
    const { workbench, clock } = scene.stage
    const { first, familyId } = await openFamilyOf(scene)
    clock.advanceSeconds(3000)
    await changeClient(workbench, 'phone', { absoluteSeconds: 3600, idleSeconds: 3600 })
    const second = await assertUnchanged(scene.app, first)
    assert.deepEqual(lifetimesOf(second.body), [600, 600], 'what is told is what will be')
    clock.advanceSeconds(600)
    const refused = await scene.app.refresh(second.refreshToken)
    assertInvalidGrant(refused)
    assert.equal((await rowOf(scene.stage, familyId)).end, null)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    const { explanation } = await explain(workbench, refused.requestId)
    assert.match(explanation.sentences.join(' '), /the user must sign in again/)
    await changeClient(workbench, 'phone', { absoluteSeconds: 7200, idleSeconds: 7200 })
    const third = await assertUnchanged(scene.app, second)
    assert.deepEqual(lifetimesOf(third.body), [3600, 3600])
  })

  it('RT-43 whose lifetimes were lengthened gives no family a longer life', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 3600, absoluteSeconds: 7200 } })
    const { first } = await openFamilyOf(scene)
    await changeClient(scene.stage.workbench, 'phone', { absoluteSeconds: 30 * day, idleSeconds: 30 * day })
    const second = await assertUnchanged(scene.app, first)
    assert.deepEqual(lifetimesOf(second.body), [3600, 7200])
    scene.stage.clock.advanceSeconds(3600)
    assertInvalidGrant(await scene.app.refresh(second.refreshToken))
  })
})

describe('an end', () => {
  it('RT-31 outlives the server: a revoked token is refused after every restart', async test => {
    const database = await databaseFor(test)
    const before = await openStage({ database })
    await before.addUser()
    const registered = await before.addClient(phone)
    const app = before.app(registered)
    const lost = await app.signIn(before.browser())
    const living = await app.signIn(before.browser())
    assert.equal((await app.revoke(lost.refreshToken)).status, 200)
    await before.close()
    let current = living
    for (const seed of ['second', 'third']) {
      const after = await openStage({ database, keys: before.keys, seed })
      await assertOver(after.app(registered), lost)
      current = await assertUnchanged(after.app(registered), current)
      await after.close()
    }
  })

  it('RT-31 is told by one event, however often the dead token is sent', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    await scene.app.revoke(first.refreshToken)
    for (let times = 0; times < 5; times++) assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    const events = await historyOf(scene.stage, familyId)
    assert.deepEqual(
      events.map(({ kind, count }) => [kind, count]),
      [
        ['family_opened', 1],
        ['family_ended', 1],
      ],
    )
  })
})
