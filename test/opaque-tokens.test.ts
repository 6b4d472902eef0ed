/** Opaque access tokens: worth what a JWT is worth, to whoever may ask, and nothing to anybody who reads them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addResource } from '../packages/server/src/admin/resources.ts'
import { disableUser } from '../packages/server/src/admin/users.ts'
import { assertOver, assertUnchanged, openFamilyOf, openScene, rowOf, shop } from './stage/scene.ts'

const client = { ...shop, accessTokenFormat: 'opaque' }

describe('an opaque access token', () => {
  it('says at introspection and userinfo what a JWT would', async test => {
    const scene = await openScene(test, { client })
    const { first, familyId } = await openFamilyOf(scene)
    assert.match(first.accessToken, /^pawl_at_[A-Za-z0-9_-]{76,}$/)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const { jti, ...told } = await scene.app.introspect(first.accessToken)
    assert.match(String(jti), /^[A-Za-z0-9_-]{22}$/)
    const now = scene.stage.clock.nowMs() / 1000
    assert.deepEqual(told, {
      active: true,
      token_type: 'Bearer',
      iss: scene.stage.issuer,
      sub: subject,
      aud: scene.stage.issuer,
      client_id: 'shop',
      exp: now + 600,
      iat: now,
      scope: 'openid email offline_access',
      auth_time: now,
      acr: 'urn:pawl:acr:pwd',
      amr: ['pwd'],
    })
    const userinfo = await scene.app.userinfo(first.accessToken)
    assert.equal(userinfo.status, 200)
    assert.equal(((await userinfo.json()) as { sub: string }).sub, subject)
  })

  it('RT-13 is no refresh token, and its refresh token opens nothing', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    assert.equal((await scene.app.refresh(first.accessToken)).status, 400)
    assert.equal((await scene.app.userinfo(first.refreshToken)).status, 401)
    await assertUnchanged(scene.app, first)
  })

  it('is over at the second it runs out', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    scene.stage.clock.advanceMs(599_999)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
    scene.stage.clock.advanceMs(1)
    assert.deepEqual(await scene.app.introspect(first.accessToken), { active: false })
    assert.equal((await scene.app.userinfo(first.accessToken)).status, 401)
  })

  it('dies alone when it is revoked, with its family when that ends, and with its user', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const second = await assertUnchanged(scene.app, first)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true, 'a refresh ends no access token')
    assert.equal((await scene.app.revoke(first.accessToken)).status, 200)
    assert.deepEqual(await scene.app.introspect(first.accessToken), { active: false })
    assert.equal((await scene.app.introspect(second.accessToken)).active, true)
    await scene.app.revoke(second.refreshToken)
    await assertOver(scene.app, second)
    const other = await openFamilyOf(scene)
    assert.equal((await scene.app.introspect(other.first.accessToken)).active, true)
    await disableUser(scene.stage.workbench, 'ada@example.com')
    await assertOver(scene.app, other.first)
  })

  it('IN-03 is nothing to a client it is not for, which cannot revoke it either', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const stranger = scene.stage.app(await scene.stage.addClient({ id: 'stranger', kind: 'service' }))
    assert.deepEqual(await stranger.introspect(first.accessToken), { active: false })
    assert.equal((await stranger.revoke(first.accessToken)).status, 200)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
  })

  it('IN-05 is inactive altered in any place, and mixed out of two', async test => {
    const scene = await openScene(test, { client })
    const [one, other] = [await openFamilyOf(scene), await openFamilyOf(scene)]
    const token = one.first.accessToken
    for (let at = 8; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      assert.deepEqual(await scene.app.introspect(changed), { active: false }, `at ${at}`)
    }
    const mixed = token.slice(0, 84) + other.first.accessToken.slice(84)
    assert.deepEqual(await scene.app.introspect(mixed), { active: false })
    assert.equal((await scene.app.introspect(token)).active, true)
  })

  it('is what a resource wants, whatever its client has', async test => {
    const scene = await openScene(test, { client: shop })
    const resource = 'https://orders.example'
    await addResource(scene.stage.workbench, { indicator: resource, accessTokenFormat: 'opaque' })
    assert.match((await openFamilyOf(scene, { resource })).first.accessToken, /^pawl_at_/)
    assert.match((await openFamilyOf(scene)).first.accessToken, /^eyJ/)
  })
})
