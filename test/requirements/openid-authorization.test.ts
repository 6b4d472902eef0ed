/** OpenID Connect Core 1.0 §3.1.2, §5.5 and §15.1, as an application meets them: what a request may say, and its answer. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { App, Fields } from '../stage/app.ts'
import { type Browser, type BrowserPage, formOf, stagePassword } from '../stage/browser.ts'
import { idTokenOf } from '../stage/id-token.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'

const noChallenge = { code_challenge: undefined, code_challenge_method: undefined }

async function web(test: TestContext, registration: object = {}): Promise<Scene> {
  return openScene(test, { client: { ...shop, ...registration } })
}

async function toldBack(browser: Browser, app: App, fields: Fields): Promise<URLSearchParams> {
  const page = await browser.open(app.authorizePath(fields).path)
  assert.ok(page.leftTo, `a page of status ${page.status} was shown`)
  return page.leftTo.searchParams
}

function assertShownHere({ status, leftTo }: BrowserPage): void {
  assert.deepEqual([status, leftTo], [400, null])
}

describe('a request for a code', () => {
  it('needs no nonce, and then the ID token has none', async test => {
    const { stage, app, browser } = await web(test)
    const claims = await idTokenOf(stage, await app.signIn(browser, { nonce: undefined }), 'shop')
    assert.equal('nonce' in claims, false)
  })

  it('needs neither nonce nor PKCE where the operator lets a confidential client do without', async test => {
    const { stage, app, browser } = await web(test, { pkce: 'optional' })
    const authorization = await app.authorize(browser, { ...noChallenge, nonce: undefined })
    const tokens = await app.redeem(authorization, { code_verifier: undefined })
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
    assert.equal('nonce' in (await idTokenOf(stage, tokens, 'shop')), false)

    const proven = await app.authorize(browser)
    assert.equal((await app.redeem(proven, { code_verifier: undefined })).status, 400, 'a challenge that came counts')
    assert.equal((await app.redeem(proven)).status, 200)
    const bare = await toldBack(browser, app, { ...noChallenge, scope: 'email' })
    assert.equal(bare.get('error'), 'invalid_request', 'without OpenID Connect there is no doing without')
    const phone = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'], pkce: 'optional' }
    await assert.rejects(stage.addClient(phone), /confidential/)
  })

  it('without openid in its scope is no request for an ID token', async test => {
    const { app, browser } = await web(test)
    const tokens = await app.signIn(browser, { scope: 'email offline_access' })
    assert.equal('id_token' in tokens.body, false)
    assert.equal(tokens.body['scope'], 'email offline_access')
    assert.equal((await app.userinfo(tokens.accessToken)).status, 403)
  })

  it('is answered whatever the order of its scopes', async test => {
    const { app, browser } = await web(test)
    for (const scope of ['email openid', 'profile openid email', 'phone address openid']) {
      const tokens = await app.signIn(browser, { scope })
      assert.deepEqual(new Set(String(tokens.body['scope']).split(' ')), new Set(scope.split(' ')))
      assert.equal('id_token' in tokens.body, true, scope)
    }
  })

  it('is answered whatever display, language, level or hint it names', async test => {
    const { app, browser } = await web(test)
    const named: readonly Fields[] = [
      { display: 'page' },
      { display: 'popup' },
      { display: 'touch' },
      { display: 'wap' },
      { ui_locales: 'se' },
      { claims_locales: 'se en' },
      { acr_values: '1 2' },
      { acr_values: 'urn:pawl:acr:mfa phr' },
      { login_hint: 'somebody@else.example' },
      { extra: 'foobar' },
      { display: 'popup', ui_locales: 'de-CH fr', claims_locales: 'de', acr_values: '0', extra: 'foobar' },
    ]
    for (const fields of named) {
      const tokens = await app.signIn(browser, fields)
      assert.equal(tokens.status, 200, JSON.stringify(fields))
    }
  })

  it('with parameters that have no value is as if they were left out', async test => {
    const { stage, app, browser } = await web(test)
    const left = [
      'nonce',
      'prompt',
      'max_age',
      'display',
      'login_hint',
      'acr_values',
      'claims',
      'id_token_hint',
      'ui_locales',
    ]
    const modes = ['response_mode', 'request', 'request_uri', 'registration', 'dpop_jkt']
    const empty = Object.fromEntries([...left, ...modes].map(name => [name, '']))
    const tokens = await app.signIn(browser, empty)
    assert.equal('nonce' in (await idTokenOf(stage, tokens, 'shop')), false)
  })

  it('without a response type is answered by invalid_request, with its state', async test => {
    const { stage, app, browser } = await web(test)
    for (const response_type of [undefined, '']) {
      const { error, state, iss, code } = Object.fromEntries(
        await toldBack(browser, app, { response_type, state: 'kept' }),
      )
      assert.deepEqual([error, state, iss, code], ['invalid_request', 'kept', stage.issuer, undefined])
    }
  })

  it('with a registration in it is refused by that name', async test => {
    const { app, browser } = await web(test)
    const registration = JSON.stringify({ client_name: 'Somebody else' })
    assert.equal((await toldBack(browser, app, { registration })).get('error'), 'registration_not_supported')
  })

  it('goes to no address but one that is registered, to the letter', async test => {
    const { app, browser } = await web(test, { redirectUris: ['https://shop.example/cb?tenant=1'] })
    const addresses = [
      undefined,
      'https://shop.example/cb',
      'https://shop.example/cb?tenant=2',
      'https://shop.example/cb?tenant=1&more=x',
      'https://shop.example/cb/?tenant=1',
      'https://shop.example/other',
      'https://other.example/cb?tenant=1',
    ]
    for (const redirect_uri of addresses) {
      assertShownHere(await browser.open(app.authorizePath({ redirect_uri }).path))
    }
    const { parameters } = await app.authorize(browser)
    assert.deepEqual([parameters.get('tenant'), parameters.has('code')], ['1', true])
  })

  it('is answered where it names a person who has to show that it is they', async test => {
    const { stage, app, browser } = await web(test)
    const first = await app.signIn(browser, { scope: 'openid' })
    const hint = String(first.body['id_token'])
    const silent = await app.authorize(browser, { scope: 'openid', prompt: 'none', id_token_hint: hint })
    const again = await app.redeem(silent)
    assert.equal((await idTokenOf(stage, again, 'shop')).sub, (await idTokenOf(stage, first, 'shop')).sub)
    const nobody = await toldBack(stage.browser('192.0.2.9'), app, { prompt: 'none', id_token_hint: hint })
    assert.equal(nobody.get('error'), 'login_required')
  })

  it('tells when the person signed in, and keeps to it for as long as max_age lets it', async test => {
    const { stage, app, browser } = await web(test)
    const first = await idTokenOf(stage, await app.signIn(browser, { max_age: '15000' }), 'shop')
    stage.clock.advanceSeconds(1000)
    const kept = await idTokenOf(stage, await app.signIn(browser, { max_age: '10000' }), 'shop')
    assert.equal(kept['auth_time'], first['auth_time'])
    const fresh = await idTokenOf(stage, await app.signIn(browser, { max_age: '1' }), 'shop')
    assert.equal(fresh['auth_time'], Number(first['auth_time']) + 1000)
  })

  it('is gone on with by 303 after each form, so that no browser sends the password again', async test => {
    const { app, browser } = await web(test)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    const submit = async (page: BrowserPage, fields: { readonly [name: string]: string }): Promise<URL> => {
      const { action, body } = formOf(page, fields)
      const answer = await browser.send(action, { method: 'POST', headers, body })
      assert.equal(answer.status, 303)
      return new URL(answer.headers.get('location') ?? '')
    }
    const first = await browser.open(app.authorizePath().path)
    const sentOn = await submit(first, { username: 'ada@example.com', password: stagePassword, decision: 'sign_in' })
    const left = await submit(await browser.open(sentOn.pathname + sentOn.search), { decision: 'allow' })
    assert.deepEqual([left.origin, left.searchParams.has('code')], ['https://shop.example', true])
  })

  it('for claims that nobody has of the person is answered without them, essential or not', async test => {
    const { app, browser } = await web(test)
    const wanted = { name: { essential: true }, middle_name: null, locale: { values: ['de', 'fr'] } }
    const tokens = await app.signIn(browser, { scope: 'openid', claims: JSON.stringify({ userinfo: wanted }) })
    const told = (await (await app.userinfo(tokens.accessToken)).json()) as object
    assert.deepEqual(Object.keys(told), ['sub'])
  })
})
