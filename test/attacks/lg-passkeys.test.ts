/** Passkeys that answer something else than what was asked, or that nobody should believe. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Subject } from '@pawl/family'
import { disableUser } from '../../packages/server/src/admin/users.ts'
import { passkeysPerUserMax } from '../../packages/server/src/domain/user/credentials.ts'
import { signInLimits } from '../../packages/server/src/domain/user/sign-in-limits.ts'
import type { User } from '../../packages/server/src/domain/user/user.ts'
import { openAccount, passkeyFormOf, passkeyOptionsOf } from '../stage/account.ts'
import { type Browser, type BrowserPage, formOf } from '../stage/browser.ts'
import { eventsOf } from '../stage/events.ts'
import { idTokenOf } from '../stage/id-token.ts'
import { type Asked, type Lie, type SoftPasskey, softPasskey } from '../stage/passkey.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'

interface Equipped extends Scene {
  readonly user: User
  readonly passkey: SoftPasskey
  /** The sign-in page, and what it asks of a passkey. */
  readonly ask: () => Promise<{ readonly page: BrowserPage; readonly asked: Asked }>
}

/** Somebody who has made a passkey on the account page. */
async function equipped(test: TestContext, counts = true): Promise<Equipped> {
  const scene = await openScene(test, { client: { ...shop, firstParty: true } })
  const [user] = await scene.stage.pawl.store.users.list(1)
  assert.ok(user !== undefined)
  const passkey = softPasskey('first', counts)
  const added = await addPasskey(scene, passkey)
  assert.match(added.body, /The passkey is added/)
  const ask: Equipped['ask'] = async () => {
    scene.stage.clock.advanceMs(1)
    const page = await scene.browser.open(scene.app.authorizePath({ scope: 'openid', prompt: 'login' }).path)
    return { page, asked: askedBy(scene, page, user.subject) }
  }
  return { ...scene, user, passkey, ask }
}

function askedBy(scene: Scene, page: BrowserPage, subject: Subject | null): Asked {
  const { challenge } = passkeyOptionsOf(page)
  return { challenge, origin: scene.stage.issuer, rpId: 'localhost', subject }
}

async function addPasskey(scene: Scene, passkey: SoftPasskey, lie: Lie = {}): Promise<BrowserPage> {
  const page = await openAccount(scene.browser)
  const credential = passkey.creation(askedBy(scene, page, null), lie)
  return scene.browser.submit(passkeyFormOf(page), { credential, name: 'My key', decision: 'passkey' })
}

async function show(scene: Scene, page: BrowserPage, credential: string): Promise<BrowserPage> {
  return scene.browser.submit(passkeyFormOf(page), { credential, decision: 'passkey' })
}

function isRefused(page: BrowserPage): boolean {
  return page.leftTo === null && page.body.includes('This passkey did not sign you in')
}

function isSessionCookie(cookie: string): boolean {
  return cookie.startsWith('__Host-pawl_session=')
}

describe('a passkey', () => {
  it('signs in, is told as phishing-resistant, and asks for nothing that its owner must know', async test => {
    const { app, browser, stage, user, passkey } = await equipped(test)
    const own = stage.browser()
    const { path, verifier } = app.authorizePath({ scope: 'openid' })
    const page = await own.open(path)
    const options = passkeyOptionsOf(page)
    assert.deepEqual(
      [options['rpId'], options['userVerification'], options['allowCredentials']],
      ['localhost', 'required', []],
    )
    const asked = { challenge: options.challenge, origin: stage.issuer, rpId: 'localhost', subject: user.subject }
    const done = await own.submit(passkeyFormOf(page), { credential: passkey.use(asked), decision: 'passkey' })
    const code = done.leftTo?.searchParams.get('code')
    assert.ok(typeof code === 'string', done.body.slice(0, 300))
    const tokens = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
    const claims = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual([claims['acr'], claims['amr'], claims.sub], ['phr', ['pop', 'user', 'mfa'], user.subject])
    assert.notEqual(own, browser)
  })

  it('LG-12 is refused for another origin, domain, challenge, ceremony or key', async test => {
    const scene = await equipped(test)
    const lies: readonly Lie[] = [
      { origin: 'https://evil.example' },
      { origin: `${scene.stage.issuer}.evil.example` },
      { rpId: 'evil.example' },
      { challenge: Buffer.alloc(32, 7).toString('base64url') },
      { type: 'webauthn.create' },
      { signsOtherwise: true },
      { isUserVerified: false },
      { isUserPresent: false, isUserVerified: false },
    ]
    for (const lie of lies) {
      const { page, asked } = await scene.ask()
      assert.equal(isRefused(await show(scene, page, scene.passkey.use(asked, lie))), true, JSON.stringify(lie))
    }
    const { page, asked } = await scene.ask()
    assert.ok((await show(scene, page, scene.passkey.use(asked))).leftTo !== null)
  })

  it('LG-12 is refused for the challenge of another page or browser, and for one that was answered', async test => {
    const scene = await equipped(test)
    const [first, second] = [await scene.ask(), await scene.ask()]
    assert.equal(isRefused(await show(scene, second.page, scene.passkey.use(first.asked))), true)
    const stranger = scene.stage.browser()
    const credential = scene.passkey.use(second.asked)
    const elsewhere = await stranger.submit(passkeyFormOf(second.page), { credential, decision: 'passkey' })
    assert.equal(elsewhere.status, 400)
    assert.ok((await show(scene, second.page, credential)).leftTo !== null)
    scene.browser.jar.delete('__Host-pawl_session')
    assert.equal(isRefused(await show(scene, second.page, credential)), true, 'the same answer')
    const again = scene.passkey.use(second.asked)
    assert.equal(isRefused(await show(scene, second.page, again)), true, 'a new answer to the same challenge')
  })

  it('LG-12 is answered once by two who come at the same time, though it does not count', async test => {
    const scene = await equipped(test, false)
    const { page, asked } = await scene.ask()
    const { action, body } = formOf(passkeyFormOf(page), { credential: scene.passkey.use(asked), decision: 'passkey' })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answers = await Promise.all([1, 2].map(() => scene.browser.send(action, { method: 'POST', headers, body })))
    const signedIn = answers.filter(({ headers: told }) => told.getSetCookie().some(isSessionCookie))
    assert.equal(signedIn.length, 1)
  })

  it('LG-12 whose count does not grow is refused with an event, and the rightful one goes on', async test => {
    const scene = await equipped(test)
    const first = await scene.ask()
    assert.ok((await show(scene, first.page, scene.passkey.use(first.asked, { counter: 10 }))).leftTo !== null)
    for (const counter of [10, 9, 0]) {
      const { page, asked } = await scene.ask()
      assert.equal(isRefused(await show(scene, page, scene.passkey.use(asked, { counter }))), true, String(counter))
    }
    const events = await eventsOf(scene.stage, 'passkey_cloned')
    assert.equal(events.length, 3)
    assert.equal(events[0]?.subject, scene.user.subject)
    const { page, asked } = await scene.ask()
    assert.ok((await show(scene, page, scene.passkey.use(asked, { counter: 11 }))).leftTo !== null)
  })

  it('LG-12 that says it is somebody else, or is nobody, is refused alike', async test => {
    const scene = await equipped(test)
    const bob = await scene.stage.addUser('bob@example.com')
    const { page, asked } = await scene.ask()
    const pages = [
      await show(scene, page, scene.passkey.use({ ...asked, subject: bob.subject })),
      await show(scene, page, softPasskey('never made').use(asked)),
      await show(scene, page, 'no JSON'),
      await show(scene, page, '{"id":1}'),
      await show(scene, page, JSON.stringify({ id: scene.passkey.id })),
      await show(scene, page, `{"id":"${scene.passkey.id}","response":{}}`),
      await show(scene, page, ''),
    ]
    for (const shown of pages) assert.equal(isRefused(shown), true, shown.body.slice(0, 200))
  })

  it('LG-03 is asked for alike, whoever is said to be coming', async test => {
    const { app, stage, user } = await equipped(test)
    const asked = new Set<string>()
    for (const hint of [user.email, 'eve@example.com', undefined]) {
      const page = await stage.browser().open(app.authorizePath({ scope: 'openid', login_hint: hint }).path)
      asked.add(JSON.stringify({ ...passkeyOptionsOf(page), challenge: '' }))
    }
    assert.equal(asked.size, 1)
  })

  it('LG-01 is not shut out, in a browser it is known by, by a stranger in the same network', async test => {
    const scene = await equipped(test)
    const stranger = scene.stage.browser()
    const page = await stranger.open(scene.app.authorizePath({ scope: 'openid' }).path)
    const wrong = softPasskey('never made').use(askedBy(scene, page, null))
    const failuresMax = signInLimits.network.failuresMax
    let refused = 0
    for (let attempt = 0; attempt < failuresMax + 10; attempt++) {
      const shown = await stranger.submit(passkeyFormOf(page), { credential: wrong, decision: 'passkey' })
      if (shown.status === 429) assert.match(shown.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
      else refused += 1
    }
    assert.equal(refused, failuresMax)
    const { page: own, asked } = await scene.ask()
    assert.ok((await show(scene, own, scene.passkey.use(asked))).leftTo !== null)
    const unknown = scene.stage.browser('198.51.100.200')
    const fresh = await unknown.open(scene.app.authorizePath({ scope: 'openid' }).path)
    const credential = scene.passkey.use(askedBy(scene, fresh, scene.user.subject))
    const done = await unknown.submit(passkeyFormOf(fresh), { credential, decision: 'passkey' })
    assert.ok(done.leftTo !== null, 'from another network too')
  })

  it('LG-01 whose wrong answers go on is held back, from each network by itself', async test => {
    const scene = await equipped(test)
    const tries = async (browser: Browser, count: number): Promise<number> => {
      scene.stage.clock.advanceMs(1)
      const page = await browser.open(scene.app.authorizePath({ scope: 'openid', prompt: 'login' }).path)
      const credential = scene.passkey.use(askedBy(scene, page, null), { signsOtherwise: true })
      let looked = 0
      for (let attempt = 0; attempt < count; attempt++) {
        const shown = await browser.submit(passkeyFormOf(page), { credential, decision: 'passkey' })
        if (shown.status !== 429) looked += 1
      }
      return looked
    }
    const atOnce = signInLimits.accountAndNetwork[0]?.failuresMax
    assert.equal(await tries(scene.stage.browser('192.0.2.1'), 20), atOnce)
    assert.equal(await tries(scene.stage.browser('192.0.2.2'), 20), atOnce)
    assert.equal(await tries(scene.browser, 20), signInLimits.knownDevice[0]?.failuresMax)
  })

  it('LG-05 of a disabled person is refused like any other', async test => {
    const scene = await equipped(test)
    await disableUser(scene.stage.workbench, 'ada@example.com')
    const { page, asked } = await scene.ask()
    assert.equal(isRefused(await show(scene, page, scene.passkey.use(asked))), true)
  })
})

describe('a new passkey', () => {
  it('LG-12 is not kept for another origin, domain, challenge or ceremony, or without user verification', async test => {
    const scene = await openScene(test, { client: shop })
    const lies: readonly Lie[] = [
      { origin: 'https://evil.example' },
      { rpId: 'evil.example' },
      { challenge: Buffer.alloc(32, 7).toString('base64url') },
      { type: 'webauthn.get' },
      { isUserVerified: false },
    ]
    for (const [index, lie] of lies.entries()) {
      const page = await addPasskey(scene, softPasskey(`lie ${index}`), lie)
      assert.match(page.body, /This passkey could not be added/, JSON.stringify(lie))
    }
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    assert.deepEqual((await scene.stage.pawl.store.credentials.ofUser(user.subject)).passkeys, [])
  })

  it('is kept up to the limit, and never twice', async test => {
    const scene = await equipped(test)
    assert.match((await addPasskey(scene, scene.passkey)).body, /could not be added/, 'it is there already')
    for (let index = 1; index < passkeysPerUserMax; index++) {
      assert.match((await addPasskey(scene, softPasskey(`key ${index}`))).body, /The passkey is added/)
    }
    assert.match((await addPasskey(scene, softPasskey('one too many'))).body, /could not be added/)
  })
})
