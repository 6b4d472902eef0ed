/** What happens to refresh tokens when their owner changes how they sign in, or the client asks for more. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { resetFactors } from '../../packages/server/src/admin/users.ts'
import { twoFactorAcr } from '../../packages/server/src/domain/session/acr.ts'
import { type ChangeEnding, endsOf } from '../../packages/server/src/domain/user/ends.ts'
import { openAccount, passkeyFormOf, passkeyOptionsOf, press } from '../stage/account.ts'
import type { App, Tokens } from '../stage/app.ts'
import { type Browser, stagePassword } from '../stage/browser.ts'
import { eventsOf } from '../stage/events.ts'
import { softPasskey } from '../stage/passkey.ts'
import { familyIdOf, openScene, rowOf, type Scene, settle, shop } from '../stage/scene.ts'
import { giveAuthenticator } from '../stage/second-factor.ts'

const fresh = 'a brand new passphrase'

interface Holder {
  readonly browser: Browser
  readonly tokens: Tokens
}

interface TwoBrowsers extends Scene {
  /** Where the change is made. */
  readonly own: Holder
  readonly other: Holder
}

/** One person, signed in to one application in two browsers. */
async function twoBrowsers(test: TestContext, ending: ChangeEnding = 'others'): Promise<TwoBrowsers> {
  const settings = { passwordChangeEnds: ending }
  const scene = await openScene(test, { client: { ...shop, firstParty: true }, settings })
  const holder = async (browser: Browser): Promise<Holder> => ({ browser, tokens: await scene.app.signIn(browser) })
  const own = await holder(scene.stage.browser('198.51.100.1'))
  const other = await holder(scene.stage.browser('198.51.100.2'))
  return { ...scene, own, other }
}

async function isAlive(app: App, { tokens }: Holder): Promise<boolean> {
  const { status, body } = await app.refresh(tokens.refreshToken)
  assert.ok(status === 200 || body['error'] === 'invalid_grant', JSON.stringify(body))
  return status === 200
}

async function isSignedIn(app: App, { browser }: Holder): Promise<boolean> {
  const { leftTo } = await browser.open(app.authorizePath({ prompt: 'none', scope: 'openid' }).path)
  return leftTo?.searchParams.has('code') === true
}

async function changePassword(scene: TwoBrowsers): Promise<void> {
  const { browser } = scene.own
  const page = await openAccount(browser)
  const typed = { current_password: stagePassword, new_password: fresh }
  const done = await press(browser, page, 'change_password', typed)
  assert.doesNotMatch(done.body, /role="alert"/)
}

describe('a password that is changed', () => {
  it('RT-21 ends every other session and its tokens, and leaves the one it is changed in', async test => {
    const scene = await twoBrowsers(test)
    const { app, own, other } = scene
    await changePassword(scene)
    assert.deepEqual([await isAlive(app, own), await isSignedIn(app, own)], [true, true])
    assert.deepEqual([await isAlive(app, other), await isSignedIn(app, other)], [false, false])
    const events = await eventsOf(scene.stage, 'password_changed')
    assert.equal(events.length, 1)
  })

  it('RT-21 ends all or nothing where the operator says so', async test => {
    const all = await twoBrowsers(test, 'all')
    await changePassword(all)
    assert.deepEqual([await isAlive(all.app, all.own), await isAlive(all.app, all.other)], [false, false])
    assert.equal(await isSignedIn(all.app, all.own), false)
    const none = await twoBrowsers(test, 'none')
    await changePassword(none)
    assert.deepEqual([await isAlive(none.app, none.own), await isAlive(none.app, none.other)], [true, true])
  })

  it('RT-21 spares nothing any more once something else ends everything, however early it lies', async test => {
    const scene = await twoBrowsers(test)
    const { app, own, stage } = scene
    const { subject } = (await rowOf(stage, familyIdOf(stage, own.tokens.refreshToken))).grant
    assert.ok(subject !== null)
    const beforeMs = await stage.pawl.store.now()
    stage.clock.advanceSeconds(10)
    await changePassword(scene)
    assert.equal(await isSignedIn(app, own), true)
    const cutOff = { target: { kind: 'user', subject }, reason: 'stolen', by: 'operator', beforeMs } as const
    await stage.pawl.store.cutOffs.set(cutOff, [])
    assert.deepEqual([await isAlive(app, own), await isSignedIn(app, own)], [false, false])
  })

  it('RT-21 is not changed by who does not know it, and then nothing ends', async test => {
    const { app, own, other } = await twoBrowsers(test)
    const page = await openAccount(own.browser)
    const typed = { current_password: 'not the password', new_password: fresh }
    const refused = await press(own.browser, page, 'change_password', typed)
    assert.match(refused.body, /The password you have now is another one/)
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [true, true])
  })

  it('RT-21 by a link in a mail ends everything, in every browser', async test => {
    const { app, own, other, stage } = await twoBrowsers(test, 'none')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = (path: string, fields: { readonly [name: string]: string }) =>
      own.browser.send(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() })
    await post('/forgotten', { username: 'ada@example.com' })
    await settle(stage)
    const [, token = ''] = /token=([\w-]+)/.exec(stage.mails()[0]?.text ?? '') ?? []
    assert.equal((await post('/password', { token, new_password: fresh })).status, 200)
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [false, false])
    assert.deepEqual([await isSignedIn(app, own), await isSignedIn(app, other)], [false, false])
  })
})

describe('another way to sign in', () => {
  it('RT-21 that is set up or turned off ends every other session and its tokens', async test => {
    const scene = await twoBrowsers(test)
    const { app, own, stage } = scene
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const { code } = await giveAuthenticator(stage, user)
    stage.clock.advanceSeconds(1)
    const page = await openAccount(own.browser)
    const account = page.body.includes('name="code"') ? await press(own.browser, page, 'check', { code: code() }) : page
    await press(own.browser, account, 'totp_remove')
    assert.deepEqual([await isAlive(app, own), await isAlive(app, scene.other)], [true, false])
    assert.equal((await eventsOf(stage, 'totp_removed')).length, 1)
  })

  it('RT-21 that is added takes nothing away; a passkey that is removed ends every other session', async test => {
    const { app, own, other, stage } = await twoBrowsers(test)
    const { browser } = own
    const page = await openAccount(browser)
    const { challenge } = passkeyOptionsOf(page)
    const asked = { challenge, origin: stage.issuer, rpId: 'localhost', subject: null }
    const credential = softPasskey('one').creation(asked)
    const added = await browser.submit(passkeyFormOf(page), { credential, name: 'One', decision: 'passkey' })
    assert.match(added.body, /The passkey is added/)
    const rotated = await app.refresh(other.tokens.refreshToken)
    assert.equal(rotated.status, 200)
    await press(browser, added, 'passkey_remove')
    assert.equal(await isAlive(app, { ...other, tokens: rotated }), false)
    assert.equal(await isAlive(app, own), true)
  })

  it('RT-21 that the operator takes away ends everything, and the password alone signs in again', async test => {
    const { app, own, other, stage } = await twoBrowsers(test, 'none')
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    await giveAuthenticator(stage, user)
    await resetFactors(stage.workbench, user.email)
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [false, false])
    assert.match((await openAccount(stage.browser('198.51.100.5'))).body, /Your account<\/h1>/)
    assert.equal((await eventsOf(stage, 'factors_reset')).length, 1)
  })

  it('ends what the rule says', () => {
    const session = 'a session' as Parameters<typeof endsOf>[1]
    assert.deepEqual(endsOf('others', session), { allBut: session })
    assert.equal(endsOf('none', session), 'nothing')
    assert.equal(endsOf('all', session), 'all')
  })
})

describe('the account page', () => {
  it('RT-21 signs out everywhere, tokens of this browser and of applications that work alone included', async test => {
    const { app, own, other } = await twoBrowsers(test)
    const page = await openAccount(own.browser)
    await press(own.browser, page, 'sign_out_everywhere')
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [false, false])
    assert.deepEqual([await isSignedIn(app, own), await isSignedIn(app, other)], [false, false])
    assert.equal(own.browser.jar.has('__Host-pawl_session'), false)
  })

  it('signs out one other browser, with its tokens, and nobody elses', async test => {
    const { app, own, other, stage } = await twoBrowsers(test)
    const bob = await stage.addUser('bob@example.com')
    const stranger = stage.browser('198.51.100.3')
    await stranger.signIn(await stranger.open('/account'), bob.email)
    const page = await openAccount(own.browser)
    const [strange] = await stage.pawl.store.sessions.ofUser(bob.subject, 10)
    assert.ok(strange !== undefined)
    await press(own.browser, page, 'session_end', { target: strange.id })
    assert.ok((await stage.pawl.store.sessions.read(strange.id)) !== null, 'a session of somebody else')
    await press(own.browser, page, 'session_end')
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [true, false])
    assert.equal(await isSignedIn(app, other), false)
  })

  it('takes back what an application may do, with all its tokens', async test => {
    const { app, own, other } = await twoBrowsers(test)
    const page = await openAccount(own.browser)
    assert.match(page.body, /Take back all that shop may do/)
    const after = await press(own.browser, page, 'consent_withdraw')
    assert.match(after.body, /No application holds anything of yours/)
    assert.deepEqual([await isAlive(app, own), await isAlive(app, other)], [false, false])
    assert.equal(await isSignedIn(app, own), true)
  })

  it('is shown to who has signed in a moment ago, and its forms work in their own browser alone', async test => {
    const { own, other, stage } = await twoBrowsers(test)
    const page = await openAccount(own.browser)
    const foreign = await press(other.browser, page, 'sign_out_everywhere')
    assert.match(foreign.body, /Your account<\/h1>/)
    stage.clock.advanceSeconds(900)
    const late = await own.browser.open('/account')
    assert.match(late.body, /name="password"/)
    assert.match(late.body, /You are signed in as/)
    assert.match((await press(own.browser, page, 'sign_out_everywhere')).body, /name="password"/)
  })
})

describe('a client that asks for more by now', () => {
  it('RT-43 for a stronger sign-in sends its users there, and the token is not spent', async test => {
    const { app, own, stage } = await twoBrowsers(test)
    await changeClient(stage.workbench, 'shop', { minimumAcr: twoFactorAcr })
    assert.equal(await isAlive(app, own), false)
    const silent = await own.browser.open(app.authorizePath({ prompt: 'none', scope: 'openid' }).path)
    assert.equal(silent.leftTo?.searchParams.get('error'), 'unmet_authentication_requirements')
    await changeClient(stage.workbench, 'shop', { minimumAcr: null })
    assert.equal(await isAlive(app, own), true, 'the same token')
  })

  it('RT-43 for a fresher sign-in does so too, from the second it is too old', async test => {
    const { app, own, stage } = await twoBrowsers(test)
    await changeClient(stage.workbench, 'shop', { maxAuthAgeSeconds: 3600 })
    stage.clock.advanceSeconds(3600)
    const rotated = await app.refresh(own.tokens.refreshToken)
    assert.equal(rotated.status, 200)
    stage.clock.advanceMs(1)
    assert.equal((await app.refresh(rotated.refreshToken)).body['error'], 'invalid_grant')
    const silent = await own.browser.open(app.authorizePath({ prompt: 'none', scope: 'openid' }).path)
    assert.equal(silent.leftTo?.searchParams.get('error'), 'login_required')
    const again = await app.signIn(own.browser)
    assert.equal((await app.refresh(again.refreshToken)).status, 200)
    await changeClient(stage.workbench, 'shop', { maxAuthAgeSeconds: null })
    assert.equal((await app.refresh(rotated.refreshToken)).status, 200, 'it was never spent')
  })
})
