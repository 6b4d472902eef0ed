/** The pages on which people sign in to their own account and change it: what other sites and other browsers make of them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openAccount, press } from '../stage/account.ts'
import { type Browser, type BrowserPage, formOf, stagePassword } from '../stage/browser.ts'
import { eventsOf } from '../stage/events.ts'
import { openScene, type Scene, settle, shop } from '../stage/scene.ts'
import { giveAuthenticator } from '../stage/second-factor.ts'

const sessionCookie = '__Host-pawl_session'
const eve = 'eve@example.com'
const formType = { 'content-type': 'application/x-www-form-urlencoded' }

type Form = ReturnType<typeof formOf>

function send(browser: Browser, form: Form, headers = {}): Promise<Response> {
  return browser.send(form.action, { method: 'POST', headers: { ...formType, ...headers }, body: form.body })
}

/** One of each page that people meet on the way to their account and on it. */
async function everyPage(scene: Scene): Promise<readonly (readonly [string, BrowserPage])[]> {
  const { app, browser, stage } = scene
  const visitor = stage.browser('198.51.100.50')
  const signIn = await visitor.open('/account')
  const account = await openAccount(browser)
  const start = await press(browser, account, 'totp_start')
  const signUp = await visitor.open(app.authorizePath({ prompt: 'create' }).path)
  const sent = await visitor.submit(signUp, { username: 'grace@example.com', decision: 'sign_up' })
  await settle(stage)
  const [, token = ''] = /token=([\w-]+)/.exec(stage.mails()[0]?.text ?? '') ?? []
  const choose = await visitor.open(`/password?token=${token}`)
  const pages: (readonly [string, BrowserPage])[] = [
    ['sign-in to the account', signIn],
    ['wrong password', await visitor.signIn(signIn, eve, 'wrong password')],
    ['account', account],
    ['authenticator', start],
    ['wrong code', await press(browser, start, 'totp_confirm', { code: '000000' })],
    ['sign-up', signUp],
    ['sent', sent],
    ['choose a password', choose],
    ['password refused', await visitor.submit(choose, { new_password: 'short', decision: 'choose' })],
    ['password chosen', await visitor.submit(choose, { new_password: 'long enough for this', decision: 'choose' })],
    ['link over', await visitor.open(`/password?token=${token}`)],
    ['forgotten', await visitor.open('/forgotten')],
    ['device', await visitor.open('/device')],
    ['upstream, stale', await visitor.open('/upstream/callback/none?state=x&code=y')],
  ]
  const [user] = (await stage.pawl.store.users.list(10)).filter(({ email }) => email === 'ada@example.com')
  assert.ok(user !== undefined)
  await giveAuthenticator(stage, user)
  const half = stage.browser('198.51.100.51')
  const codeAsked = await half.signIn(await half.open('/account'))
  assert.match(codeAsked.body, /name="code"/)
  return [...pages, ['second factor', codeAsked]]
}

describe('a page of the account', () => {
  it('CK-04, CK-17 cannot be framed, is in no cache and tells no referrer', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    for (const [about, { headers }] of await everyPage(scene)) {
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'/, about)
      assert.match(policy, /frame-ancestors 'none'/, about)
      assert.doesNotMatch(policy, /unsafe|https?:|\*/, about)
      assert.equal(headers.get('x-frame-options'), 'DENY', about)
      assert.equal(headers.get('referrer-policy'), 'no-referrer', about)
      assert.equal(headers.get('cache-control'), 'no-store', about)
    }
  })
})

describe('a form of the account, sent by somebody else', () => {
  it('CK-03 signs nobody in to the attacker’s account in the victim’s browser', async test => {
    const { browser, stage } = await openScene(test, { client: shop })
    await stage.addUser(eve)
    const attacker = stage.browser('192.0.2.66')
    const form = formOf(await attacker.open('/account'), { username: eve, password: stagePassword })
    for (const site of ['cross-site', 'same-site']) {
      assert.equal((await send(browser, form, { 'sec-fetch-site': site })).status, 403, site)
    }
    // A browser that says nothing about sites is sent back to begin by itself.
    const silent = await send(browser, form)
    assert.deepEqual([silent.status, silent.headers.get('location')], [303, `${stage.issuer}/account`])
    assert.equal(browser.jar.has(sessionCookie), false)
    assert.deepEqual(await eventsOf(stage, 'signed_in'), [])
  })

  it('CK-03 shows no second factor of the attacker’s in it either', async test => {
    const { app, browser, stage } = await openScene(test, { client: shop })
    const { code } = await giveAuthenticator(stage, await stage.addUser(eve))
    const attacker = stage.browser('192.0.2.66')
    const page = await attacker.signIn(await attacker.open(app.authorizePath().path), eve)
    const form = formOf(page, { code: code(), decision: 'check' })
    assert.equal((await send(browser, form, { 'sec-fetch-site': 'cross-site' })).status, 403)
    assert.equal((await send(browser, form)).status, 400)
    assert.equal(browser.jar.has(sessionCookie), false)
  })

  it('CK-03, CK-09 changes nothing without the page’s own state, or with that of another session', async test => {
    const { browser, stage } = await openScene(test, { client: shop })
    const other = stage.browser('198.51.100.52')
    const [page, foreign] = [await openAccount(browser), await openAccount(other)]
    const stateOf = (shown: BrowserPage) => new URLSearchParams(formOf(shown, {}).body).get('state_token') ?? ''
    const changes = [
      { decision: 'change_password', current_password: stagePassword, new_password: 'the attacker’s own words' },
      { decision: 'totp_start' },
      { decision: 'sign_out_everywhere' },
    ]
    for (const state_token of ['', 'x', stateOf(foreign), `${stateOf(page)}A`]) {
      for (const fields of changes) {
        const answer = await send(browser, {
          action: '/account',
          body: new URLSearchParams({ ...fields, state_token }).toString(),
        })
        assert.deepEqual([answer.status, answer.headers.get('location')], [303, `${stage.issuer}/account`])
      }
    }
    assert.deepEqual(await eventsOf(stage, 'password_changed'), [])
    assert.match((await openAccount(browser)).body, /Your account<\/h1>/)
    assert.match((await openAccount(other)).body, /Your account<\/h1>/)
  })

  it('CK-05 that shows more gives the browser another secret, and the one of before opens nothing', async test => {
    const scene = await openScene(test, { client: shop })
    const { browser, stage } = scene
    await openAccount(browser)
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const { code } = await giveAuthenticator(stage, user)
    const weak = browser.jar.get(sessionCookie) ?? ''
    const asked = await browser.open('/account')
    assert.match(asked.body, /name="code"/)
    assert.match((await browser.submit(asked, { code: code(), decision: 'check' })).body, /Your account<\/h1>/)
    assert.notEqual(browser.jar.get(sessionCookie), weak)
    const copied = stage.browser()
    copied.jar.set(sessionCookie, weak)
    assert.match((await copied.open('/account')).body, /name="password"/)
  })
})
