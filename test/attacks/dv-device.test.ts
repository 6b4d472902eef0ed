/** Attacks on devices that wait for a person (RFC 8628 §5, RFC 10027). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { devicesPerClientMax, devicesPerNetworkMax } from '../../packages/server/src/oauth/device-authorization.ts'
import {
  wrongCodesPerBrowserMax,
  wrongCodesPerNetworkMax,
} from '../../packages/server/src/domain/device/user-code-limits.ts'
import { retryKey } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { answerDevice, askDevice, assertPoll, type AskedDevice, poll, television, typeCode } from '../stage/device.ts'
import { assertInvalidGrant, assertUnchanged, familyIdOf, kindsOf, openScene, type Scene } from '../stage/scene.ts'

const slowSeconds = 5
const noDevice = /No device waits for you under this code/

async function asked(test: TestContext): Promise<Scene & { readonly device: AskedDevice }> {
  const scene = await openScene(test, { client: television })
  return { ...scene, device: await askDevice(scene.app) }
}

describe('a device that polls', () => {
  it('DV-01 is told to slow down when it asks too early, and each time it has five seconds more to wait', async test => {
    const { app, stage, device } = await asked(test)
    assertPoll(await poll(app, device.device_code), 'authorization_pending')
    stage.clock.advanceSeconds(2)
    const early = await poll(app, device.device_code)
    assertPoll(early, 'slow_down')
    assert.equal(early.headers.get('retry-after'), null, 'a device counts its interval from the answer')
    stage.clock.advanceSeconds(device.interval)
    assertPoll(await poll(app, device.device_code), 'slow_down')
    stage.clock.advanceSeconds(device.interval + 2 * slowSeconds)
    assertPoll(await poll(app, device.device_code), 'authorization_pending')
  })

  it('DV-01 asks in time also where its clock or the network is a second ahead', async test => {
    const { app, stage, device } = await asked(test)
    for (let asks = 0; asks < 3; asks++) {
      assertPoll(await poll(app, device.device_code), 'authorization_pending')
      stage.clock.advanceMs(device.interval * 1000 - 1000)
    }
  })

  it('DV-01 after the first tokens were used is a reuse, and outside the window too: the grant ends', async test => {
    for (const isUsed of [true, false]) {
      const { app, browser, stage, device } = await asked(test)
      await answerDevice(browser, device.user_code)
      const first = await poll(app, device.device_code)
      const current = isUsed ? await assertUnchanged(app, first) : first
      stage.clock.advanceSeconds(61)
      assertPoll(await poll(app, device.device_code), 'invalid_grant')
      assertInvalidGrant(await app.refresh(current.refreshToken))
      assert.equal((await app.userinfo(first.accessToken)).status, 401)
      const kinds = await kindsOf(stage, familyIdOf(stage, first.refreshToken))
      assert.deepEqual(kinds, ['family_opened', 'token_reused'])
    }
  })

  it('DV-01 is told when its code has run out, at the first moment and when its row is gone', async test => {
    const { app, stage, device } = await asked(test)
    stage.clock.advanceMs(device.expires_in * 1000 - 1)
    assertPoll(await poll(app, device.device_code), 'authorization_pending')
    stage.clock.advanceSeconds(slowSeconds)
    assertPoll(await poll(app, device.device_code), 'expired_token')
    for (let swept = 0; swept < 512; swept++) {
      await stage.pawl.store.throttles.charge(`key ${swept}`, 1)
    }
    stage.clock.advanceSeconds(slowSeconds)
    assertPoll(await poll(app, device.device_code), 'expired_token')
  })

  it('DV-01 is told that its code has run out where somebody said yes and it never came', async test => {
    const { app, browser, stage, device } = await asked(test)
    await answerDevice(browser, device.user_code)
    stage.clock.advanceSeconds(device.expires_in)
    assertPoll(await poll(app, device.device_code), 'expired_token')
    stage.clock.advanceSeconds(slowSeconds)
    assertPoll(await poll(app, device.device_code), 'expired_token')
  })

  it('DV-01 with the code of another client gets nothing, and the other one loses nothing', async test => {
    const { app, browser, stage, device } = await asked(test)
    const stranger = stage.app(await stage.addClient({ id: 'radio', kind: 'device' }))
    assertPoll(await poll(stranger, device.device_code), 'invalid_grant')
    await answerDevice(browser, device.user_code)
    assertPoll(await poll(stranger, device.device_code), 'invalid_grant')
    const first = await poll(app, device.device_code)
    assert.equal(first.status, 200, 'what a stranger asks is no poll of this device')
    await assertUnchanged(app, first)
  })

  it('DV-01 with anything that is no device code of this server gets nothing', async test => {
    const { app, browser, device } = await asked(test)
    await answerDevice(browser, device.user_code)
    const first = await poll(app, device.device_code)
    const changed = `${device.device_code.slice(0, -1)}${device.device_code.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of [changed, first.refreshToken, first.accessToken, device.user_code, 'x'.repeat(8000)]) {
      assertPoll(await poll(app, wrong), 'invalid_grant')
    }
    assertPoll(await poll(app, ''), 'invalid_request')
    await assertUnchanged(app, first)
  })

  it('DV-04 twice at once after the yes gets one 200, and its tokens again once the interval is over', async test => {
    const { app, browser, stage, device } = await asked(test)
    await answerDevice(browser, device.user_code)
    const answers = await Promise.all([1, 2, 3].map(() => poll(app, device.device_code, {}, retryKey('tv'))))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const answer of answers) if (answer.status !== 200) assertPoll(answer, 'slow_down')
    const first = answers.find(({ status }) => status === 200)
    stage.clock.advanceSeconds(device.interval + 2 * slowSeconds)
    const again = await poll(app, device.device_code, {}, retryKey('tv'))
    assert.deepEqual([again.status, again.refreshToken], [200, first?.refreshToken])
  })

  it('DV-05 asks for no more than its client may have', async test => {
    const { app } = await openScene(test, { client: { ...television, scopes: ['openid', 'watch'] } })
    for (const scope of ['openid watch admin', '*', 'watch  openid', '"watch"']) {
      const response = await app.post('/device_authorization', { scope })
      assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [400, 'invalid_scope'])
    }
    assert.equal((await app.post('/device_authorization', { scope: 'watch' })).status, 200)
  })

  it('DV-05 asks for no resource that its client may not name', async test => {
    const client = { ...television, resources: ['https://films.example/'] }
    const { app } = await openScene(test, { client })
    const response = await app.post('/device_authorization', { resource: 'https://bank.example/' })
    assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [400, 'invalid_target'])
  })
})

describe('somebody who guesses codes', () => {
  it('DV-02 is throttled by browser, and the right code is refused too until the window is over', async test => {
    const { browser, stage, device } = await asked(test)
    await guess(browser, wrongCodesPerBrowserMax)
    const over = await typeCode(browser, device.user_code)
    assert.equal(over.status, 429)
    assert.match(over.body, /too many attempts/)
    assert.ok(Number(over.headers.get('retry-after')) > 0)
    await typeCode(browser, 'BBBB-BBBB')
    const events = await stage.pawl.store.events.latest(100)
    assert.equal(events.filter(({ kind }) => kind === 'user_codes_throttled').length, 1)
    stage.clock.advanceSeconds(900)
    const fresh = await askDevice(stage.app(await stage.addClient({ id: 'radio', kind: 'device' })))
    assert.match((await typeCode(browser, fresh.user_code)).body, /name="password"/)
  })

  it('DV-02 is throttled by session, however often the browser forgets who it is', async test => {
    const { app, browser, device } = await asked(test)
    await answerDevice(browser, device.user_code)
    const session = browser.jar.get('__Host-pawl_session') ?? ''
    for (let guesses = 0; guesses < wrongCodesPerBrowserMax; guesses++) {
      browser.jar.delete('__Host-pawl_browser')
      assert.match((await typeCode(browser, codeOf(guesses))).body, noDevice)
    }
    browser.jar.delete('__Host-pawl_browser')
    assert.equal(browser.jar.get('__Host-pawl_session'), session)
    const fresh = await askDevice(app)
    assert.equal((await typeCode(browser, fresh.user_code)).status, 429)
  })

  it('DV-02 is throttled by network, however many browsers it has, and nobody else is', async test => {
    const { stage, device } = await asked(test)
    for (let guesses = 0; guesses < wrongCodesPerNetworkMax; guesses++) {
      assert.match((await typeCode(stage.browser('192.0.2.66'), codeOf(guesses))).body, noDevice)
    }
    assert.equal((await typeCode(stage.browser('192.0.2.66'), device.user_code)).status, 429)
    assert.match((await typeCode(stage.browser('192.0.2.67'), device.user_code)).body, /name="password"/)
  })

  it('DV-02 pays for wrong codes only: right ones and slips of the finger are free', async test => {
    const { app, stage, browser } = await asked(test)
    for (let times = 0; times < wrongCodesPerBrowserMax + 1; times++) {
      const device = await askDevice(app)
      assert.equal((await typeCode(browser, device.user_code)).status, 200)
      assert.match((await typeCode(browser, 'not a code')).body, noDevice)
    }
    assert.deepEqual(
      (await stage.pawl.store.events.latest(100)).filter(({ kind }) => kind === 'user_codes_throttled'),
      [],
    )
  })
})

describe('a code in strange hands', () => {
  it('DV-03 belongs to the first browser that entered it: nobody else can answer for the device', async test => {
    const { app, browser, stage, device } = await asked(test)
    await stage.addUser('mallory@example.com')
    const page = await typeCode(browser, device.user_code)
    const attacker = stage.browser('192.0.2.66')
    assert.match((await typeCode(attacker, device.user_code)).body, noDevice)
    const signedIn = await browser.signIn(page)
    assert.match((await typeCode(attacker, device.user_code)).body, noDevice)
    await browser.decide(signedIn, 'allow')
    const first = await poll(app, device.device_code)
    const told = (await (await app.userinfo(first.accessToken)).json()) as { readonly email?: string }
    assert.equal(told.email, 'ada@example.com')
  })

  it('DV-03 is answered only in the browser and session that were asked', async test => {
    const { app, browser, stage, device } = await asked(test)
    await stage.addUser('mallory@example.com')
    const page = await browser.signIn(await typeCode(browser, device.user_code))
    const attacker = stage.browser('192.0.2.66')
    await attacker.signIn(await typeCode(attacker, (await askDevice(app)).user_code), 'mallory@example.com')
    const stolen = await attacker.decide(page, 'allow')
    assert.equal(stolen.status, 400)
    assertPoll(await poll(app, device.device_code), 'authorization_pending')
  })

  it('DV-03 is shown with the application, the place and the time it was asked from, and a warning', async test => {
    const { app, browser, stage } = await asked(test)
    const nearby = stage.app(await stage.addClient({ id: 'radio', kind: 'device', name: 'Radio' }), {
      address: '198.51.100.9',
      userAgent: 'radio/7 <b>',
    })
    const device = await askDevice(app)
    stage.clock.advanceSeconds(150)
    const page = await browser.signIn(await typeCode(browser, device.user_code))
    for (const shown of ['Television', device.user_code, '203.0.113.7', 'another network than yours']) {
      assert.ok(page.body.includes(shown), shown)
    }
    assert.match(page.body, /2 minutes 30 seconds ago/)
    assert.match(page.body, /Nobody has a reason to send you a code/)
    const close = await typeCode(browser, (await askDevice(nearby)).user_code)
    assert.ok(close.body.includes('the network you are on now'))
    assert.ok(close.body.includes('radio/7 &lt;b&gt;'))
  })

  it('DV-03 is entered on our own page: a form on another site does nothing', async test => {
    const { browser, device } = await asked(test)
    const response = await browser.send('/device', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ user_code: device.user_code }).toString(),
    })
    assert.equal(response.status, 403)
    assert.match((await typeCode(browser, device.user_code)).body, /name="password"/)
  })
})

describe('a flood of devices', () => {
  it('DV-02 is bounded for each network that asks for a public client, and others go on', async test => {
    const { app, registered, stage } = await openScene(test, { client: television })
    for (let devices = 0; devices < devicesPerNetworkMax; devices++) await askDevice(app)
    const over = await app.post('/device_authorization', { scope: 'openid' })
    assert.equal(over.status, 429)
    assert.ok(Number(over.headers.get('retry-after')) > 0)
    await askDevice(stage.app(registered, { address: '192.0.2.9' }))
    assert.ok(devicesPerClientMax > devicesPerNetworkMax)
    stage.clock.advanceSeconds(600)
    await askDevice(app)
  })
})

/** Wrong codes, each another one. */
async function guess(browser: Browser, times: number): Promise<void> {
  for (let guesses = 0; guesses < times; guesses++) {
    assert.match((await typeCode(browser, codeOf(guesses))).body, noDevice)
  }
}

function codeOf(number: number): string {
  const letters = 'BCDFGHJKLMNPQRSTVWXZ'
  return `BBBB-BB${letters[Math.floor(number / 20) % 20] ?? ''}${letters[number % 20] ?? ''}`
}
