/** Addresses in requests that have no business there: some server once took its own host, or where to send something, from them. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { openSite, type Site } from '../../packages/server/src/outbound/fixture.test.ts'
import { assertUnchanged, openFamilyOf, openScene, shop } from '../stage/scene.ts'

/** Names of parameters and of headers, each of which means an address somewhere. */
const parameterNames = `
  client_session_host client_session_state host issuer iss token_endpoint jwks_uri jwks_url redirect_url callback_url
  request_uri sector_identifier_uri backchannel_logout_uri logo_uri client_uri initiate_login_uri target_link_uri
  assertion_url webhook notification_uri subject_issuer requested_issuer audience_uri registration_client_uri`
  .trim()
  .split(/\s+/)
const headerNames =
  'x-forwarded-host x-forwarded-server x-original-url x-rewrite-url x-host forwarded referer origin'.split(' ')

async function openListener(test: TestContext): Promise<Site> {
  const site = await openSite((_, response) => response.end('{}'))
  test.after(() => site.close())
  return site
}

describe('an address in a request to the token endpoint', () => {
  it('SF-08 is looked at by nobody: nothing is sent there, and the tokens are as they would have been', async test => {
    const scene = await openScene(test, { client: shop })
    const { stage, app } = scene
    const site = await openListener(test)
    const { first } = await openFamilyOf(scene)
    const expected = decodeJwt(first.accessToken)
    let tokens = first
    for (const name of parameterNames) {
      tokens = await app.refresh(tokens.refreshToken, { [name]: `${site.origin}/x` })
      assert.equal(tokens.status, 200, `${name}: ${JSON.stringify(tokens.body)}`)
      const { iss, aud, sub } = decodeJwt(tokens.accessToken)
      assert.deepEqual([iss, aud, sub], [expected.iss, expected.aud, expected.sub], name)
      assert.equal(JSON.stringify(tokens.body).includes(site.origin), false, name)
    }
    for (const name of headerNames) {
      const value = name === 'forwarded' ? `host=127.0.0.1:${site.port}` : `${site.origin}/x`
      tokens = await app.refresh(tokens.refreshToken, {}, { [name]: value })
      assert.equal(tokens.status, 200, name)
      assert.equal(decodeJwt(tokens.accessToken).iss, stage.issuer, name)
    }
    for (const name of parameterNames) {
      const asked = { token: tokens.accessToken, [name]: `${site.origin}/x` }
      const answer = (await (await app.post('/introspect', asked)).json()) as { readonly [name: string]: unknown }
      assert.deepEqual([answer['active'], answer['iss']], [true, stage.issuer], name)
    }
    const revocation = Object.fromEntries(parameterNames.map(name => [name, `${site.origin}/x`]))
    assert.equal((await app.post('/revoke', { ...revocation, token: first.accessToken })).status, 200)
    await stage.pawl.settled()
    assert.equal(site.requests.length, 0)
    await assertUnchanged(app, tokens)
  })
})
