/**
 * Two servers with keys of their own, for the same people and applications under the same names: what one gave out is
 * worth nothing to the other, and loses nothing by being shown there.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import type { App } from '../stage/app.ts'
import { assertInvalidGrant, assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'

interface TwoServers {
  readonly here: Scene
  readonly there: Scene
  /** The application as it is here, with what it was given here, at the other server. */
  readonly astray: App
}

async function opened(test: TestContext): Promise<TwoServers> {
  const open = (issuer: string) => openScene(test, { client: shop, settings: { issuer }, seed: issuer })
  const here = await open('https://here.example')
  const there = await open('https://there.example')
  return { here, there, astray: there.stage.app(here.registered) }
}

/** The application as the other server knows it. */
function atHomeThere({ there }: TwoServers): App {
  return there.stage.app(there.registered)
}

describe('what another server gave out', () => {
  it('MX-02 is no code here, and stays one there; the two answer under two names', async test => {
    const servers = await opened(test)
    const { here, there } = servers
    const authorization = await here.app.authorize(here.browser)
    const other = await there.app.authorize(there.browser)
    assert.equal(authorization.parameters.get('iss'), here.stage.issuer)
    assert.equal(other.parameters.get('iss'), there.stage.issuer)
    assert.notEqual(here.stage.issuer, there.stage.issuer)
    assertInvalidGrant(await atHomeThere(servers).redeem(authorization))
    assertInvalidGrant(await here.app.redeem(other))
    const redeemed = [await here.app.redeem(authorization), await there.app.redeem(other)]
    assert.deepEqual(
      redeemed.map(({ status }) => status),
      [200, 200],
    )
  })

  it('MX-02 is no access token and no ID token hint here', async test => {
    const { here, there } = await opened(test)
    const { first } = await openFamilyOf(here)
    await openFamilyOf(there)
    assert.equal((await there.app.userinfo(first.accessToken)).status, 401)
    assert.deepEqual(await there.app.introspect(first.accessToken), { active: false })
    const hint = { id_token_hint: String(first.body['id_token']), prompt: 'none' }
    const { leftTo } = await there.browser.open(there.app.authorizePath(hint).path)
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    assert.equal((await here.app.introspect(first.accessToken)).active, true)
  })

  it('RT-34 is no refresh token here, and goes on there', async test => {
    const servers = await opened(test)
    const { first } = await openFamilyOf(servers.here)
    assertInvalidGrant(await atHomeThere(servers).refresh(first.refreshToken))
    assert.equal((await atHomeThere(servers).revoke(first.refreshToken)).status, 200)
    await assertUnchanged(servers.here.app, first)
  })

  it('CA-16 is no secret here, though the client has the same name', async test => {
    const { here, there, astray } = await opened(test)
    const { first } = await openFamilyOf(there)
    assert.notEqual(secretOf(here.registered), secretOf(there.registered))
    assert.equal((await astray.refresh(first.refreshToken)).status, 401)
    for (const path of ['/introspect', '/revoke']) {
      assert.equal((await astray.post(path, { token: first.accessToken })).status, 401, path)
    }
    await assertUnchanged(there.app, first)
  })
})

function secretOf({ secret }: ClientWithSecret): string {
  assert.ok(secret !== null)
  return secret
}
