/** Signing in from a native application through a port on loopback, against a whole server and over real sockets. */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import {
  type LoopbackWishes,
  loopbackWaitSeconds,
  signInAtLoopback,
} from '../../packages/client/src/sign-in/loopback.ts'
import type { SignedIn } from '../../packages/client/src/sign-in/signed-in.ts'
import { openSystemBrowser } from '../../packages/client/src/sign-in/system-browser.ts'
import { stablePort } from '../processes/stable-port.ts'
import { phone } from '../stage/scene.ts'
import { openSignIn, type SignInGround, tokenRequests, visit } from './sign-in-ground.ts'
import { failure, refusal } from './sign-in-outcomes.ts'

const registered = 'http://127.0.0.1/cb'

interface Begun {
  readonly ground: SignInGround
  readonly url: string
  readonly redirectUri: URL
  readonly state: string
  readonly work: Promise<SignedIn>
}

/** A sign-in up to the moment in which the person is shown where to go. */
async function begun(test: TestContext, wishes: Partial<LoopbackWishes> = {}): Promise<Begun> {
  const ground = await openSignIn(test, { client: { ...phone, redirectUris: [wishes.redirectUri ?? registered] } })
  const shown = Promise.withResolvers<string>()
  const work = signInAtLoopback(ground.custody, {
    scope: 'openid email offline_access',
    redirectUri: registered,
    isPushed: false,
    open: () => undefined,
    show: shown.resolve,
    ...wishes,
  })
  // What it ends with is the test's to see, when it waits for it.
  work.catch(() => undefined)
  const url = await Promise.race([shown.promise, work.then(() => '')])
  const { searchParams } = new URL(url)
  const redirectUri = new URL(searchParams.get('redirect_uri') ?? '')
  return { ground, url, redirectUri, state: searchParams.get('state') ?? '', work }
}

async function assertShut({ redirectUri }: Begun): Promise<void> {
  await assert.rejects(fetch(redirectUri), TypeError)
}

describe('a sign-in at a loopback address', () => {
  it('brings tokens, tells the browser so on a page of its own, and listens no more', async test => {
    const sign = await begun(test, { applicationName: 'Tea <& Co>' })
    assert.match(sign.redirectUri.href, /^http:\/\/127\.0\.0\.1:\d+\/cb$/)
    const page = await fetch(await visit(sign.ground.browser, sign.url))
    const fresh = await sign.work
    assert.match(fresh.tokens.refresh_token ?? '', /^pawl_rt_/)
    const html = await page.text()
    assert.equal(page.status, 200)
    assert.match(html, /<html lang="en">[^]*<title>You are signed in<\/title>[^]*<h1>You are signed in<\/h1>/)
    assert.match(html, /Tea &lt;&amp; Co&gt;/)
    assert.equal(page.headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'")
    assert.equal(page.headers.get('cache-control'), 'no-store')
    await assertShut(sign)
  })

  it('gives everybody else a 404, and goes on waiting', async test => {
    const sign = await begun(test)
    const { redirectUri, state } = sign
    const good = `${redirectUri.href}?state=${state}&code=x`
    const strangers: readonly (readonly [string, RequestInit])[] = [
      [redirectUri.origin, {}],
      [`${redirectUri.origin}/favicon.ico`, {}],
      [redirectUri.href, {}],
      [`${redirectUri.href}?state=made-up&code=x`, {}],
      [`${good}&state=${state}`, {}],
      [`${redirectUri.href}/?state=${state}&code=x`, {}],
      [good, { method: 'POST' }],
      [good, { method: 'HEAD' }],
    ]
    for (const [url, init] of strangers) assert.equal((await fetch(url, init)).status, 404, url)
    for (const path of ['//', '//[', '/%', 'http://[', 'http://rebound.example/cb', '*']) {
      assert.equal(await statusOf(redirectUri, { path }), 404, path)
    }
    assert.equal(await statusOf(redirectUri, { path: `/cb?state=${state}`, host: 'rebound.example' }), 404)
    assert.equal(tokenRequests(sign.ground), 0)
    assert.equal((await fetch(await visit(sign.ground.browser, sign.url))).status, 200)
    await sign.work
  })

  it('tells the browser of success only once everything is kept', async test => {
    const kept: string[] = []
    const good = await begun(test, { keep: async ({ subject = '' }) => kept.push(subject) })
    assert.equal((await fetch(await visit(good.ground.browser, good.url))).status, 200)
    assert.deepEqual(kept, [(await good.work).subject])
    const bad = await begun(test, { keep: () => Promise.reject(new Error('the disk is full')) })
    assert.equal((await fetch(await visit(bad.ground.browser, bad.url))).status, 400)
    await assert.rejects(bad.work, /the disk is full/)
  })

  it('opens nothing but web pages with the browser of the system', async () => {
    for (const url of ['file:///etc/hosts', 'com.example.app:/cb', 'javascript:0']) {
      assert.equal(await openSystemBrowser(url), false)
    }
  })

  it('takes one answer, and refuses a second one', async test => {
    const sign = await begun(test)
    const back = await visit(sign.ground.browser, sign.url)
    const statuses = await Promise.all(
      [1, 2, 3].map(() =>
        fetch(back).then(
          ({ status }) => status,
          () => 'shut',
        ),
      ),
    )
    assert.equal(statuses.filter(status => status === 200).length, 1, statuses.join(' '))
    await sign.work
    assert.equal(tokenRequests(sign.ground), 1)
  })

  it('tells the browser and the application when the person said no', async test => {
    const sign = await begun(test)
    const { browser } = sign.ground
    const { pathname, search } = new URL(sign.url)
    const consent = await browser.signIn(await browser.open(pathname + search))
    const { leftTo } = await browser.decide(consent, 'deny')
    const page = await fetch(leftTo ?? '')
    assert.deepEqual([page.status, /You are not signed in/.test(await page.text())], [400, true])
    await assert.rejects(sign.work, refusal('authorization', 'access_denied'))
    await assertShut(sign)
  })

  it('waits so long and no longer, and shuts its port', async test => {
    const sign = await begun(test)
    await sign.ground.clock.advance(loopbackWaitSeconds * 1000 - 1)
    assert.equal((await fetch(sign.redirectUri)).status, 404)
    await sign.ground.clock.advance(1)
    await assert.rejects(sign.work, failure('expired'))
    await assertShut(sign)
  })

  it('ends at once when it is given up, before and after it has begun', async test => {
    const stop = new AbortController()
    const sign = await begun(test, { signal: stop.signal })
    stop.abort()
    await assert.rejects(sign.work, failure('aborted'))
    await assertShut(sign)
    const { custody } = sign.ground
    const late = signInAtLoopback(custody, { show: () => undefined, signal: stop.signal })
    await assert.rejects(late, failure('aborted'))
  })

  it('shuts its port where the server cannot be reached or refuses the request', async test => {
    const ground = await openSignIn(test)
    let port = ''
    const wishes = { redirectUri: registered, show: () => undefined, open: () => undefined }
    const fetch: typeof ground.network.fetch = async (url, init) => {
      if (init.body instanceof URLSearchParams) port = new URL(init.body.get('redirect_uri') ?? '').port
      return ground.network.fetch(url, init)
    }
    const refused = signInAtLoopback({ ...ground.custody, fetch }, { ...wishes, scope: 'openid admin' })
    await assert.rejects(refused, refusal('request', 'invalid_scope'))
    await assert.rejects(globalThis.fetch(`http://127.0.0.1:${port}/cb`), TypeError)
  })

  it('goes on by hand where no browser opens, or one that does not come back', async test => {
    const never = () => new Promise(() => undefined)
    for (const open of [() => false, () => Promise.reject(new Error('no display')), never]) {
      const sign = await begun(test, { open })
      assert.equal((await fetch(await visit(sign.ground.browser, sign.url))).status, 200)
      await sign.work
    }
  })

  it('listens where the registered address says: at IPv6, at both for localhost, at one port', async test => {
    const six = await begun(test, { redirectUri: 'http://[::1]/cb' })
    assert.equal(six.redirectUri.hostname, '[::1]')
    assert.equal((await fetch(await visit(six.ground.browser, six.url))).status, 200)
    await six.work
    const port = await stablePort()
    const both = await begun(test, { redirectUri: `http://localhost:${port}/cb` })
    assert.equal(both.redirectUri.host, `localhost:${port}`)
    for (const host of ['127.0.0.1', '[::1]']) {
      assert.equal((await fetch(`http://${host}:${port}/`)).status, 404, host)
    }
    assert.equal((await fetch(await visit(both.ground.browser, both.url))).status, 200)
    await both.work
  })

  it('refuses an address that is not on this machine', async test => {
    const { custody } = await openSignIn(test)
    for (const redirectUri of ['https://app.example/cb', 'http://app.example/cb', 'com.example.app:/cb', 'cb']) {
      await assert.rejects(signInAtLoopback(custody, { redirectUri, show: () => undefined }), TypeError)
    }
  })
})

/** A request that no `fetch` makes: with this very target, or under the name of a page whose name leads here. */
function statusOf(at: URL, { path, host = at.host }: { readonly path: string; readonly host?: string }) {
  return new Promise<number | undefined>((resolve, reject) => {
    request({ host: at.hostname, port: at.port, path, headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })
}
