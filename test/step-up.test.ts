/** Levels of authentication: what a request asks for, what a person has shown, and how one becomes the other. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { passwordAcr, phishingResistantAcr, twoFactorAcr } from '../packages/server/src/domain/session/acr.ts'
import { firstFactorSeconds } from '../packages/server/src/oauth/authorize/interaction.ts'
import type { Fields } from './stage/app.ts'
import type { BrowserPage } from './stage/browser.ts'
import { idTokenOf } from './stage/id-token.ts'
import { openScene, type Scene, shop } from './stage/scene.ts'
import { type Authenticator, giveAuthenticator } from './stage/second-factor.ts'

interface Equipped extends Scene {
  readonly authenticator: Authenticator
}

/** Somebody with an authenticator application, and a client that never asks for consent. */
async function equipped(test: TestContext): Promise<Equipped> {
  const scene = await openScene(test, { client: { ...shop, firstParty: true } })
  const [user] = await scene.stage.pawl.store.users.list(1)
  assert.ok(user !== undefined)
  return { ...scene, authenticator: await giveAuthenticator(scene.stage, user) }
}

function askFor(scene: Scene, fields: Fields = {}): Promise<BrowserPage> {
  return scene.browser.open(scene.app.authorizePath({ scope: 'openid', ...fields }).path)
}

function asksForCode(page: BrowserPage): boolean {
  return page.leftTo === null && page.body.includes('name="code"')
}

function errorOf(page: BrowserPage): string | null {
  return page.leftTo?.searchParams.get('error') ?? null
}

/** Both factors, as far as they are asked for, and what the ID token says of them. */
async function signedIn(scene: Equipped, fields: Fields = {}) {
  const { app, browser, authenticator, stage } = scene
  const { path, verifier } = app.authorizePath({ scope: 'openid', ...fields })
  let page = await browser.open(path)
  if (page.body.includes('name="password"')) page = await browser.signIn(page)
  if (asksForCode(page)) page = await browser.submit(page, { code: authenticator.code(), decision: 'check' })
  const code = page.leftTo?.searchParams.get('code')
  assert.ok(typeof code === 'string', page.body.slice(0, 300))
  const tokens = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
  const { acr, amr, auth_time: authTime, sid } = await idTokenOf(stage, tokens, 'shop')
  return { tokens, acr, amr, authTime, sid }
}

describe('a person with an authenticator application', () => {
  it('is asked for a code after the password, and has no session before', async test => {
    const scene = await equipped(test)
    const first = await scene.browser.signIn(await askFor(scene))
    assert.equal(asksForCode(first), true)
    assert.equal(scene.browser.jar.has('__Host-pawl_session'), false)
    const done = await scene.browser.submit(first, { code: scene.authenticator.code(), decision: 'check' })
    assert.ok(done.leftTo?.searchParams.has('code'))
    assert.equal(scene.browser.jar.has('__Host-pawl_session'), true)
  })

  it('is told to have shown two factors, and when the password was right', async test => {
    const scene = await equipped(test)
    const { acr, amr, authTime } = await signedIn(scene)
    assert.deepEqual([acr, amr], [twoFactorAcr, ['pwd', 'otp', 'mfa']])
    assert.equal(authTime, Math.floor(scene.stage.clock.nowMs() / 1000))
  })

  it('signs in with a recovery code, in capitals and without dashes too, once', async test => {
    const scene = await equipped(test)
    const { browser, authenticator } = scene
    const [code = ''] = authenticator.recoveryCodes
    const page = await browser.signIn(await askFor(scene))
    const done = await browser.submit(page, { code: code.toUpperCase().replaceAll('-', ''), decision: 'check' })
    assert.ok(done.leftTo?.searchParams.has('code'))
    scene.stage.clock.advanceSeconds(1)
    const again = await browser.signIn(await askFor(scene, { prompt: 'login' }))
    const refused = await browser.submit(again, { code, decision: 'check' })
    assert.equal(asksForCode(refused), true)
    assert.match(refused.body, /This code is not right/)
  })

  it('shows the password again where the code was left lying', async test => {
    const scene = await equipped(test)
    const page = await scene.browser.signIn(await askFor(scene))
    scene.stage.clock.advanceSeconds(firstFactorSeconds)
    const late = await scene.browser.submit(page, { code: scene.authenticator.code(), decision: 'check' })
    assert.match(late.body, /name="password"/)
    assert.equal(scene.browser.jar.has('__Host-pawl_session'), false)
  })

  it('gets no session with a code alone, in another browser or after being disabled', async test => {
    const scene = await equipped(test)
    const { stage, browser, authenticator } = scene
    const page = await browser.signIn(await askFor(scene))
    const stranger = stage.browser()
    const elsewhere = await stranger.submit(page, { code: authenticator.code(), decision: 'check' })
    assert.equal(elsewhere.status, 400)
    const reading = await stage.pawl.store.users.readByEmailKey('ada@example.com')
    assert.ok(reading !== null)
    await stage.pawl.store.users.change({ ...reading.user, disabled: true }, reading.version, 'all', [])
    const after = await browser.submit(page, { code: authenticator.code(), decision: 'check' })
    assert.match(after.body, /name="password"/)
    assert.equal(browser.jar.has('__Host-pawl_session'), false)
  })
})

describe('acr_values', () => {
  it('CK-05 raise a session that has shown less, under a new secret and the same sid', async test => {
    const scene = await openScene(test, { client: { ...shop, firstParty: true } })
    const { stage, browser } = scene
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const before = await signedIn({ ...scene, authenticator: { code: () => '', recoveryCodes: [] } })
    assert.equal(before.acr, passwordAcr)
    const authenticator = await giveAuthenticator(stage, user)
    const weak = browser.jar.get('__Host-pawl_session')
    stage.clock.advanceSeconds(60)
    assert.ok((await askFor(scene)).leftTo?.searchParams.has('code'), 'nobody asks for more without a reason')
    const raised = await signedIn({ ...scene, authenticator }, { acr_values: `urn:other ${twoFactorAcr}` })
    assert.deepEqual([raised.acr, raised.amr], [twoFactorAcr, ['pwd', 'otp', 'mfa']])
    assert.deepEqual([raised.sid, raised.authTime], [before.sid, before.authTime])
    const strong = browser.jar.get('__Host-pawl_session')
    assert.notEqual(strong, weak)
    browser.jar.set('__Host-pawl_session', weak ?? '')
    assert.match((await askFor(scene)).body, /name="password"/, 'the old secret opens nothing')
  })

  it('are a wish: whoever has no such way goes on as they are, and silence is not broken', async test => {
    const scene = await equipped(test)
    assert.equal((await signedIn(scene, { acr_values: phishingResistantAcr })).acr, twoFactorAcr)
    const silent = await askFor(scene, { acr_values: phishingResistantAcr, prompt: 'none' })
    assert.ok(silent.leftTo?.searchParams.has('code'))
  })

  it('tell the level that was asked for where more was shown', async test => {
    const scene = await equipped(test)
    assert.equal((await signedIn(scene, { acr_values: passwordAcr })).acr, passwordAcr)
    assert.equal((await signedIn(scene)).acr, twoFactorAcr)
  })

  it('that are longer than any list of them are refused', async test => {
    const scene = await equipped(test)
    assert.equal(errorOf(await askFor(scene, { acr_values: 'x'.repeat(513) })), 'invalid_request')
  })
})

describe('an essential acr', () => {
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [twoFactorAcr] } } })

  it('is reached, or the request fails', async test => {
    const scene = await equipped(test)
    assert.equal((await signedIn(scene, { claims })).acr, twoFactorAcr)
    const more = JSON.stringify({ id_token: { acr: { essential: true, value: phishingResistantAcr } } })
    assert.equal(errorOf(await askFor(scene, { claims: more })), 'unmet_authentication_requirements')
  })

  it('is asked for in words, never in silence', async test => {
    const scene = await openScene(test, { client: { ...shop, firstParty: true } })
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    await scene.browser.signIn(await askFor(scene))
    await giveAuthenticator(scene.stage, user)
    assert.equal(errorOf(await askFor(scene, { claims, prompt: 'none' })), 'interaction_required')
    assert.equal(asksForCode(await askFor(scene, { claims })), true)
  })
})

describe('max_age', () => {
  it('asks for password and code again, and then the sign-in is fresh', async test => {
    const scene = await equipped(test)
    await signedIn(scene)
    scene.stage.clock.advanceSeconds(120)
    const page = await askFor(scene, { max_age: '60' })
    assert.match(page.body, /name="password"/)
    const { authTime, acr } = await signedIn(scene, { max_age: '60' })
    assert.equal(authTime, Math.floor(scene.stage.clock.nowMs() / 1000))
    assert.equal(acr, twoFactorAcr)
  })
})
