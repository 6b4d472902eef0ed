/** The device authorization grant (RFC 8628), from the device's question to its refresh tokens. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { retryKey } from './stage/app.ts'
import { answerDevice, askDevice, assertPoll, poll, television, typeCode } from './stage/device.ts'
import { dpopKey } from './stage/dpop.ts'
import { assertInvalidGrant, assertUnchanged, familyIdOf, historyOf, kindsOf, openScene, rowOf } from './stage/scene.ts'

const intervalSeconds = 5

describe('a device', () => {
  it('is told where to send its person, with which code, and how often to ask', async test => {
    const { app, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    assert.match(asked.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.equal(asked.verification_uri, `${stage.issuer}/device`)
    assert.equal(asked.verification_uri_complete, `${stage.issuer}/device?user_code=${asked.user_code}`)
    assert.deepEqual([asked.expires_in, asked.interval], [600, 5])
    assert.match(asked.device_code, /^pawl_dc_/)
  })

  it('waits until somebody says yes, and then holds tokens of that person', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    assertPoll(await poll(app, asked.device_code), 'authorization_pending')
    const done = await answerDevice(browser, asked.user_code)
    assert.match(done.body, /The device is let in/)
    stage.clock.advanceSeconds(intervalSeconds)
    const first = await poll(app, asked.device_code)
    assert.equal(first.status, 200, JSON.stringify(first.body))
    assert.equal(first.body['scope'], 'openid email offline_access')
    const told = (await (await app.userinfo(first.accessToken)).json()) as { readonly email?: string }
    assert.equal(told.email, 'ada@example.com')
    assert.equal(typeof first.body['id_token'], 'string')
    const next = await app.refresh(first.refreshToken)
    assert.equal(next.status, 200)
    assert.deepEqual(await kindsOf(stage, familyIdOf(stage, next.refreshToken)), ['family_opened'])
  })

  it('hears of a no, and the log keeps where it asked from', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const done = await answerDevice(browser, asked.user_code, 'deny')
    assert.match(done.body, /The device stays out/)
    assertPoll(await poll(app, asked.device_code), 'access_denied')
    const [event] = (await stage.pawl.store.events.latest(20)).filter(({ kind }) => kind === 'device_denied')
    assert.equal(event?.detail['device_address'], '203.0.113.7')
    assert.equal(event.detail['address'], '198.51.100.9')
    const again = await typeCode(stage.browser(), asked.user_code)
    assert.match(again.body, /No device waits for you/)
  })

  it('hears of a no from somebody who turns back instead of signing in', async test => {
    const { app, browser } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const page = await typeCode(browser, asked.user_code)
    assert.match(page.body, /name="password"/)
    await browser.submit(page, { decision: 'cancel' })
    assertPoll(await poll(app, asked.device_code), 'access_denied')
  })

  it('that lost its answer asks again and gets the same refresh token, also with a retry key much later', async test => {
    for (const [headers, laterSeconds] of [
      [{}, 59],
      [retryKey('tv'), 1200],
    ] as const) {
      const { app, browser, stage } = await openScene(test, { client: television })
      const asked = await askDevice(app)
      await answerDevice(browser, asked.user_code)
      const lost = await poll(app, asked.device_code, {}, headers)
      stage.clock.advanceSeconds(laterSeconds)
      const again = await poll(app, asked.device_code, {}, headers)
      assert.equal(again.status, 200, JSON.stringify(again.body))
      assert.equal(again.refreshToken, lost.refreshToken)
      assert.notEqual(again.accessToken, lost.accessToken)
      const row = await rowOf(stage, familyIdOf(stage, again.refreshToken))
      assert.deepEqual([row.generation, row.repeats, row.keyed], [1, 1, laterSeconds === 1200])
    }
  })

  it('is bound to the key that it shows when it gets its tokens', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const key = await dpopKey(stage)
    const other = await dpopKey(stage)
    const asked = await askDevice(app)
    await answerDevice(browser, asked.user_code)
    const first = await poll(app, asked.device_code, {}, await key.proof({}))
    assert.deepEqual([first.status, first.body['token_type']], [200, 'DPoP'])
    stage.clock.advanceSeconds(120)
    assertPoll(await poll(app, asked.device_code, {}, await other.proof({})), 'invalid_grant')
    stage.clock.advanceSeconds(intervalSeconds)
    const again = await poll(app, asked.device_code, {}, await key.proof({}))
    assert.deepEqual([again.status, again.refreshToken], [200, first.refreshToken])
    const next = await app.refresh(first.refreshToken, {}, await key.proof({}))
    assert.equal(next.status, 200)
  })

  it('whose first proof lacks a nonce comes again at once, and that is no impatience', async test => {
    const { app, browser, stage } = await openScene(test, { client: television, settings: { dpopNonces: true } })
    const key = await dpopKey(stage)
    const asked = await askDevice(app)
    await answerDevice(browser, asked.user_code)
    const challenged = await poll(app, asked.device_code, {}, await key.proof({}))
    assert.equal(challenged.body['error'], 'use_dpop_nonce')
    const nonce = challenged.headers.get('dpop-nonce') ?? ''
    const first = await poll(app, asked.device_code, {}, await key.proof({ nonce }))
    assert.equal(first.status, 200, JSON.stringify(first.body))
  })

  it('of a confidential client proves who it is at both endpoints', async test => {
    const client = { id: 'kiosk', kind: 'web', redirectUris: ['https://kiosk.example/cb'], deviceGrant: true }
    const { app, browser, stage, registered } = await openScene(test, { client })
    const asked = await askDevice(app)
    await answerDevice(browser, asked.user_code)
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: asked.device_code,
      client_id: registered.client.id,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const bare = await stage.send('/token', { method: 'POST', headers, body: body.toString() })
    assert.equal(bare.status, 401)
    assert.equal((await poll(app, asked.device_code)).status, 200)
  })

  it('without the grant asks in vain', async test => {
    const { app } = await openScene(test)
    const response = await app.post('/device_authorization', { scope: 'openid' })
    assert.deepEqual(
      [response.status, (await response.json()) as object],
      [400, { error: 'unauthorized_client', error_description: 'The client may not use this grant type.' }],
    )
  })
})

describe('the family of a device', () => {
  it('is opened by the person who said yes, in their session, with all that was asked for', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const [user] = await stage.pawl.store.users.list(1)
    const asked = await askDevice(app, { resource: 'https://api.example/' })
    await answerDevice(browser, asked.user_code)
    const first = await poll(app, asked.device_code, { resource: 'https://api.example/' })
    const family = await rowOf(stage, familyIdOf(stage, first.refreshToken))
    assert.equal(family.grant.subject, user?.subject)
    assert.deepEqual(family.grant.resources, ['https://api.example/'])
    assert.deepEqual([family.codeRepeats, family.redemption, family.branch], [true, null, null])
    const [opened] = await historyOf(stage, family.id)
    assert.equal(opened?.detail['device_address'], '203.0.113.7')
  })

  it('ends with the session of the browser where offline_access was not granted', async test => {
    const { app, browser } = await openScene(test, { client: television })
    const asked = await askDevice(app, { scope: 'openid' })
    const page = await answerDevice(browser, asked.user_code)
    assert.equal(page.status, 200)
    const first = await poll(app, asked.device_code)
    const next = await assertUnchanged(app, first)
    await browser.submit(await browser.open('/logout'), { decision: 'sign_out' })
    assertInvalidGrant(await app.refresh(next.refreshToken))
  })

  it('is cut off with its user also between the yes and the first tokens', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const asked = await askDevice(app)
    await answerDevice(browser, asked.user_code)
    const target = { kind: 'user', subject: user.subject } as const
    await stage.pawl.store.cutOffs.set({ target, reason: 'test', by: 'test', beforeMs: null }, [])
    assertPoll(await poll(app, asked.device_code), 'invalid_grant')
  })
})

describe('the page for a code', () => {
  it('shows the code of a link and does nothing with it until somebody goes on', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const link = new URL(asked.verification_uri_complete)
    const looked = await stage.browser('192.0.2.1').open(link.pathname + link.search)
    assert.match(looked.body, new RegExp(`value="${asked.user_code}"`))
    const opened = await browser.open(link.pathname + link.search)
    const page = await browser.submit(opened, { user_code: asked.user_code })
    assert.match(page.body, /name="password"/)
  })

  it('asks every time, also for what was allowed before and by a first party', async test => {
    const client = {
      id: 'kiosk',
      kind: 'web',
      redirectUris: ['https://kiosk.example/cb'],
      deviceGrant: true,
      firstParty: true,
    }
    const { app, browser } = await openScene(test, { client })
    await app.signIn(browser)
    for (let time = 0; time < 2; time++) {
      const asked = await askDevice(app)
      const page = await typeCode(browser, asked.user_code)
      assert.match(page.body, /value="allow"/)
      assert.match((await browser.decide(page, 'allow')).body, /The device is let in/)
    }
  })

  it('takes the code in any case and with anything between its letters', async test => {
    const { app, browser } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const page = await typeCode(browser, asked.user_code.toLowerCase().replace('-', ' '))
    assert.match(page.body, /name="password"/)
  })

  it('is a dead end for a device whose client was disabled meanwhile', async test => {
    const { app, browser, stage } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    await changeClient(stage.workbench, 'tv', { disabled: true })
    assert.match((await typeCode(browser, asked.user_code)).body, /No device waits for you/)
  })

  it('says that a yes stands where a no comes after it from another tab', async test => {
    const { app, browser } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const page = await browser.signIn(await typeCode(browser, asked.user_code))
    await browser.decide(page, 'allow')
    const late = await browser.decide(page, 'deny')
    assert.match(late.body, /was let in before/)
    assert.match(late.body, /href="\/account"/)
    assert.equal((await poll(app, asked.device_code)).status, 200)
  })

  it('answers a second click as done', async test => {
    const { app, browser } = await openScene(test, { client: television })
    const asked = await askDevice(app)
    const page = await browser.signIn(await typeCode(browser, asked.user_code))
    await browser.decide(page, 'allow')
    assert.match((await browser.decide(page, 'allow')).body, /The device is let in/)
    const first = await poll(app, asked.device_code)
    assert.equal(first.status, 200)
    const late = await browser.decide(page, 'allow')
    assert.deepEqual([late.status, /This step is done/.test(late.body)], [409, true])
  })
})
