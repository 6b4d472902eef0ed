/** A person's own page: setting up another way to sign in, seeing what there is, and pages that came too late. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { recoveryCodesCount } from '../packages/server/src/domain/user/credentials.ts'
import { openAccount, press } from './stage/account.ts'
import type { BrowserPage } from './stage/browser.ts'
import { eventsOf } from './stage/events.ts'
import { openScene, type Scene, shop } from './stage/scene.ts'

/** The key as it stands on the page, in fours. */
function keyOn(page: BrowserPage): Secret {
  const [, text] = /<dt>Key<\/dt><dd><code>([A-Z2-7 ]+)<\/code>/.exec(page.body) ?? []
  assert.ok(text !== undefined, page.body.slice(0, 400))
  return Secret.fromBase32(text.replaceAll(' ', ''))
}

function codeOf(scene: Scene, secret: Secret): string {
  return TOTP.generate({ secret, timestamp: scene.stage.clock.nowMs() })
}

function codesOn(page: BrowserPage): readonly string[] {
  return [...page.body.matchAll(/<li><code>([\w-]+)<\/code>/g)].map(([, code = '']) => code)
}

async function setUp(scene: Scene): Promise<{ readonly secret: Secret; readonly codes: readonly string[] }> {
  const page = await press(scene.browser, await openAccount(scene.browser), 'totp_start')
  const secret = keyOn(page)
  const done = await press(scene.browser, page, 'totp_confirm', { code: codeOf(scene, secret) })
  return { secret, codes: codesOn(done) }
}

describe('the account page', () => {
  it('sets up codes with the first code of a key, which no other place has seen', async test => {
    const scene = await openScene(test, { client: shop })
    const { secret, codes } = await setUp(scene)
    assert.equal(new Set(codes).size, recoveryCodesCount)
    scene.stage.clock.advanceSeconds(30)
    const stranger = scene.stage.browser('198.51.100.20')
    const asked = await stranger.signIn(await stranger.open('/account'))
    assert.match(asked.body, /name="code"/)
    const done = await stranger.submit(asked, { code: codeOf(scene, secret), decision: 'check' })
    assert.match(done.body, /You have 10 recovery codes left/)
    assert.equal((await eventsOf(scene.stage, 'totp_set')).length, 1)
  })

  it('takes no key whose code does not come back, and shows the same key again', async test => {
    const scene = await openScene(test, { client: shop })
    const page = await press(scene.browser, await openAccount(scene.browser), 'totp_start')
    const secret = keyOn(page)
    const refused = await press(scene.browser, page, 'totp_confirm', { code: '12345x' })
    assert.match(refused.body, /This code does not belong to this key/)
    assert.equal(keyOn(refused).base32, secret.base32)
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    assert.equal((await scene.stage.pawl.store.credentials.ofUser(user.subject)).totp, null)
    const done = await press(scene.browser, refused, 'totp_confirm', { code: codeOf(scene, secret) })
    assert.equal(codesOn(done).length, recoveryCodesCount)
  })

  it('draws the key as a picture of its own making, and nothing is fetched for it', async test => {
    const scene = await openScene(test, { client: shop })
    const page = await press(scene.browser, await openAccount(scene.browser), 'totp_start')
    const [, source = ''] = /<img src="([^"]*)"/.exec(page.body) ?? []
    assert.match(source, /^data:image\/svg\+xml,%3Csvg/)
    assert.match(page.headers.get('content-security-policy') ?? '', /img-src data:/)
  })

  it('does not take the code that set it up for a sign-in', async test => {
    const scene = await openScene(test, { client: shop })
    const { secret } = await setUp(scene)
    const stranger = scene.stage.browser('198.51.100.20')
    const asked = await stranger.signIn(await stranger.open('/account'))
    const again = await stranger.submit(asked, { code: codeOf(scene, secret), decision: 'check' })
    assert.match(again.body, /was used before/)
  })

  it('makes new recovery codes in the place of the old ones', async test => {
    const scene = await openScene(test, { client: shop })
    const { secret, codes } = await setUp(scene)
    scene.stage.clock.advanceSeconds(30)
    const open = await scene.browser.open('/account')
    const code = codeOf(scene, secret)
    const account = open.body.includes('name="code"') ? await press(scene.browser, open, 'check', { code }) : open
    const fresh = codesOn(await press(scene.browser, account, 'recovery_codes'))
    assert.equal(fresh.length, recoveryCodesCount)
    assert.ok(fresh.every(one => !codes.includes(one)))
    const stranger = scene.stage.browser('198.51.100.20')
    const asked = await stranger.signIn(await stranger.open('/account'))
    const old = await stranger.submit(asked, { code: codes[0] ?? '', decision: 'check' })
    assert.match(old.body, /was used before/)
    const done = await stranger.submit(old, { code: fresh[0] ?? '', decision: 'check' })
    assert.match(done.body, /You have 9 recovery codes left/)
  })

  it('lists where its owner is signed in, this browser first', async test => {
    const scene = await openScene(test, { client: shop })
    const other = scene.stage.browser('198.51.100.21')
    await other.signIn(await other.open('/account'))
    scene.stage.clock.advanceSeconds(60)
    const page = await openAccount(scene.browser)
    assert.ok(page.body.indexOf('(this browser)') < page.body.indexOf('from <bdi>198.51.100.21</bdi>'))
    assert.match(page.body, /from <bdi>198\.51\.100\.9<\/bdi>, with a password, on 2 March 2027, 12:01 UTC/)
    assert.match(page.body, /from <bdi>198\.51\.100\.21<\/bdi>, with a password, on 2 March 2027, 12:00 UTC/)
  })

  it('offers no passkeys where the issuer is an address', async test => {
    const settings = { issuer: 'http://127.0.0.1:7295' }
    const scene = await openScene(test, { client: shop, settings })
    const page = await scene.browser.open('/account')
    assert.doesNotMatch(page.body, /passkey/i)
    assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /script-src/)
  })

  it('refuses posts from other sites, and sends pages of another browser back to the start', async test => {
    const scene = await openScene(test, { client: shop })
    await openAccount(scene.browser)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = (site: string) =>
      scene.browser.send('/account', {
        method: 'POST',
        headers: { ...headers, 'sec-fetch-site': site },
        body: 'decision=sign_out_everywhere&state_token=x',
      })
    for (const site of ['cross-site', 'same-site']) assert.equal((await post(site)).status, 403)
    assert.equal((await post('same-origin')).status, 303)
    assert.match((await scene.browser.open('/account')).body, /Your account<\/h1>/)
  })
})
