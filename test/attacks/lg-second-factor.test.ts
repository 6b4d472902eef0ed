/** Guessing, repeating and dodging one-time codes. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { resetPassword } from '../../packages/server/src/admin/users.ts'
import { signInLimits } from '../../packages/server/src/domain/user/sign-in-limits.ts'
import { type Browser, type BrowserPage, formOf } from '../stage/browser.ts'
import { askDevice, assertPoll, poll, television, typeCode } from '../stage/device.ts'
import { eventsOf } from '../stage/events.ts'
import { databaseFor, openScene, type Scene, type SceneOptions, shop } from '../stage/scene.ts'
import { type Authenticator, giveAuthenticator } from '../stage/second-factor.ts'
import { openStage } from '../stage/stage.ts'

interface Equipped extends Scene {
  readonly authenticator: Authenticator
}

async function equipped(test: TestContext, options: SceneOptions = {}): Promise<Equipped> {
  const scene = await openScene(test, { client: { ...shop, firstParty: true }, ...options })
  const [user] = await scene.stage.pawl.store.users.list(1)
  assert.ok(user !== undefined)
  return { ...scene, authenticator: await giveAuthenticator(scene.stage, user) }
}

/** The page for the code, in the browser of whoever knows the password. */
async function codePage(scene: Scene, browser: Browser): Promise<BrowserPage> {
  // A sign-in of this very millisecond would be fresh enough.
  scene.stage.clock.advanceMs(1)
  const page = await browser.open(scene.app.authorizePath({ scope: 'openid', prompt: 'login' }).path)
  return browser.signIn(page)
}

async function tryCode(scene: Scene, browser: Browser, page: BrowserPage, code: string): Promise<Response> {
  const { action, body } = formOf(page, { code, decision: 'check' })
  const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie }
  return scene.stage.send(action, { method: 'POST', headers, body }, '192.0.2.66')
}

function signsIn(response: Response): boolean {
  return response.headers.getSetCookie().some(cookie => cookie.startsWith('__Host-pawl_session='))
}

const atOnce = signInLimits.secondFactor[0]?.failuresMax ?? 0
const windowSeconds = signInLimits.secondFactor[0]?.windowSeconds ?? 0

describe('one-time codes', () => {
  it('LG-04 are guessed five times in a window, from however many browsers, and then the right one is not looked at', async test => {
    const scene = await equipped(test)
    const thieves = [scene.stage.browser('192.0.2.1'), scene.stage.browser('192.0.2.2')]
    const pages = [
      await codePage(scene, thieves[0] ?? scene.browser),
      await codePage(scene, thieves[1] ?? scene.browser),
    ]
    const statuses: number[] = []
    const wrong = (index: number): string => String((Number(scene.authenticator.code()) + 1 + index * 7) % 1_000_000)
    for (let index = 0; index < 50; index++) {
      const [thief, page] = [thieves[index % 2], pages[index % 2]]
      assert.ok(thief !== undefined && page !== undefined)
      statuses.push((await tryCode(scene, thief, page, wrong(index).padStart(6, '0'))).status)
    }
    assert.equal(statuses.filter(status => status === 303).length, atOnce)
    assert.equal(atOnce, 5)
    assert.equal(statuses.filter(status => status === 429).length, 50 - atOnce)
    const [thief, page] = [thieves[0], pages[0]]
    assert.ok(thief !== undefined && page !== undefined)
    const right = await tryCode(scene, thief, page, scene.authenticator.code())
    assert.equal(right.status, 429)
    assert.match(right.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    assert.equal(signsIn(right), false)
    const alarms = await eventsOf(scene.stage, 'sign_in_throttled')
    assert.deepEqual(
      alarms.map(event => event.detail['limit']),
      ['second_factor'],
    )
  })

  it('LG-04 are borne less and less by whoever goes on for a day', async test => {
    const scene = await equipped(test)
    const thief = scene.stage.browser('192.0.2.1')
    let looked = 0
    for (let passed = 0; passed < 86_400; passed += windowSeconds) {
      const page = await codePage(scene, thief)
      for (let index = 0; index < atOnce + 1; index++) {
        const response = await tryCode(scene, thief, page, 'none of it')
        if (response.status === 303) looked += 1
      }
      scene.stage.clock.advanceSeconds(windowSeconds)
    }
    assert.equal(looked, signInLimits.secondFactor[2]?.failuresMax)
  })

  it('LG-04 guessed by a thief lock the owner out of no browser that the account knows', async test => {
    const scene = await equipped(test)
    const { browser, stage, authenticator } = scene
    const own = await browser.submit(await codePage(scene, browser), { code: authenticator.code(), decision: 'check' })
    assert.ok(own.leftTo !== null)
    const thief = stage.browser('192.0.2.1')
    const page = await codePage(scene, thief)
    for (let index = 0; index < atOnce + 1; index++) await tryCode(scene, thief, page, 'none of it')
    assert.equal((await tryCode(scene, thief, page, authenticator.code(30))).status, 429)
    const again = await browser.submit(await codePage(scene, browser), {
      code: authenticator.code(30),
      decision: 'check',
    })
    assert.ok(again.leftTo !== null)
  })

  it('LG-04 are taken once: not again, not the one before, not by two at once', async test => {
    const scene = await equipped(test)
    const { browser, authenticator, stage } = scene
    const page = await codePage(scene, browser)
    const code = authenticator.code()
    const both = await Promise.all([tryCode(scene, browser, page, code), tryCode(scene, browser, page, code)])
    assert.equal(both.filter(signsIn).length, 1)
    assert.equal(signsIn(await tryCode(scene, browser, page, code)), false)
    assert.equal(signsIn(await tryCode(scene, browser, page, authenticator.code(-30))), false)
    assert.equal(signsIn(await tryCode(scene, browser, page, authenticator.code(30))), true)
    stage.clock.advanceSeconds(30)
    assert.equal(signsIn(await tryCode(scene, browser, page, authenticator.code())), false, 'taken ahead of its time')
  })

  it('LG-04 are taken once by two servers on one database, at once or one after the other', async test => {
    const database = await databaseFor(test)
    const scene = await equipped(test, { database })
    const { browser, authenticator, stage } = scene
    const there = await openStage({ database, keys: stage.keys, seed: 'there' })
    test.after(() => there.close())
    const elsewhere = { ...scene, stage: there }
    const page = await codePage(scene, browser)
    there.clock.set(stage.clock.nowMs())
    const code = authenticator.code()
    const both = await Promise.all([tryCode(scene, browser, page, code), tryCode(elsewhere, browser, page, code)])
    assert.equal(both.filter(signsIn).length, 1)
    assert.equal(signsIn(await tryCode(elsewhere, browser, page, code)), false)
    assert.equal(signsIn(await tryCode(elsewhere, browser, page, authenticator.code(30))), true)
  })

  it('LG-04 stand before every door: a device, the account, a silent answer and a new password', async test => {
    const scene = await equipped(test)
    const { app, browser, stage } = scene
    const tv = stage.app(await stage.addClient(television))
    const asked = await askDevice(tv)
    const ways = [await typeCode(browser, asked.user_code), await browser.open('/account')]
    for (const way of ways) {
      const page = await browser.signIn(way)
      assert.match(page.body, /name="code"/)
      assert.doesNotMatch(page.body, /value="allow"|Your account<\/h1>/)
    }
    assertPoll(await poll(tv, asked.device_code), 'authorization_pending')
    const silent = await browser.open(app.authorizePath({ scope: 'openid', prompt: 'none' }).path)
    assert.equal(silent.leftTo?.searchParams.get('error'), 'login_required')
    assert.equal(browser.jar.has('__Host-pawl_session'), false)
    await resetPassword(stage.workbench, 'ada@example.com', 'a brand new passphrase')
    const fresh = await browser.signIn(await browser.open('/account'), 'ada@example.com', 'a brand new passphrase')
    assert.match(fresh.body, /name="code"/)
  })

  it('LG-10 are counted by two servers together, and the success of somebody else takes nothing away', async test => {
    const database = await databaseFor(test)
    const scene = await equipped(test, { database })
    const { stage } = scene
    const there = await openStage({ database, keys: stage.keys, seed: 'there' })
    test.after(() => there.close())
    const thief = stage.browser('192.0.2.1')
    const page = await codePage(scene, thief)
    there.clock.set(stage.clock.nowMs())
    const statuses: number[] = []
    for (const one of [scene, { ...scene, stage: there }, scene, { ...scene, stage: there }, scene]) {
      statuses.push((await tryCode(one, thief, page, 'none of it')).status)
    }
    assert.deepEqual(statuses, [303, 303, 303, 303, 303])
    const bob = await stage.addUser('bob@example.com')
    const bobs = await giveAuthenticator(stage, bob)
    const other = stage.browser('192.0.2.1')
    const asked = await other.signIn(await other.open('/account'), bob.email)
    assert.equal(signsIn(await tryCode(scene, other, asked, bobs.code())), true)
    for (const one of [scene, { ...scene, stage: there }]) {
      assert.equal((await tryCode(one, thief, page, scene.authenticator.code())).status, 429)
    }
  })

  it('LG-04 are guessed by nobody in their long form: a recovery code is good once, for one of two at once', async test => {
    const scene = await equipped(test)
    const { browser, authenticator, stage } = scene
    const [first = '', second = ''] = authenticator.recoveryCodes
    const page = await codePage(scene, browser)
    const both = await Promise.all([tryCode(scene, browser, page, first), tryCode(scene, browser, page, first)])
    assert.equal(both.filter(signsIn).length, 1)
    assert.equal(signsIn(await tryCode(scene, browser, page, first)), false)
    assert.equal((await eventsOf(stage, 'recovery_code_used')).length, 1)
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    assert.equal((await stage.pawl.store.credentials.ofUser(user.subject)).recoveryCodesLeft, 9)
    assert.equal(signsIn(await tryCode(scene, browser, page, second)), true)
  })

  it('LG-04 bear a clock that differs by one step, and no more', async test => {
    for (const [secondsOff, isTaken] of [
      [-60, false],
      [-30, true],
      [0, true],
      [30, true],
      [60, false],
    ] as const) {
      const scene = await equipped(test)
      const page = await codePage(scene, scene.browser)
      const response = await tryCode(scene, scene.browser, page, scene.authenticator.code(secondsOff))
      assert.equal(signsIn(response), isTaken, String(secondsOff))
    }
  })

  it('LG-04 of other lengths and letters are refused, and none of them ends on an error page', async test => {
    const scene = await equipped(test)
    for (const code of ['', '12345', '1234567', '１２３４５６', 'abcd-efgh-jkmn', '0000-0000-0000-0000', '-', ' ']) {
      const browser = scene.stage.browser()
      const page = await codePage(scene, browser)
      const response = await tryCode(scene, browser, page, code)
      assert.ok(response.status === 303 || response.status === 429, `${code}: ${response.status}`)
      assert.equal(signsIn(response), false, code)
      assert.ok(page.body.includes('name="code"'))
    }
  })
})
