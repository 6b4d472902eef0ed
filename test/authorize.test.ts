/** The authorization endpoint: what a request may say, and what it gets. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stateCharactersMax } from '../packages/server/src/oauth/authorize/authorization-request.ts'
import { interactionSeconds } from '../packages/server/src/oauth/authorize/interaction.ts'
import type { App, Fields } from './stage/app.ts'
import { type Browser, type BrowserPage, formOf, unescapeHtml } from './stage/browser.ts'
import { idTokenOf } from './stage/id-token.ts'
import { openStage, type Stage } from './stage/stage.ts'

const redirectUri = 'https://a.example/cb'

describe('an authorization request', () => {
  it('answers a code with state and iss, and puts the nonce into the ID token', async () => {
    const { stage, app } = await opened()
    const authorization = await app.authorize(stage.browser(), { state: 'a b&c=d/é', nonce: 'n-0S6' })
    const { code, state, iss, ...more } = Object.fromEntries(authorization.parameters)
    assert.deepEqual({ state, iss, more }, { state: 'a b&c=d/é', iss: stage.issuer, more: {} })
    assert.match(code ?? '', /^pawl_ac_[\w-]{76}$/)
    assert.equal((await idTokenOf(stage, await app.redeem(authorization), 'shop'))['nonce'], 'n-0S6')
    await stage.close()
  })

  it('answers no state where none was sent', async () => {
    const { stage, app } = await opened()
    for (const state of [undefined, '']) {
      const { parameters } = await app.authorize(stage.browser(), { state })
      assert.deepEqual([...parameters.keys()], ['code', 'iss'])
    }
    await stage.close()
  })

  it('adds its answer to the query that the redirect URI has', async () => {
    const { stage, app } = await opened({ redirectUris: ['https://a.example/cb?tenant=1'] })
    const { parameters } = await app.authorize(stage.browser())
    assert.equal(parameters.get('tenant'), '1')
    assert.ok(parameters.has('code'))
    await stage.close()
  })

  it('may be posted, and comes back with GET, for then the cookies come too', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    const query = app.authorizePath({ state: 'posted', prompt: 'none' }).path.slice('/authorize?'.length)
    const posted = await post(browser, query)
    assert.equal(posted.status, 303)
    assert.equal(posted.headers.get('location'), `${stage.issuer}/authorize?${query}`)
    assert.equal(posted.headers.get('cache-control'), 'no-store')
    const { leftTo } = await browser.open(pathOf(posted))
    assert.equal(leftTo?.searchParams.get('state'), 'posted')
    assert.ok(leftTo.searchParams.has('code'))
    await stage.close()
  })

  it('may be posted with any character a form may hold, and splits no header', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const query = app.authorizePath({ state: undefined, prompt: 'none' }).path.slice('/authorize?'.length)
    for (const state of ['é', '#x', 'a\r\nLocation: https://evil.example', 'a b', '\ufeff', '"<>', '😀']) {
      const posted = await post(browser, `${query}&state=${state}`)
      assert.equal(posted.status, 303, state)
      const { leftTo } = await browser.open(pathOf(posted))
      assert.equal(leftTo?.searchParams.get('state'), state)
    }
    const refused = [
      await browser.send('/authorize?client_id=shop', { method: 'POST', headers: formType, body: query }),
      await browser.send('/authorize', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }),
      await post(browser, Buffer.from([...Buffer.from(`${query}&state=`), 0xff])),
    ]
    assert.deepEqual(
      refused.map(({ status }) => status),
      [400, 400, 400],
    )
    await stage.close()
  })

  it('is refused on our own page where a parameter is repeated or the query is too long', async () => {
    const { stage, app } = await opened()
    const { path } = app.authorizePath()
    for (const query of [`${path}&state=again`, `${path}&client_id=shop`, `${path}&x=${'x'.repeat(12_000)}`]) {
      const answer = await stage.browser().open(query)
      assert.equal(answer.status, 400)
      assert.equal(answer.leftTo, null)
      assert.match(answer.body, /Reference, if you ask for help/)
    }
    await stage.close()
  })

  it('ignores parameters it does not know, and languages it does not speak', async () => {
    const { stage, app } = await opened()
    const { parameters } = await app.authorize(stage.browser(), {
      ui_locales: 'fr-CA de',
      display: 'popup',
      foo: 'bar',
    })
    assert.ok(parameters.has('code'))
    await stage.close()
  })

  it('is carried through sign-in at its longest, and one state longer is refused at once', async () => {
    const { stage, app } = await opened()
    const longest = 's'.repeat(stateCharactersMax)
    const claims = JSON.stringify({ userinfo: { email: { values: ['v'.repeat(3000)] } } })
    const sent = [
      { state: longest },
      ...[longest, '\u0001'.repeat(1000), '"'.repeat(1500)].map(state => ({ state, claims })),
    ]
    for (const fields of sent) {
      const authorization = await app.authorize(stage.browser(), fields)
      assert.equal(authorization.parameters.get('state'), fields.state)
      assert.equal((await app.redeem(authorization)).status, 200)
    }
    const tooLong = await stage.browser().open(app.authorizePath({ state: `${longest}s` }).path)
    assert.deepEqual([tooLong.status, tooLong.leftTo], [400, null])
    await stage.close()
  })

  it('is kept where it is too long to ride along, for whoever began with it and for as long as others', async () => {
    const { stage, app } = await opened()
    const claims = JSON.stringify({ userinfo: { email: { values: ['v'.repeat(3000)] } } })
    const { path } = app.authorizePath({ state: 's'.repeat(stateCharactersMax), claims, prompt: 'login' })
    const browser = stage.browser()
    const first = await browser.open(path)
    assert.ok(formOf(first, {}).body.length < 2000, 'the page carries a name, not the request')
    const wrong = await browser.signIn(first, 'nobody@example.com', 'wrong')
    assert.match(wrong.body, /do not go together/)
    stage.clock.advanceSeconds(interactionSeconds - 60)
    const asked = await browser.signIn(wrong)
    const allowed = await browser.decide(asked, 'allow')
    const again = await browser.decide(asked, 'allow')
    assert.equal(allowed.leftTo?.searchParams.has('code'), true)
    assert.equal(again.leftTo?.href, allowed.leftTo?.href)
    stage.clock.advanceSeconds(1)
    const late = await browser.open(path)
    stage.clock.advanceSeconds(interactionSeconds)
    assert.equal((await browser.signIn(late)).status, 400)
    await stage.close()
  })

  it('keeps a state that the page can still carry after a wrong password of any shape', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const state = 's'.repeat(stateCharactersMax)
    let page = await browser.open(app.authorizePath({ state, prompt: 'login' }).path)
    for (const typed of ['\u0001'.repeat(254), '😀'.repeat(127), '"'.repeat(254), 'x'.repeat(300)]) {
      page = await browser.signIn(page, typed, 'wrong')
      assert.equal(page.status, 200, page.body.slice(0, 200))
      assert.match(page.body, /do not go together/)
    }
    const after = await browser.decide(await browser.signIn(page), 'allow')
    assert.equal(after.leftTo?.searchParams.get('state'), state)
    await stage.close()
  })
})

describe('the form_post mode', () => {
  it('posts the answer by a form that the policy lets send itself', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    const authorize = app.authorizePath({ response_mode: 'form_post', state: 'a"b&amp;' })
    const page = await browser.open(authorize.path)
    assert.deepEqual([page.status, page.leftTo], [200, null])
    const { action, fields } = formOn(page)
    assert.equal(action, redirectUri)
    assert.deepEqual(Object.keys(fields), ['code', 'state', 'iss'])
    assert.deepEqual({ state: fields['state'], iss: fields['iss'] }, { state: 'a"b&amp;', iss: stage.issuer })
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.ok(policy.startsWith("default-src 'none'; script-src 'self'; "))
    assert.deepEqual(page.body.match(/<script/g), ['<script'])
    const script = await stage.send(/<script src="([^"]*)"><\/script>/.exec(page.body)?.[1] ?? '')
    assert.match(script.headers.get('content-type') ?? '', /^text\/javascript/)
    assert.match(await script.text(), /submit/)
    assert.equal(page.headers.get('cache-control'), 'no-store')
    const answer = { code: fields['code'] ?? '', verifier: authorize.verifier, parameters: new URLSearchParams(fields) }
    assert.equal((await app.redeem(answer)).status, 200)
    await stage.close()
  })

  it('posts errors too, and nothing to an address of another scheme', async () => {
    const { stage, app } = await opened()
    const { fields } = formOn(
      await stage.browser().open(app.authorizePath({ response_mode: 'form_post', prompt: 'none' }).path),
    )
    assert.equal(fields['error'], 'login_required')
    const native = stage.app(
      await stage.addClient({ id: 'phone', kind: 'native', redirectUris: ['com.example.app:/cb'] }),
    )
    const { leftTo } = await stage.browser().open(native.authorizePath({ response_mode: 'form_post' }).path)
    assert.equal(leftTo?.protocol, 'com.example.app:')
    assert.equal(leftTo.searchParams.get('error'), 'invalid_request')
    await stage.close()
  })
})

describe('prompt', () => {
  it('none shows no page: a code, login_required or consent_required', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    assert.equal(await errorOf(browser, app, { prompt: 'none' }), 'login_required')
    await browser.signIn(await browser.open(app.authorizePath().path))
    assert.equal(await errorOf(browser, app, { prompt: 'none' }), 'consent_required')
    await app.signIn(browser)
    assert.equal(await errorOf(browser, app, { prompt: 'none' }), null)
    assert.equal(await errorOf(browser, app, { prompt: 'none', scope: 'openid email profile' }), 'consent_required')
    assert.equal(await errorOf(browser, app, { prompt: 'none consent' }), 'invalid_request')
    await stage.close()
  })

  it('login and select_account ask who it is, though somebody is signed in, and move auth_time', async () => {
    for (const prompt of ['login', 'select_account', 'login consent']) {
      const { stage, app } = await opened()
      const browser = stage.browser()
      const before = await idTokenOf(stage, await app.signIn(browser), 'shop')
      stage.clock.advanceSeconds(10)
      const { path, verifier } = app.authorizePath({ prompt })
      const page = await browser.open(path)
      assert.match(page.body, /name="password"/)
      assert.match(page.body, /You are signed in as <bdi>ada@example\.com<\/bdi>/)
      const next = await browser.signIn(page)
      const left = prompt.includes('consent') ? await browser.decide(next, 'allow') : next
      const code = left.leftTo?.searchParams.get('code') ?? ''
      const tokens = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
      const after = await idTokenOf(stage, tokens, 'shop')
      assert.equal(Number(after['auth_time']), Number(before['auth_time']) + 10)
      assert.equal(after['sid'], before['sid'], 'the same person goes on in the same session')
      await stage.close()
    }
  })

  it('login cannot be satisfied by going back and on again', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    stage.clock.advanceSeconds(10)
    const { path } = app.authorizePath({ prompt: 'login' })
    for (let times = 0; times < 2; times++) assert.match((await browser.open(path)).body, /name="password"/)
    await stage.close()
  })

  it('consent asks again what was allowed before', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    const page = await browser.open(app.authorizePath({ prompt: 'consent' }).path)
    assert.match(page.body, /value="allow"/)
    assert.equal((await browser.decide(page, 'deny')).leftTo?.searchParams.get('error'), 'access_denied')
    await stage.close()
  })
})

describe('max_age', () => {
  it('asks for a new sign-in in the first second beyond it, and answers login_required to prompt=none', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    stage.clock.advanceSeconds(100)
    assert.equal(await errorOf(browser, app, { prompt: 'none', max_age: '100' }), null)
    stage.clock.advanceMs(1)
    assert.equal(await errorOf(browser, app, { prompt: 'none', max_age: '100' }), 'login_required')
    assert.match((await browser.open(app.authorizePath({ max_age: '100' }).path)).body, /name="password"/)
    assert.equal(await errorOf(browser, app, { prompt: 'none', max_age: '' }), null)
    await stage.close()
  })

  it('of 0 always asks, and is satisfied by the sign-in it asked for', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    stage.clock.advanceMs(1)
    assert.equal(await errorOf(browser, app, { prompt: 'none', max_age: '0' }), 'login_required')
    const tokens = await app.signIn(browser, { max_age: '0' })
    const { auth_time } = await idTokenOf(stage, tokens, 'shop')
    assert.equal(auth_time, Math.floor(stage.clock.nowMs() / 1000))
    await stage.close()
  })

  it('is a whole number of seconds', async () => {
    const { stage, app } = await opened()
    for (const max_age of ['-1', '1.5', '1e3', 'x', ' 1', '12345678901']) {
      assert.equal(await errorOf(stage.browser(), app, { max_age }), 'invalid_request', max_age)
    }
    await stage.close()
  })
})

describe('hints about the person', () => {
  it('login_hint stands in the field, escaped', async () => {
    const { stage, app } = await opened()
    const page = await stage.browser().open(app.authorizePath({ login_hint: '"><b>@example.com' }).path)
    assert.ok(page.body.includes('value="&quot;&gt;&lt;b&gt;@example.com"'))
    assert.equal(await errorOf(stage.browser(), app, { login_hint: 'x'.repeat(255) }), 'invalid_request')
    await stage.close()
  })

  it('id_token_hint lets its own person on, and nobody else', async () => {
    const { stage, app } = await opened()
    await stage.addUser('bob@example.com')
    const ada = stage.browser()
    const hint = String((await app.signIn(ada)).body['id_token'])
    assert.equal(await errorOf(ada, app, { prompt: 'none', id_token_hint: hint }), null)
    const bob = stage.browser()
    await bob.signIn(await bob.open(app.authorizePath().path), 'bob@example.com')
    assert.equal(await errorOf(bob, app, { prompt: 'none', id_token_hint: hint }), 'login_required')
    const page = await bob.open(app.authorizePath({ id_token_hint: hint }).path)
    assert.match(page.body, /name="password"/)
    assert.equal(page.body.includes('signed in as'), false)
    const again = await bob.signIn(page, 'bob@example.com')
    assert.equal(again.leftTo, null)
    assert.match(again.body, /another person than the one who signed in/)
    const ok = await bob.signIn(again, 'ada@example.com')
    assert.ok(ok.leftTo?.searchParams.has('code'))
    await stage.close()
  })

  it('id_token_hint is refused where it has run out, was altered, or belongs to another client', async () => {
    const { stage, app } = await opened()
    const other = stage.app(await stage.addClient({ id: 'other', kind: 'web', redirectUris: [redirectUri] }))
    const browser = stage.browser()
    const tokens = await app.signIn(browser)
    const hint = String(tokens.body['id_token'])
    const foreign = String((await other.signIn(browser)).body['id_token'])
    for (const id_token_hint of [foreign, `${hint}x`, hint.slice(0, -4), tokens.accessToken, tokens.refreshToken]) {
      assert.equal(await errorOf(browser, app, { prompt: 'none', id_token_hint }), 'invalid_request')
    }
    stage.clock.advanceSeconds(3599)
    assert.equal(await errorOf(browser, app, { prompt: 'none', id_token_hint: hint }), null)
    stage.clock.advanceSeconds(1)
    assert.equal(await errorOf(browser, app, { prompt: 'none', id_token_hint: hint }), 'invalid_request')
    await stage.close()
  })
})

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

async function opened(
  registration: { readonly [name: string]: unknown } = {},
): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage()
  await stage.addUser()
  const app = stage.app(
    await stage.addClient({ id: 'shop', kind: 'web', redirectUris: [redirectUri], ...registration }),
  )
  return { stage, app }
}

/** The error that comes straight back to the application, or null for a code. */
async function errorOf(browser: Browser, app: App, fields: Fields): Promise<string | null> {
  const page = await browser.open(app.authorizePath(fields).path)
  assert.ok(page.leftTo, `a page of status ${page.status} was shown`)
  assert.notEqual(page.leftTo.searchParams.has('code'), page.leftTo.searchParams.has('error'))
  return page.leftTo.searchParams.get('error')
}

function post(browser: Browser, body: string | Buffer<ArrayBuffer>): Promise<Response> {
  return browser.send('/authorize', { method: 'POST', headers: formType, body })
}

function pathOf(redirect: Response): string {
  const url = new URL(redirect.headers.get('location') ?? '')
  return url.pathname + url.search
}

function formOn(page: BrowserPage): { readonly action: string; readonly fields: { readonly [name: string]: string } } {
  const form = /<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/.exec(page.body)
  const inputs = [...(form?.[2] ?? '').matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const fields = Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, unescapeHtml(value)]))
  return { action: unescapeHtml(form?.[1] ?? ''), fields }
}
