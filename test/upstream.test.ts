/** Signing in at another OpenID provider, with `openid-client` on our side and a small provider on the other. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { addUpstream, type NewUpstreamInput, removeUpstream } from '../packages/server/src/admin/upstreams.ts'
import { disableUser, resetPassword } from '../packages/server/src/admin/users.ts'
import { providerSeconds } from '../packages/server/src/oauth/upstream/provider.ts'
import { attemptSeconds, departuresPerNetworkMax } from '../packages/server/src/oauth/upstream/upstream-sign-in.ts'
import { openAccount, press } from './stage/account.ts'
import type { Fields } from './stage/app.ts'
import type { Browser, BrowserPage } from './stage/browser.ts'
import { eventsOf } from './stage/events.ts'
import { idTokenOf } from './stage/id-token.ts'
import { openScene, type Scene, shop } from './stage/scene.ts'
import { giveAuthenticator } from './stage/second-factor.ts'
import {
  openUpstreamProvider,
  upstreamClient,
  type UpstreamPerson,
  type UpstreamProvider,
} from './stage/upstream-provider.ts'

interface Connected extends Scene {
  readonly provider: UpstreamProvider
}

async function connected(test: TestContext, options: Partial<NewUpstreamInput> = {}): Promise<Connected> {
  const scene = await openScene(test, { client: { ...shop, firstParty: true } })
  const provider = await openUpstreamProvider(test)
  const { id: clientId, secret: clientSecret } = upstreamClient
  const wanted = { id: 'acme', name: 'Acme', issuer: provider.issuer, clientId, clientSecret, ...options }
  await addUpstream(scene.stage.workbench, wanted)
  return { ...scene, provider }
}

const ada: UpstreamPerson = { sub: 'ada-there', email: 'ada@example.com', email_verified: true }
const grace: UpstreamPerson = { sub: 'grace-there', email: 'grace@example.com', email_verified: true }

/** Presses the provider's button on the sign-in page: where the browser is sent. */
async function leave(scene: Connected, browser: Browser, fields: Fields = {}): Promise<URL> {
  scene.stage.clock.advanceMs(1)
  const page = await browser.open(scene.app.authorizePath({ scope: 'openid', prompt: 'login', ...fields }).path)
  return away(await press(browser, page, 'upstream', { upstream: 'acme' }))
}

function away(page: BrowserPage): URL {
  assert.ok(page.leftTo !== null, page.body.slice(0, 300))
  assert.equal(page.leftTo.pathname, '/authorize')
  return page.leftTo
}

/** Another provider beside the first one, which never says who it is. */
async function alsoAt(test: TestContext, { stage }: Scene, id: string): Promise<UpstreamProvider> {
  const provider = await openUpstreamProvider(test, false)
  const { id: clientId, secret: clientSecret } = upstreamClient
  await addUpstream(stage.workbench, { id, name: id, issuer: provider.issuer, clientId, clientSecret })
  return provider
}

async function connectAda(scene: Connected): Promise<void> {
  const page = await openAccount(scene.browser)
  assert.match(page.body, /not connected/)
  const url = away(await press(scene.browser, page, 'upstream_link'))
  const back = await scene.browser.open(scene.provider.signIn(url, ada))
  assert.match(back.body, /connected since/)
}

function isUnlinked(page: BrowserPage): boolean {
  return page.body.includes('connected to nobody here')
}

describe('signing in at another provider', () => {
  it('is asked for with state, nonce and PKCE, as the client that was registered there', async test => {
    const scene = await connected(test)
    const { searchParams } = await leave(scene, scene.browser)
    assert.equal(searchParams.get('client_id'), upstreamClient.id)
    assert.equal(searchParams.get('redirect_uri'), `${scene.stage.issuer}/upstream/callback/acme`)
    assert.equal(searchParams.get('code_challenge_method'), 'S256')
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.match(searchParams.get(name) ?? '', /^[\w-]{43}$/, name)
    }
    assert.equal(searchParams.get('scope'), 'openid email profile')
  })

  it('signs in whoever was connected on the account page, and says no more than that', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const browser = scene.stage.browser()
    const { path, verifier } = scene.app.authorizePath({ scope: 'openid' })
    const url = away(await press(browser, await browser.open(path), 'upstream', { upstream: 'acme' }))
    const done = await browser.open(scene.provider.signIn(url, { ...ada, email: 'other@example.com' }))
    const code = done.leftTo?.searchParams.get('code')
    assert.ok(typeof code === 'string', done.body.slice(0, 300))
    const tokens = await scene.app.redeem({ code, verifier, parameters: new URLSearchParams() })
    const claims = await idTokenOf(scene.stage, tokens, 'shop')
    assert.equal(claims['acr'], 'urn:pawl:acr:federated')
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.equal(claims.sub, user?.subject)
  })

  it('asks for the code of whoever has set one up here', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const { code } = await giveAuthenticator(scene.stage, user)
    const browser = scene.stage.browser()
    const page = await browser.open(scene.provider.signIn(await leave(scene, browser), ada))
    assert.match(page.body, /name="code"/)
    assert.equal(browser.jar.has('__Host-pawl_session'), false)
    const done = await browser.submit(page, { code: code(), decision: 'check' })
    assert.ok(done.leftTo?.searchParams.has('code'))
    const [session] = await scene.stage.pawl.store.sessions.ofUser(user.subject, 1)
    assert.deepEqual([session?.acr, session?.amr], ['urn:pawl:acr:mfa', ['otp', 'mfa']])
  })

  it('asks for consent afterwards, as any other sign-in does', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const registered = await scene.stage.addClient({ ...shop, id: 'other' })
    const app = scene.stage.app(registered)
    const browser = scene.stage.browser()
    const url = away(
      await press(browser, await browser.open(app.authorizePath().path), 'upstream', { upstream: 'acme' }),
    )
    const page = await browser.open(scene.provider.signIn(url, ada))
    assert.match(page.body, /value="allow"/)
  })

  it('opens the account page too, and is disconnected there', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const browser = scene.stage.browser()
    const url = away(await press(browser, await browser.open('/account'), 'upstream', { upstream: 'acme' }))
    const page = await browser.open(scene.provider.signIn(url, ada))
    assert.match(page.body, /Your account<\/h1>/)
    const after = await press(browser, page, 'upstream_unlink')
    assert.match(after.body, /not connected/)
    const again = await browser.open(scene.provider.signIn(await leave(scene, browser), ada))
    assert.equal(isUnlinked(again), true)
    assert.equal((await eventsOf(scene.stage, 'upstream_unlinked')).length, 1)
  })

  it('gives an account to somebody new where the operator wants it and the provider vouches', async test => {
    const scene = await connected(test, { createsUsers: true })
    const done = await scene.browser.open(scene.provider.signIn(await leave(scene, scene.browser), grace))
    assert.ok(done.leftTo?.searchParams.has('code'), done.body.slice(0, 300))
    const user = (await scene.stage.pawl.store.users.readByEmailKey('grace@example.com'))?.user
    assert.equal(user?.emailVerified, true)
    const page = await scene.stage.browser().open('/account')
    assert.match(page.body, /name="password"/)
    const again = await scene.browser.open(scene.provider.signIn(await leave(scene, scene.browser), grace))
    assert.ok(again.leftTo?.searchParams.has('code'))
    assert.equal((await scene.stage.pawl.store.users.list(10)).length, 2)
  })

  it('gives one account to somebody new who comes back in two tabs at once', async test => {
    const scene = await connected(test, { createsUsers: true })
    const ways = [await leave(scene, scene.browser), await leave(scene, scene.browser)]
    const answers = ways.map(url => scene.provider.signIn(url, grace))
    const pages = await Promise.all(answers.map(answer => scene.browser.open(answer)))
    for (const page of pages) assert.ok(page.leftTo?.searchParams.has('code'), page.body.slice(0, 300))
    assert.equal((await scene.stage.pawl.store.users.list(10)).length, 2)
  })

  it('asks the provider for as fresh a sign-in as was asked of us, and takes no older one', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const { provider, stage } = scene
    const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
    const hourAgo = { ...ada, auth_time: nowSeconds - 3600 }
    const cases = [
      [{ prompt: 'login' }, '0', false],
      [{ prompt: undefined, max_age: '600' }, '600', false],
      [{ prompt: undefined, max_age: '7200' }, '7200', true],
      [{ prompt: undefined }, null, true],
    ] as const
    for (const [fields, maxAge, isTaken] of cases) {
      const browser = stage.browser()
      const url = await leave(scene, browser, fields)
      assert.equal(url.searchParams.get('max_age'), maxAge)
      const page = await browser.open(provider.signIn(url, hourAgo))
      assert.equal(page.leftTo?.searchParams.has('code') ?? false, isTaken, JSON.stringify(fields))
      if (!isTaken) assert.match(page.body, /The other provider did not say who you are/)
    }
    for (const person of [{ ...ada, auth_time: nowSeconds }, ada]) {
      const browser = stage.browser()
      const page = await browser.open(provider.signIn(await leave(scene, browser), person))
      assert.ok(page.leftTo?.searchParams.has('code'), 'just now, or nobody says when')
    }
    const visitor = stage.browser()
    const url = away(await press(visitor, await visitor.open('/account'), 'upstream', { upstream: 'acme' }))
    assert.equal(url.searchParams.get('max_age'), '900')
  })
})

describe('an account at another provider', () => {
  it('LG-11 is connected to nobody by its e-mail, verified or not', async test => {
    const scene = await connected(test, { createsUsers: true })
    for (const person of [ada, { ...ada, email_verified: false }, { ...ada, email: 'ADA@Example.com' }]) {
      const page = await scene.browser.open(scene.provider.signIn(await leave(scene, scene.browser), person))
      assert.equal(isUnlinked(page), true, JSON.stringify(person))
    }
    assert.deepEqual(await eventsOf(scene.stage, 'upstream_linked'), [])
    assert.equal((await scene.stage.pawl.store.users.list(10)).length, 1)
  })

  it('LG-11 makes no account of an address that nobody vouches for, nor where the operator gives none', async test => {
    const open = await connected(test, { createsUsers: true })
    const unproved: readonly UpstreamPerson[] = [
      { ...grace, email_verified: false },
      { sub: 'a', email: 'grace@example.com' },
      { sub: 'b' },
      { ...grace, email: 'no address' },
      { sub: 'c', email: 'grace@example.com', email_verified: 'true' as unknown as boolean },
      { ...grace, email: 'ｇｒａｃｅ@example.com' },
    ]
    for (const person of unproved) {
      const page = await open.browser.open(open.provider.signIn(await leave(open, open.browser), person))
      assert.equal(isUnlinked(page), true, JSON.stringify(person))
    }
    const closed = await connected(test)
    const page = await closed.browser.open(closed.provider.signIn(await leave(closed, closed.browser), grace))
    assert.equal(isUnlinked(page), true)
    assert.equal((await open.stage.pawl.store.users.list(10)).length, 1)
  })

  it('LG-11 is connected to one person alone, and by nobody but who is signed in on both sides', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    await scene.stage.addUser('bob@example.com')
    const bob = scene.stage.browser()
    const page = await bob.signIn(await bob.open('/account'), 'bob@example.com')
    const url = away(await press(bob, page, 'upstream_link'))
    assert.equal((await bob.open(scene.provider.signIn(url, ada))).status, 409)
    // Bob's way back, opened in the browser where Ada is signed in, connects nobody.
    const lured = away(await press(bob, await bob.open('/account'), 'upstream_link'))
    const answer = scene.provider.signIn(lured, grace)
    assert.equal((await scene.browser.open(answer)).status, 400)
    assert.equal((await eventsOf(scene.stage, 'upstream_linked')).length, 1)
  })

  it('LG-11 is connected to nobody whose session ended on the way', async test => {
    const scene = await connected(test)
    const { browser, provider, stage } = scene
    const url = away(await press(browser, await openAccount(browser), 'upstream_link'))
    await resetPassword(stage.workbench, 'ada@example.com', 'a brand new passphrase')
    assert.equal((await browser.open(provider.signIn(url, ada))).status, 400)
    assert.deepEqual(await eventsOf(stage, 'upstream_linked'), [])
  })

  it('LG-05 of a disabled person signs nobody in', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    await disableUser(scene.stage.workbench, 'ada@example.com')
    const browser = scene.stage.browser()
    const page = await browser.open(scene.provider.signIn(await leave(scene, browser), ada))
    assert.equal(isUnlinked(page), true)
    assert.equal(browser.jar.has('__Host-pawl_session'), false)
  })

  it('is worth nothing any more once its provider is removed, whoever takes the name later', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    await removeUpstream(scene.stage.workbench, 'acme')
    const { id: clientId, secret: clientSecret } = upstreamClient
    const issuer = scene.provider.issuer
    await addUpstream(scene.stage.workbench, { id: 'acme', name: 'Acme', issuer, clientId, clientSecret })
    const browser = scene.stage.browser()
    const page = await browser.open(scene.provider.signIn(await leave(scene, browser), ada))
    assert.equal(isUnlinked(page), true)
  })
})

describe('what comes back from another provider', () => {
  it('MX-05 counts in the browser that left, once, and not for long', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const { provider, stage, browser } = scene
    const first = provider.signIn(await leave(scene, browser), ada)
    assert.equal((await stage.browser().open(first)).status, 400, 'another browser')
    assert.equal((await browser.open(first)).status, 400, 'it is over then')
    const second = provider.signIn(await leave(scene, browser), ada)
    assert.ok((await browser.open(second)).leftTo !== null)
    assert.equal((await browser.open(second)).status, 400, 'again')
    const third = provider.signIn(await leave(scene, browser), ada)
    stage.clock.advanceSeconds(attemptSeconds)
    assert.equal((await browser.open(third)).status, 400, 'too late')
    assert.equal((await browser.open('/upstream/callback/acme?code=x&state=y')).status, 400)
    assert.equal((await browser.open('/upstream/callback/acme?code=x')).status, 400)
    assert.equal(provider.redeemed(), 2, 'nothing else was redeemed')
  })

  it('MX-05 is refused for the code of another person or another departure', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const { provider, browser, stage } = scene
    const thief = stage.browser()
    const [own, theirs] = [await leave(scene, browser), await leave(scene, thief)]
    const code = provider.codeFor(theirs, grace)
    const state = own.searchParams.get('state') ?? ''
    const query = new URLSearchParams({ code, state, iss: provider.issuer }).toString()
    const page = await browser.open(`/upstream/callback/acme?${query}`)
    assert.equal(page.status, 400)
    assert.match(page.body, /Signing in at Acme did not work/)
  })

  it('MX-05 is refused for an ID token with another nonce, issuer or audience, or that is over', async test => {
    const scene = await connected(test, { createsUsers: true })
    const { browser, provider } = scene
    const lies: readonly UpstreamPerson[] = [
      { ...grace, nonce: 'another' },
      { ...grace, iss: 'https://evil.example' },
      { ...grace, aud: 'another-client' },
      { ...grace, exp: 1_700_000_001 },
    ]
    for (const person of lies) {
      const page = await browser.open(provider.signIn(await leave(scene, browser), person))
      assert.equal(page.status, 400, JSON.stringify(person))
    }
    for (const sub of ['', 'x'.repeat(256), 'a\u0000b', 'ä', 'a\nb']) {
      const page = await browser.open(provider.signIn(await leave(scene, browser), { ...grace, sub }))
      assert.match(page.body, /The other provider did not say who you are/)
    }
    assert.equal((await scene.stage.pawl.store.users.list(10)).length, 1)
  })

  it('MX-05 counts for the provider it left for: one that passes people on to another learns nothing of theirs', async test => {
    const scene = await connected(test)
    await connectAda(scene)
    const evil = await alsoAt(test, scene, 'evil')
    const { browser, provider, app, stage } = scene
    const asked = provider.asked()
    stage.clock.advanceMs(1)
    const page = await browser.open(app.authorizePath({ scope: 'openid', prompt: 'login' }).path)
    const url = away(await press(browser, page, 'upstream', { upstream: 'evil' }))
    assert.equal(url.searchParams.get('redirect_uri'), `${stage.issuer}/upstream/callback/evil`)
    // The honest provider knows this server by its own address alone, and need not say who it is.
    const code = provider.codeFor(url, ada)
    const query = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' })
    assert.equal((await browser.open(`/upstream/callback/acme?${query.toString()}`)).status, 400)
    assert.equal((await browser.open(`/upstream/callback/evil?${query.toString()}`)).status, 400, 'it is over then')
    assert.deepEqual([provider.asked(), evil.asked()], [asked, 0])
    for (const path of ['/upstream/callback', '/upstream/callback/acme/x']) {
      assert.equal((await stage.send(`${path}?${query.toString()}`)).status, 404)
    }
  })

  it('MX-05 is refused where the issuer in the answer is another, or an error came', async test => {
    const scene = await connected(test)
    const { browser, provider } = scene
    const url = await leave(scene, browser)
    const query = new URLSearchParams({
      code: provider.codeFor(url, ada),
      state: url.searchParams.get('state') ?? '',
      iss: 'https://evil.example',
    })
    assert.equal((await browser.open(`/upstream/callback/acme?${query.toString()}`)).status, 400)
    assert.equal(provider.redeemed(), 0)
    const refusedState = (await leave(scene, browser)).searchParams.get('state') ?? ''
    const refused = await browser.open(`/upstream/callback/acme?error=access_denied&state=${refusedState}`)
    assert.match(refused.body, /The other provider did not say who you are/)
  })

  it('costs the provider one question about itself in ten minutes, whoever comes', async test => {
    const scene = await connected(test)
    const { provider, stage } = scene
    const page = await scene.browser.open(scene.app.authorizePath().path)
    await Promise.all([1, 2, 3].map(() => press(scene.browser, page, 'upstream', { upstream: 'acme' })))
    await connectAda(scene)
    assert.equal(provider.described(), 1)
    stage.clock.advanceSeconds(providerSeconds)
    await leave(scene, stage.browser())
    assert.equal(provider.described(), 2)
  })

  it('leaves behind a bounded number of departures from one network', async test => {
    const scene = await connected(test)
    const page = await scene.browser.open(scene.app.authorizePath().path)
    let gone = 0
    for (let index = 0; index < departuresPerNetworkMax + 2; index++) {
      const { leftTo, status } = await press(scene.browser, page, 'upstream', { upstream: 'acme' })
      if (leftTo !== null) gone += 1
      else assert.equal(status, 429)
    }
    assert.equal(gone, departuresPerNetworkMax)
  })
})
