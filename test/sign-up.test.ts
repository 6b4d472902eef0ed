/** An account for somebody new (OpenID Connect Prompt Create), and mail where there is none to send. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { press } from './stage/account.ts'
import { agree } from './stage/app.ts'
import { openScene, type Scene, settle, shop } from './stage/scene.ts'
import { assertSameToll, countWork, type Toll, tollOf } from './stage/work.ts'

const fresh = 'a brand new passphrase'

function tokenIn(scene: Scene): string {
  const [, token] = /\/password\?token=([\w-]+)/.exec(scene.stage.mails()[0]?.text ?? '') ?? []
  assert.ok(token !== undefined, 'no link in the last mail')
  return token
}

function choose(scene: Scene, token: string): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams({ token, new_password: fresh, decision: 'choose' }).toString()
  return scene.browser.send('/password', { method: 'POST', headers, body })
}

describe('prompt=create', () => {
  it('is unknown unless the operator lets new people in', async test => {
    const scene = await openScene(test, { client: shop })
    const page = await scene.browser.open(scene.app.authorizePath({ prompt: 'create' }).path)
    assert.equal(page.leftTo?.searchParams.get('error'), 'invalid_request')
    const metadata = (await (await scene.stage.send('/.well-known/openid-configuration')).json()) as {
      readonly prompt_values_supported: readonly string[]
    }
    assert.ok(!metadata.prompt_values_supported.includes('create'))
    const signIn = await scene.browser.open(scene.app.authorizePath().path)
    assert.doesNotMatch(signIn.body, /create_account/)
  })

  it('makes an account of an address by mail, and goes on to the application', async test => {
    const scene = await openScene(test, { client: { ...shop, firstParty: true }, settings: { signUp: true } })
    const { app, browser, stage } = scene
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as {
      readonly prompt_values_supported: readonly string[]
    }
    assert.ok(metadata.prompt_values_supported.includes('create'))
    const page = await browser.open(app.authorizePath({ prompt: 'create', login_hint: 'grace@example.com' }).path)
    assert.match(page.body, /Create an account/)
    assert.match(page.body, /value="grace@example\.com"/)
    const sent = await browser.submit(page, { username: 'grace@example.com', decision: 'sign_up' })
    assert.match(sent.body, /Look into your mail/)
    await settle(stage)
    assert.equal((await stage.pawl.store.users.list(10)).length, 1, 'nobody has proved anything yet')
    assert.equal((await choose(scene, tokenIn(scene))).status, 200)
    const user = (await stage.pawl.store.users.readByEmailKey('grace@example.com'))?.user
    assert.equal(user?.emailVerified, true)
    const signIn = await press(browser, sent, 'have_account')
    const done = await browser.signIn(signIn, 'grace@example.com', fresh)
    assert.ok(done.leftTo?.searchParams.has('code'), done.body.slice(0, 300))
  })

  it('LG-03 LG-11 answers the same for an address that has an account, which stays as it is', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    const { app, browser, stage } = scene
    const before = (await stage.pawl.store.users.readByEmailKey('ada@example.com'))?.user
    const told = new Set<string>()
    for (const username of ['ada@example.com', 'grace@example.com', 'no address']) {
      const page = await browser.open(app.authorizePath({ prompt: 'create' }).path)
      const sent = await browser.submit(page, { username, decision: 'sign_up' })
      told.add(sent.body.replaceAll(/name="state_token" value="[^"]*"/g, ''))
    }
    assert.equal(told.size, 1)
    await settle(stage)
    assert.deepEqual(
      stage.mails().map(({ to }) => to),
      ['grace@example.com', 'ada@example.com'],
    )
    assert.match(stage.mails()[1]?.text ?? '', /There is one already/)
    assert.deepEqual((await stage.pawl.store.users.readByEmailKey('ada@example.com'))?.user, before)
  })

  it('LG-03 tells nothing by its time: the same work is done for everybody before the answer', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    const counter = await countWork()
    test.after(counter.stop)
    const tolls: Toll[] = []
    for (const [index, username] of ['warm@example.com', 'ada@example.com', 'grace@example.com', 'no one'].entries()) {
      const browser = scene.stage.browser(`192.0.2.${index}`)
      const page = await browser.open(scene.app.authorizePath({ prompt: 'create' }).path)
      await settle(scene.stage)
      const work = await counter.during(() => browser.submit(page, { username, decision: 'sign_up' }))
      tolls.push(tollOf(work))
    }
    assertSameToll(tolls.slice(1))
  })

  it('proves the very address that is kept, whatever reads like it was typed', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    const page = await scene.browser.open(scene.app.authorizePath({ prompt: 'create' }).path)
    await scene.browser.submit(page, { username: ' ＧＲＡＣＥ@Ｅxample.com', decision: 'sign_up' })
    await settle(scene.stage)
    assert.equal(scene.stage.mails()[0]?.to, 'grace@example.com')
    assert.equal((await choose(scene, tokenIn(scene))).status, 200)
    assert.equal(
      (await scene.stage.pawl.store.users.readByEmailKey('grace@example.com'))?.user.email,
      'grace@example.com',
    )
  })

  it('LG-08 gives no second account for one link, and none once the operator has closed the door', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    const page = await scene.browser.open(scene.app.authorizePath({ prompt: 'create' }).path)
    await scene.browser.submit(page, { username: 'grace@example.com', decision: 'sign_up' })
    await settle(scene.stage)
    const token = tokenIn(scene)
    const answers = await Promise.all([choose(scene, token), choose(scene, token)])
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((one, other) => one - other),
      [200, 400],
    )
    assert.equal((await choose(scene, token)).status, 400)
    assert.equal((await stage(scene)).length, 2)
  })

  it('is not reached by a form either where the operator lets nobody in', async test => {
    const scene = await openScene(test, { client: shop })
    const page = await scene.browser.open(scene.app.authorizePath().path)
    const after = await scene.browser.submit(page, { username: 'grace@example.com', decision: 'create_account' })
    assert.doesNotMatch(after.body, /Create an account/)
    await scene.browser.submit(page, { username: 'grace@example.com', decision: 'sign_up' })
    await settle(scene.stage)
    assert.deepEqual(scene.stage.mails(), [])
  })

  it('stands alone', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    for (const prompt of ['create login', 'none create', 'create consent']) {
      const page = await scene.browser.open(scene.app.authorizePath({ prompt }).path)
      assert.equal(page.leftTo?.searchParams.get('error'), 'invalid_request', prompt)
    }
  })

  it('leads to the ordinary sign-in for who has an account, and back', async test => {
    const scene = await openScene(test, { client: shop, settings: { signUp: true } })
    const { app, browser } = scene
    const page = await browser.open(app.authorizePath({ prompt: 'create' }).path)
    const signIn = await press(browser, page, 'have_account')
    assert.match(signIn.body, /name="password"/)
    const again = await press(browser, signIn, 'create_account')
    assert.match(again.body, /Create an account/)
    const left = await agree(browser, await press(browser, again, 'have_account'))
    assert.ok(left.searchParams.has('code'))
  })
})

function stage(scene: Scene) {
  return scene.stage.pawl.store.users.list(10)
}
