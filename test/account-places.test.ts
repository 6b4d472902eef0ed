/** What a person sees of their sessions and of what applications hold for them, and an end to each of it alone. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openAccount, passkeyFormOf, passkeyOptionsOf, press } from './stage/account.ts'
import { type Browser, type BrowserPage, unescapeHtml } from './stage/browser.ts'
import { answerDevice, askDevice, poll, television } from './stage/device.ts'
import { branched } from './stage/exchange.ts'
import { softPasskey } from './stage/passkey.ts'
import {
  assertOver,
  assertUnchanged,
  familyIdOf,
  historyOf,
  openScene,
  rowOf,
  type Scene,
  shop,
} from './stage/scene.ts'
import { giveAuthenticator } from './stage/second-factor.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** A browser that says what it is. */
function named(browser: Browser, agent: string): Browser {
  const send: Browser['send'] = (path, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set('user-agent', agent)
    return browser.send(path, { ...init, headers })
  }
  return { ...browser, send }
}

function branchingShop(test: TestContext): Promise<Scene> {
  return openScene(test, { client: { ...shop, exchange: 'branching' } })
}

/** What the page says, without its markup. */
function wordsOf({ body }: BrowserPage): string {
  const [, main = ''] = /<main[^>]*>([\s\S]*)<\/main>/.exec(body) ?? []
  return unescapeHtml(main.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ')
}

describe('a place in which an application holds something', () => {
  it('is ended alone, and the others of the same application go on', async test => {
    const { app, browser, stage } = await branchingShop(test)
    const kept = await app.signIn(browser)
    stage.clock.advanceSeconds(60)
    const lost = await app.signIn(browser)
    const page = await openAccount(browser)
    assert.match(
      wordsOf(page),
      /Since you signed in on 2 March 2027, 12:01 UTC, .* Since you signed in on 2 March 2027, 12:00 UTC,/,
    )
    const after = await press(browser, page, 'holding_end', { target: familyIdOf(stage, lost.refreshToken) })
    assert.match(wordsOf(after), /That place is ended/)
    await assertOver(app, lost)
    await assertUnchanged(app, kept)
    const { end } = await rowOf(stage, familyIdOf(stage, lost.refreshToken))
    assert.deepEqual([end?.reason, end?.by], ['revoked_by_user', 'user'])
    const [, ended] = await historyOf(stage, familyIdOf(stage, lost.refreshToken))
    assert.deepEqual([ended?.kind, ended?.detail['reason']], ['family_ended', 'revoked_by_user'])
  })

  it('of somebody else is left alone, and so is one that is not there', async test => {
    const { app, browser, stage } = await branchingShop(test)
    const tokens = await app.signIn(browser)
    const bob = await stage.addUser('bob@example.com')
    const stranger = stage.browser('198.51.100.3')
    const page = await stranger.signIn(await stranger.open('/account'), bob.email)
    await app.signIn(stranger)
    const own = await stranger.open('/account')
    assert.match(wordsOf(page), /No application holds anything of yours/)
    for (const target of [familyIdOf(stage, tokens.refreshToken), '01890000-0000-7000-8000-000000000000', 'x', '']) {
      await press(stranger, own, 'holding_end', { target })
    }
    await assertUnchanged(app, tokens)
  })

  it('that was branched off ends alone; the one it came from takes it along', async test => {
    const { app, browser, stage } = await branchingShop(test)
    const first = await app.signIn(browser)
    const one = await branched(app, first.refreshToken, { branch_name: 'one' })
    const two = await branched(app, one.parent.refreshToken, { branch_name: 'two' })
    const page = await openAccount(browser)
    assert.match(wordsOf(page), /For one , as the application calls it/)
    await press(browser, page, 'holding_end', { target: familyIdOf(stage, one.branch.refreshToken) })
    assert.equal((await app.refresh(one.branch.refreshToken)).status, 400)
    const alive = await assertUnchanged(app, two.branch)
    await press(browser, page, 'holding_end', { target: familyIdOf(stage, first.refreshToken) })
    assert.equal((await app.refresh(two.parent.refreshToken)).status, 400)
    assert.equal((await app.refresh(alive.refreshToken)).status, 400)
  })

  it('is called a device where a code let it in', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    await answerDevice(browser, asked.user_code)
    const tokens = await poll(app, asked.device_code)
    const page = await openAccount(browser)
    assert.match(
      wordsOf(page),
      /Television may .* On a device you let in on 2 March 2027, 12:00 UTC, last used 2 March 2027/,
    )
    await press(browser, page, 'holding_end', { target: familyIdOf(stage, tokens.refreshToken) })
    await assertOver(app, tokens)
    assert.match(wordsOf(await browser.open('/account')), /No application holds anything of yours/)
  })
})

describe('a session', () => {
  it('is told by browser, address and time of the last sign-in', async test => {
    const { stage } = await openScene(test, { client: shop })
    const other = stage.browser('2001:db8::7')
    const page = await other.open('/account')
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    const [, stateToken = ''] = /name="state_token" value="([^"]*)"/.exec(page.body) ?? []
    const fields = { state_token: stateToken, username: 'ada@example.com', password: 'correct horse battery staple' }
    await named(other, firefox).send('/account/sign-in', {
      method: 'POST',
      headers: form,
      body: new URLSearchParams({ ...fields, decision: 'sign_in' }).toString(),
    })
    const own = await openAccount(stage.browser('198.51.100.9'))
    assert.match(
      wordsOf(own),
      /Firefox on Linux from 2001:db8::7 , with a password, on 2 March 2027, 12:00 UTC Sign out/,
    )
    assert.match(wordsOf(own), /Another program \(this browser\) from 198\.51\.100\.9 ,/)
  })
})

describe('the way to the account page', () => {
  it('lets somebody else sign in where a second factor is asked of who is signed in', async test => {
    const { browser, stage } = await openScene(test, { client: shop })
    await openAccount(browser)
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    await giveAuthenticator(stage, user)
    const bob = await stage.addUser('bob@example.com')
    const asked = await browser.open('/account')
    assert.match(asked.body, /name="code"/)
    stage.clock.advanceSeconds(1)
    const fresh = await press(browser, asked, 'switch_account')
    assert.match(fresh.body, /name="password"/)
    assert.doesNotMatch(fresh.body, /You are signed in as/)
    const page = await browser.signIn(fresh, bob.email)
    assert.match(wordsOf(page), /You are signed in as bob@example\.com/)
  })

  it('says of a passkey, and not of a password, that it signed nobody in', async test => {
    const { browser, stage } = await openScene(test, { client: shop })
    const page = await browser.open('/account')
    const { challenge } = passkeyOptionsOf(page)
    const credential = softPasskey('unknown').use({ challenge, origin: stage.issuer, rpId: 'localhost', subject: null })
    const refused = await browser.submit(passkeyFormOf(page), { credential, decision: 'passkey' })
    assert.match(wordsOf(refused), /This passkey did not sign you in/)
  })
})
