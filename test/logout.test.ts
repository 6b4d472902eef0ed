/** RP-initiated logout over the wire: who is signed out, what dies with the session, and where the browser goes. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import type { RecordedEvent } from '../packages/server/src/domain/event/event.ts'
import type { App, Tokens } from './stage/app.ts'
import { type Browser, type BrowserPage, formOf } from './stage/browser.ts'
import { eventsOf } from './stage/events.ts'
import { assertOver, assertUnchanged, openScene, type Scene, shop } from './stage/scene.ts'
import type { Stage } from './stage/stage.ts'

const bye = 'https://shop.example/bye'
const leavingShop = { ...shop, postLogoutRedirectUris: [bye, 'https://shop.example/bye?from=pawl'] }
const sessionOnly = { scope: 'openid email' }

interface SignedIn extends Scene {
  /** With `offline_access`. */
  readonly offline: Tokens
  /** Without: it lives as long as the session. */
  readonly online: Tokens
  readonly hint: string
}

async function signedIn(test: TestContext): Promise<SignedIn> {
  const scene = await openScene(test, { client: leavingShop })
  const offline = await scene.app.signIn(scene.browser)
  const online = await scene.app.signIn(scene.browser, sessionOnly)
  return { ...scene, offline, online, hint: hintOf(online) }
}

function hintOf(tokens: Tokens): string {
  return String(tokens.body['id_token'])
}

function logoutPath(fields: { readonly [name: string]: string }): string {
  return `/logout?${new URLSearchParams(fields).toString()}`
}

/** Another web page posts a form to us: a browser sends no `SameSite=Lax` cookie with it. */
async function postAcrossSites(stage: Stage, browser: Browser, fields: { readonly [name: string]: string }) {
  const response = await stage.send('/logout', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
    body: new URLSearchParams(fields).toString(),
  })
  assert.equal(response.status, 303)
  const location = new URL(response.headers.get('location') ?? '')
  assert.equal(location.origin + location.pathname, `${stage.issuer}/logout`)
  assert.deepEqual(response.headers.getSetCookie(), [], 'a request without cookies takes none away')
  return browser.open(location.pathname + location.search)
}

async function assertSignedOut(signed: SignedIn, events = 1): Promise<void> {
  const { app, stage, browser, online, offline } = signed
  assert.ok(!browser.jar.has('__Host-pawl_session'), 'the cookie is gone')
  const prompted = await browser.open(app.authorizePath({ prompt: 'none' }).path)
  assert.equal(prompted.leftTo?.searchParams.get('error'), 'login_required')
  await assertOver(app, online)
  await assertUnchanged(app, offline)
  assert.equal((await signOuts(stage)).length, events)
}

async function assertStillSignedIn(signed: SignedIn): Promise<void> {
  const { app, browser, stage, online, offline } = signed
  const { path } = app.authorizePath({ prompt: 'none', ...sessionOnly })
  assert.notEqual((await browser.open(path)).leftTo?.searchParams.get('code') ?? null, null)
  await assertUnchanged(app, online)
  await assertUnchanged(app, offline)
  assert.equal((await signOuts(stage)).length, 0)
}

function signOuts(stage: Stage): Promise<readonly RecordedEvent[]> {
  return eventsOf(stage, 'signed_out')
}

function assertAsked(page: BrowserPage): void {
  assert.equal(page.status, 200)
  assert.match(page.body, /<h1>Sign out\?<\/h1>/)
  assert.match(page.body, /ada@example\.com/)
  assert.equal(page.leftTo, null)
}

function assertRefused(page: BrowserPage): void {
  assert.equal(page.status, 400)
  assert.equal(page.headers.get('location'), null)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(page.headers.get('pawl-request-id') ?? '', /^req_/)
}

describe('signing out with the hint of this very session', () => {
  it('ends the session and what lives by it, keeps what was allowed offline, and says so once', async test => {
    const signed = await signedIn(test)
    const page = await signed.browser.open(logoutPath({ id_token_hint: signed.hint }))
    assert.equal(page.status, 200)
    assert.match(page.body, /You are signed out/)
    await assertSignedOut(signed)
    const [event] = await signOuts(signed.stage)
    assert.equal(event?.detail['reason'], 'signed out')
    assert.equal(event?.requestId, page.headers.get('pawl-request-id'))
  })

  it('goes back to the registered address with the state, untouched', async test => {
    const signed = await signedIn(test)
    const state = 'a&b=c #d\r\nSet-Cookie: e=f'
    const page = await signed.browser.open(
      logoutPath({ id_token_hint: signed.hint, post_logout_redirect_uri: bye, state }),
    )
    assert.equal(page.status, 303)
    assert.equal(`${page.leftTo?.origin}${page.leftTo?.pathname}`, bye)
    assert.deepEqual([...(page.leftTo?.searchParams ?? [])], [['state', state]])
    assert.equal(page.leftTo?.hash, '')
    await assertSignedOut(signed)
  })

  it('adds the state to a query that is registered', async test => {
    const { browser, hint } = await signedIn(test)
    const address = leavingShop.postLogoutRedirectUris[1] ?? ''
    const page = await browser.open(
      logoutPath({ id_token_hint: hint, post_logout_redirect_uri: address, state: 'x', client_id: 'shop' }),
    )
    assert.equal(page.leftTo?.href, `${address}&state=x`)
  })

  it('works by POST from the application’s own page, which brings no cookie at first', async test => {
    const signed = await signedIn(test)
    const { stage, browser, hint } = signed
    const page = await postAcrossSites(stage, browser, {
      id_token_hint: hint,
      post_logout_redirect_uri: bye,
      state: 'ü#&',
    })
    assert.equal(page.leftTo?.searchParams.get('state'), 'ü#&')
    await assertSignedOut(signed)
  })

  it('works by POST that brings the cookies', async test => {
    const signed = await signedIn(test)
    const response = await signed.browser.send('/logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ id_token_hint: signed.hint, post_logout_redirect_uri: bye }).toString(),
    })
    assert.equal(response.headers.get('location'), bye)
    await assertSignedOut(signed)
  })

  it('works with a hint that has expired (RP-Initiated Logout §2)', async test => {
    const signed = await signedIn(test)
    signed.stage.clock.advanceSeconds(2 * 3600)
    await signed.browser.open(logoutPath({ id_token_hint: signed.hint }))
    await assertSignedOut(signed)
  })

  it('works with a hint of before the same person proved themselves again', async test => {
    const signed = await signedIn(test)
    const { app, browser, stage } = signed
    const before = browser.jar.get('__Host-pawl_session')
    stage.clock.advanceSeconds(1)
    await app.signIn(browser, { ...sessionOnly, prompt: 'login' })
    assert.notEqual(browser.jar.get('__Host-pawl_session'), before)
    await browser.open(logoutPath({ id_token_hint: signed.hint }))
    await assertSignedOut(signed)
  })

  it('done twice is done once', async test => {
    const signed = await signedIn(test)
    await signed.browser.open(logoutPath({ id_token_hint: signed.hint }))
    const again = await signed.browser.open(logoutPath({ id_token_hint: signed.hint, post_logout_redirect_uri: bye }))
    assert.equal(again.leftTo?.href, bye)
    await assertSignedOut(signed)
  })
})

describe('signing out on anybody else’s word', () => {
  it('CK-14 asks when no hint is there, by GET, as an image would, and by POST', async test => {
    const signed = await signedIn(test)
    const { browser, stage } = signed
    assertAsked(await browser.open('/logout'))
    assertAsked(await browser.open(logoutPath({ client_id: 'shop', post_logout_redirect_uri: bye, state: 's' })))
    assertAsked(await postAcrossSites(stage, browser, { client_id: 'shop' }))
    await assertStillSignedIn(signed)
  })

  it('CK-14 asks when the hint is of another session, another person, or a session of before', async test => {
    const signed = await signedIn(test)
    const { app, browser, stage } = signed
    const elsewhere = await app.signIn(stage.browser('192.0.2.77'), sessionOnly)
    await stage.addUser('eve@example.com')
    const eve = stage.browser('192.0.2.66')
    const { path, verifier } = app.authorizePath(sessionOnly)
    const signedInPage = await eve.signIn(await eve.open(path), 'eve@example.com')
    const allowed = await eve.decide(signedInPage, 'allow')
    const code = allowed.leftTo?.searchParams.get('code') ?? ''
    const eves = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
    for (const tokens of [elsewhere, eves]) {
      assertAsked(await browser.open(logoutPath({ id_token_hint: hintOf(tokens), post_logout_redirect_uri: bye })))
    }
    await assertStillSignedIn(signed)
  })

  it('asks on a page whose yes signs out and goes back, with the state of the question', async test => {
    const signed = await signedIn(test)
    const { browser } = signed
    const asked = await browser.open(logoutPath({ client_id: 'shop', post_logout_redirect_uri: bye, state: 's 1' }))
    const left = await browser.submit(asked, { decision: 'sign_out' })
    assert.equal(left.leftTo?.href, `${bye}?state=s+1`)
    await assertSignedOut(signed)
  })

  it('stays signed in when the answer is no', async test => {
    const signed = await signedIn(test)
    const asked = await signed.browser.open('/logout')
    const home = await signed.browser.submit(asked, { decision: 'stay' })
    assert.match(home.body, /ada@example\.com/)
    await assertStillSignedIn(signed)
  })

  it('takes no answer from another browser, another site, or about another session', async test => {
    const signed = await signedIn(test)
    const { browser, stage, app } = signed
    const other = stage.browser('192.0.2.77')
    await app.signIn(other, sessionOnly)
    const asked = await browser.open('/logout')
    const { body } = formOf(asked, { decision: 'sign_out' })
    const post = (by: Browser, headers: { readonly [name: string]: string } = {}): Promise<Response> =>
      by.send('/sign-out', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body,
      })
    assert.equal((await post(other)).status, 400)
    for (const site of ['cross-site', 'same-site']) {
      assert.equal((await post(browser, { 'sec-fetch-site': site })).status, 403, site)
    }
    await assertStillSignedIn(signed)
  })

  it('goes nowhere by an address that was taken back while the question stood open', async test => {
    const signed = await signedIn(test)
    const { browser, stage } = signed
    const asked = await browser.open(logoutPath({ client_id: 'shop', post_logout_redirect_uri: bye }))
    await changeClient(stage.workbench, 'shop', { postLogoutRedirectUris: [] })
    const done = await browser.submit(asked, { decision: 'sign_out' })
    assert.equal(done.leftTo, null)
    assert.match(done.body, /You are signed out/)
    await assertSignedOut(signed)
  })
})

describe('a sign-out request that is not right', () => {
  it('ends nothing and goes nowhere', async test => {
    const signed = await signedIn(test)
    const { browser, hint, offline, stage } = signed
    await stage.addClient({ id: 'other', kind: 'web', redirectUris: ['https://other.example/cb'] })
    const [header = '', payload = '', signature = ''] = hint.split('.')
    const wrong: readonly { readonly [name: string]: string }[] = [
      { id_token_hint: 'x' },
      { id_token_hint: offline.accessToken },
      { id_token_hint: `${header}.${payload}.` },
      { id_token_hint: `${header}.${payload}.${signature.slice(0, -2)}AA` },
      { id_token_hint: hint, client_id: 'other' },
      { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' },
      { id_token_hint: hint, post_logout_redirect_uri: shop.redirectUris[0] ?? '' },
      { post_logout_redirect_uri: bye },
      { client_id: 'nobody', post_logout_redirect_uri: bye },
      { client_id: 'other', post_logout_redirect_uri: bye },
      { id_token_hint: hint, post_logout_redirect_uri: bye, state: '\u0001'.repeat(3000) },
    ]
    for (const fields of wrong) assertRefused(await browser.open(logoutPath(fields)))
    assertRefused(await browser.open(`${logoutPath({ id_token_hint: hint })}&id_token_hint=${hint}`))
    await assertStillSignedIn(signed)
  })

  it('goes to no address of a client that is disabled', async test => {
    const { browser, stage, hint } = await signedIn(test)
    await changeClient(stage.workbench, 'shop', { disabled: true })
    assertRefused(await browser.open(logoutPath({ id_token_hint: hint, post_logout_redirect_uri: bye })))
  })
})

describe('two people on one browser', () => {
  it('CK-08 never get each other’s tokens, and the first is signed out by the second', async test => {
    const { app, browser, stage } = await openScene(test, { client: leavingShop })
    await stage.addUser('eve@example.com')
    const adas = await app.signIn(browser, sessionOnly)
    const offline = await app.signIn(browser)
    const pending = await app.authorize(browser, sessionOnly)
    const open = await browser.open(app.authorizePath({ prompt: 'consent' }).path)

    stage.clock.advanceSeconds(1)
    const eves = await signInAs(app, browser, 'eve@example.com')
    assert.equal(eves.email, 'eve@example.com')
    await assertOver(app, adas)
    await assertUnchanged(app, offline)
    assert.equal((await app.redeem(pending)).status, 400, 'a code of a session that ended')
    const [event, ...others] = await signOuts(stage)
    assert.equal(event?.detail['reason'], 'replaced')
    assert.deepEqual(others, [])

    const late = await browser.decide(open, 'allow')
    assert.equal(late.leftTo, null, 'the consent page of the first is no answer of the second')
  })
})

async function signInAs(app: App, browser: Browser, email: string): Promise<Tokens & { readonly email: unknown }> {
  const { path, verifier } = app.authorizePath({ ...sessionOnly, prompt: 'login' })
  let page = await browser.signIn(await browser.open(path), email)
  if (page.leftTo === null) page = await browser.decide(page, 'allow')
  const code = page.leftTo?.searchParams.get('code') ?? ''
  const tokens = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
  assert.equal(tokens.status, 200)
  const claims = (await (await app.userinfo(tokens.accessToken)).json()) as { readonly email?: unknown }
  return { ...tokens, email: claims.email }
}
