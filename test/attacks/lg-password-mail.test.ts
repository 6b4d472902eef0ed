/** Links to choose a password, in the hands of somebody else, too late, or asked for again and again. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { disableUser, resetPassword } from '../../packages/server/src/admin/users.ts'
import {
  linkSeconds,
  mailsPerHourMax,
  mailsPerNetworkAndHourMax,
} from '../../packages/server/src/domain/user/password-mail.ts'
import { openAccount } from '../stage/account.ts'
import { type Browser, type BrowserPage, stagePassword } from '../stage/browser.ts'
import { openScene, type Scene, settle, shop } from '../stage/scene.ts'
import { giveAuthenticator } from '../stage/second-factor.ts'
import { assertSameToll, countWork, type Toll, tollOf } from '../stage/work.ts'

const fresh = 'a brand new passphrase'

function ask(browser: Browser, email: string): Promise<Response> {
  return browser.send('/forgotten', post({ username: email, decision: 'send' }))
}

function post(fields: { readonly [name: string]: string }): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams(fields).toString(),
  }
}

/** Asks for a link and takes it out of the mail. */
async function linkTo(scene: Scene, email = 'ada@example.com'): Promise<string> {
  const { stage, browser } = scene
  await settle(stage)
  const before = stage.mails().length
  assert.equal((await ask(browser, email)).status, 200)
  await settle(stage)
  const [mail] = stage.mails()
  assert.equal(stage.mails().length, before + 1)
  assert.equal(mail?.to, email)
  const [, token] = /\/password\?token=([\w-]+)/.exec(mail.text) ?? []
  assert.ok(token !== undefined, mail.text)
  return token
}

function use(browser: Browser, token: string, password = fresh): Promise<Response> {
  return browser.send('/password', post({ token, new_password: password, decision: 'choose' }))
}

async function canSignIn(scene: Scene, password: string): Promise<boolean> {
  const page: BrowserPage = await openAccount(scene.stage.browser('198.51.100.77'), password)
  return page.body.includes('Your account</h1>')
}

async function opened(test: TestContext): Promise<Scene> {
  return openScene(test, { client: shop })
}

describe('a link to choose a password', () => {
  it('is shown with a form, sets the password, and says so by mail', async test => {
    const scene = await opened(test)
    const token = await linkTo(scene)
    const page = await scene.browser.open(`/password?token=${token}`)
    assert.match(page.body, /for <bdi>ada@example\.com<\/bdi>/)
    assert.equal((await use(scene.stage.browser(), token)).status, 200)
    assert.equal(await canSignIn(scene, fresh), true)
    assert.equal(await canSignIn(scene, stagePassword), false)
    await settle(scene.stage)
    assert.match(scene.stage.mails()[0]?.subject ?? '', /was changed/)
  })

  it('LG-08 is good once, and for one of two who use it at the same time', async test => {
    const scene = await opened(test)
    const token = await linkTo(scene)
    const answers = await Promise.all([use(scene.browser, token), use(scene.stage.browser(), token, `${fresh} 2`)])
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((one, other) => one - other),
      [200, 400],
    )
    assert.equal((await use(scene.browser, token, `${fresh} 3`)).status, 400)
    assert.equal(await canSignIn(scene, `${fresh} 3`), false)
  })

  it('LG-08 is good until its last millisecond, and is opened by looking at it, not used', async test => {
    const scene = await opened(test)
    const [first, second] = [await linkTo(scene), await linkTo(scene)]
    for (let look = 0; look < 3; look++)
      assert.equal((await scene.browser.send(`/password?token=${first}`)).status, 200)
    scene.stage.clock.advanceMs(linkSeconds * 1000 - 1)
    assert.equal((await scene.browser.send(`/password?token=${first}`)).status, 200)
    scene.stage.clock.advanceMs(1)
    assert.equal((await scene.browser.send(`/password?token=${first}`)).status, 400)
    assert.equal((await use(scene.browser, first)).status, 400)
    assert.equal((await use(scene.browser, second)).status, 400)
    assert.equal(await canSignIn(scene, stagePassword), true)
  })

  it('LG-08 is dead once any other way has set a password, or its owner is disabled', async test => {
    const scene = await opened(test)
    const [first, second] = [await linkTo(scene), await linkTo(scene)]
    assert.equal((await use(scene.browser, second)).status, 200)
    assert.equal((await use(scene.browser, first, 'another one again')).status, 400)
    const third = await linkTo(scene)
    await resetPassword(scene.stage.workbench, 'ada@example.com', stagePassword)
    assert.equal((await use(scene.browser, third)).status, 400)
    const fourth = await linkTo(scene)
    await disableUser(scene.stage.workbench, 'ada@example.com')
    assert.equal((await use(scene.browser, fourth)).status, 400)
  })

  it('LG-08 is guessed, cut and altered in vain, and changes nobody else', async test => {
    const scene = await opened(test)
    await scene.stage.addUser('bob@example.com', 'the password of bob')
    const token = await linkTo(scene)
    const altered = [
      '',
      'x',
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, last => (last === 'A' ? 'B' : 'A')),
      token.toUpperCase(),
      'A'.repeat(40_000).slice(0, 8000),
    ]
    for (const text of altered) assert.equal((await use(scene.browser, text)).status, 400, text.slice(0, 40))
    assert.equal((await use(scene.browser, token)).status, 200)
    const other = scene.stage.browser('198.51.100.78')
    const bob = await other.signIn(await other.open('/account'), 'bob@example.com', 'the password of bob')
    assert.match(bob.body, /Your account<\/h1>/)
  })

  it('LG-08 is told to no other site: the page sends no referrer, loads nothing and stays in no cache', async test => {
    const scene = await opened(test)
    const response = await scene.browser.send(`/password?token=${await linkTo(scene)}`)
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    assert.doesNotMatch(await response.text(), /<script|src="http|href="http/)
  })

  it('LG-08 is no way round the second factor', async test => {
    const scene = await opened(test)
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    await giveAuthenticator(scene.stage, user)
    assert.equal((await use(scene.browser, await linkTo(scene))).status, 200)
    assert.equal(scene.browser.jar.has('__Host-pawl_session'), false)
    const page = await openAccount(scene.browser, fresh)
    assert.match(page.body, /name="code"/)
    assert.equal(scene.browser.jar.has('__Host-pawl_session'), false)
  })

  it('is refused for a password that cannot be kept, and stays good', async test => {
    const scene = await opened(test)
    const token = await linkTo(scene)
    const refused = await use(scene.browser, token, 'short')
    assert.equal(refused.status, 200)
    assert.match(await refused.text(), /too short/)
    assert.equal((await use(scene.browser, token)).status, 200)
  })

  it('posted from another site changes nothing', async test => {
    const scene = await opened(test)
    const init = post({ token: await linkTo(scene), new_password: fresh, decision: 'choose' })
    const headers = { ...init.headers, 'sec-fetch-site': 'cross-site' }
    assert.equal((await scene.browser.send('/password', { ...init, headers })).status, 403)
    assert.equal(await canSignIn(scene, stagePassword), true)
  })
})

describe('asking for a link', () => {
  it('LG-09 sends five mails an hour to one account, from however many addresses, and always answers the same', async test => {
    const { stage, browser } = await opened(test)
    const bodies = new Set<string>()
    for (let index = 0; index < 30; index++) {
      const response = await ask(stage.browser(`192.0.2.${index}`), ' ADA@example.com ')
      assert.equal(response.status, 200)
      bodies.add(await response.text())
    }
    await settle(stage)
    assert.equal(bodies.size, 1)
    assert.equal(stage.mails().length, mailsPerHourMax)
    stage.clock.advanceSeconds(3600)
    await ask(browser, 'ada@example.com')
    await settle(stage)
    assert.equal(stage.mails().length, mailsPerHourMax + 1)
  })

  it('LG-09 goes on in a browser that the account knows, whatever others of its network ask for', async test => {
    const { app, browser, stage } = await opened(test)
    await app.signIn(browser)
    const stranger = stage.browser()
    for (let index = 0; index < mailsPerNetworkAndHourMax; index++) await ask(stranger, `nobody-${index}@example.com`)
    await ask(stranger, 'ada@example.com')
    await settle(stage)
    assert.deepEqual(stage.mails(), [], 'the network has asked for enough')
    for (let index = 0; index < mailsPerHourMax + 2; index++) await ask(browser, 'ada@example.com')
    await settle(stage)
    assert.equal(stage.mails().length, mailsPerHourMax)
  })

  it('LG-03 tells nothing of who has an account', async test => {
    const { stage, browser } = await opened(test)
    const disabled = await stage.addUser('dan@example.com')
    await disableUser(stage.workbench, disabled.email)
    const told = new Set<string>()
    for (const email of ['ada@example.com', 'eve@example.com', 'dan@example.com', 'no address', '']) {
      const response = await ask(browser, email)
      const names = [...response.headers.keys()].toSorted().join(' ')
      told.add([response.status, names, await response.text()].join('\n'))
    }
    assert.equal(told.size, 1)
    await settle(stage)
    assert.deepEqual(
      stage.mails().map(({ to }) => to),
      ['ada@example.com'],
    )
  })

  it('LG-03 tells nothing by its time: the same work is done for everybody before the answer', async test => {
    const { stage } = await opened(test)
    const disabled = await stage.addUser('dan@example.com')
    await disableUser(stage.workbench, disabled.email)
    const counter = await countWork()
    test.after(counter.stop)
    const names = ['warm@example.com', 'ada@example.com', 'eve@example.com', 'dan@example.com', 'no address', '']
    const tolls: Toll[] = []
    for (const [index, email] of names.entries()) {
      await settle(stage)
      const browser = stage.browser(`192.0.2.${index}`)
      tolls.push(tollOf(await counter.during(() => ask(browser, email))))
    }
    assertSameToll(tolls.slice(1))
  })

  it('goes to the address as it is kept, whatever reads like it was typed', async test => {
    const { stage, browser } = await opened(test)
    await ask(browser, 'ＡＤＡ@example.com')
    await settle(stage)
    assert.equal(stage.mails()[0]?.to, 'ada@example.com')
  })
})
