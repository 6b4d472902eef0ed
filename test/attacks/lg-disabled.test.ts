/** A disabled person at every door that is not the front one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { disableUser, enableUser } from '../../packages/server/src/admin/users.ts'
import type { BrowserPage } from '../stage/browser.ts'
import { answerDevice, askDevice, assertPoll, poll, television, typeCode } from '../stage/device.ts'
import { handOn } from '../stage/exchange.ts'
import { assertInvalidGrant, assertOver, openScene, type Scene, settle, shop } from '../stage/scene.ts'

const ada = 'ada@example.com'
const orders = 'https://orders.example/'

function disable({ stage }: Scene): Promise<unknown> {
  return disableUser(stage.workbench, ada)
}

async function errorInSilence({ app, browser }: Scene): Promise<string | null> {
  const page: BrowserPage = await browser.open(app.authorizePath({ scope: 'openid', prompt: 'none' }).path)
  return page.leftTo?.searchParams.get('error') ?? null
}

describe('a disabled person', () => {
  it('LG-05 lets no device in: neither one that was allowed and has not asked, nor one that still waits', async test => {
    const scene = await openScene(test, { client: television })
    const { app, browser, stage } = scene
    const [allowed, waiting] = [await askDevice(app), await askDevice(app)]
    await answerDevice(browser, allowed.user_code)
    const page = await typeCode(browser, waiting.user_code)
    assert.match(page.body, /value="allow"/)
    await disable(scene)
    assertPoll(await poll(app, allowed.device_code), 'invalid_grant')
    assert.match((await browser.decide(page, 'allow')).body, /name="password"/)
    assertPoll(await poll(app, waiting.device_code), 'authorization_pending')
    stage.clock.advanceSeconds(1)
    await enableUser(stage.workbench, ada)
    stage.clock.advanceSeconds(waiting.interval)
    assertPoll(await poll(app, allowed.device_code), 'invalid_grant')
  })

  it('LG-05 is asked to sign in where a page of theirs stood open, and answers nothing in silence', async test => {
    const scene = await openScene(test, { client: shop })
    const { app, browser } = scene
    const tokens = await app.signIn(browser)
    const code = await app.authorize(browser)
    const page = await browser.open(app.authorizePath({ prompt: 'consent' }).path)
    const account = await browser.open('/account')
    assert.match(account.body, /Your account<\/h1>/)
    await disable(scene)
    const answered = await browser.decide(page, 'allow')
    assert.equal(answered.leftTo, null)
    assert.match(answered.body, /name="password"/)
    assert.equal(await errorInSilence(scene), 'login_required')
    assert.match((await browser.open('/account')).body, /name="password"/)
    assertInvalidGrant(await app.redeem(code))
    await assertOver(app, tokens)
    assert.deepEqual(await app.introspect(tokens.accessToken), { active: false })
  })

  it('LG-05 is spoken for by no API that was sent their token, nor by a branch of it', async test => {
    const scopes = ['openid', 'offline_access', 'read']
    const scene = await openScene(test, { client: { ...shop, scopes } })
    const { app, browser, stage } = scene
    const rule = { audiences: [orders], resources: ['https://stock.example/'], exchange: 'delegation' }
    const api = stage.app(await stage.addClient({ id: 'orders', kind: 'service', scopes: ['read'], ...rule }))
    const tokens = await app.signIn(browser, { scope: scopes.join(' '), resource: orders })
    const before = await handOn(api, tokens.accessToken, { resource: 'https://stock.example/' })
    assert.equal(before.status, 200, JSON.stringify(before.body))
    await disable(scene)
    const after = await handOn(api, tokens.accessToken, { resource: 'https://stock.example/' })
    assert.deepEqual([after.status, after.accessToken], [400, ''])
    assert.deepEqual(await api.introspect(before.accessToken), { active: false })
  })

  it('LG-05 gets no mail to choose a password by, and no other answer than anybody', async test => {
    const scene = await openScene(test, { client: shop })
    const { stage } = scene
    await disable(scene)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const ask = (username: string) =>
      stage.send('/forgotten', { method: 'POST', headers, body: new URLSearchParams({ username }).toString() })
    const [known, unknown] = [await ask(ada), await ask('eve@example.com')]
    assert.deepEqual([known.status, await known.text()], [unknown.status, await unknown.text()])
    await settle(stage)
    assert.deepEqual(stage.mails(), [])
  })

  it('LG-05 who is enabled again signs in as ever, and nothing of before comes back', async test => {
    const scene = await openScene(test, { client: shop })
    const { app, browser, stage } = scene
    const tokens = await app.signIn(browser)
    await disable(scene)
    const tried = await browser.signIn(await browser.open(app.authorizePath().path))
    assert.match(tried.body, /name="password"/)
    stage.clock.advanceSeconds(1)
    await enableUser(stage.workbench, ada)
    assert.equal(await errorInSilence(scene), 'login_required')
    await assertOver(app, tokens)
    assert.equal((await app.signIn(browser)).status, 200)
  })
})
