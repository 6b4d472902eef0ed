/**
 * `prompt=none` in a frame of an application's page, as single-page applications renew their tokens (OIDC Core §3.1.2.1),
 * and the frames that tell applications of a logout, in a real Chromium. On one machine `localhost` at another port is the
 * same site, and `127.0.0.1` is another one.
 */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { appOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import { type Application, openApplication } from './application.ts'
import { openChromium, openPage } from './chromium.ts'
import { typeSignIn } from './sign-in.ts'
import { addPerson } from './web-example.ts'

const verifier = 'a verifier that everybody may know'.replaceAll(' ', '-').padEnd(43, '~')

interface Scene {
  readonly server: ServerProcess
  readonly application: Application
  readonly page: Page
  readonly authorize: (fields?: { readonly [name: string]: string }) => string
  /** Redeems the code that arrived last. */
  readonly redeem: () => Promise<{ readonly status: number; readonly idToken: string }>
  /** Asks in a frame of the application's page; answers what came back to it. */
  readonly askInFrame: () => Promise<URLSearchParams>
}

async function openScene(test: TestContext, chromium: Browser, host: 'localhost' | '127.0.0.1'): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const application = await openApplication(test, host)
  const { redirectUri, origin } = application
  const office = await openOffice(test, data)
  const registered = await office.addClient({
    id: 'page',
    // What is public and not at an https address of its own is asked about every time; who asks changes no cookie.
    kind: 'web',
    firstParty: true,
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [`${origin}/bye`],
    frontchannelLogoutUri: `${origin}/logged-out`,
  })
  await addPerson(data)
  const page = await openPage(test, chromium)
  const standard = {
    response_type: 'code',
    client_id: 'page',
    redirect_uri: redirectUri,
    scope: 'openid email',
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
  }
  const authorize = (fields = {}): string =>
    `${server.issuer}/authorize?${new URLSearchParams({ ...standard, ...fields }).toString()}`
  const askInFrame = async (): Promise<URLSearchParams> => {
    const before = application.responses.length
    const source = authorize({ prompt: 'none', state: `silent-${before}` }).replaceAll('&', '&amp;')
    application.show(`<!doctype html><title>Page</title><iframe src="${source}"></iframe>`)
    await page.goto(application.origin)
    await page.frameLocator('iframe').getByRole('heading', { name: 'Arrived' }).waitFor()
    const arrived = application.responses.at(-1)
    assert.equal(application.responses.length, before + 1)
    assert.equal(arrived?.parameters.get('state'), `silent-${before}`)
    return arrived?.parameters ?? new URLSearchParams()
  }
  const redeem = async () => {
    const code = application.responses.at(-1)?.parameters.get('code') ?? ''
    const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
    const response = await appOf(server, registered).post('/token', fields)
    const body = (await response.json()) as { readonly id_token?: string }
    return { status: response.status, idToken: body.id_token ?? '' }
  }
  return { server, application, page, authorize, redeem, askInFrame }
}

async function signIn({ page, authorize }: Scene): Promise<void> {
  await page.goto(authorize())
  await typeSignIn(page)
  await page.getByRole('heading', { name: 'Arrived' }).waitFor()
}

describe('prompt=none in a frame', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('brings a code to a page of the same site, without a page of ours', async test => {
    const scene = await openScene(test, chromium, 'localhost')
    const strangers = await scene.askInFrame()
    assert.equal(strangers.get('error'), 'login_required')
    await signIn(scene)
    assert.equal((await scene.redeem()).status, 200)
    for (const _ of [1, 2]) {
      const renewed = await scene.askInFrame()
      assert.equal(renewed.get('error'), null)
      assert.equal((await scene.redeem()).status, 200)
    }
  })

  it('says login_required to a page of another site, where the browser sends no cookie of ours', async test => {
    const scene = await openScene(test, chromium, '127.0.0.1')
    await signIn(scene)
    assert.equal((await scene.redeem()).status, 200)
    const refused = await scene.askInFrame()
    assert.deepEqual([refused.get('error'), refused.get('code')], ['login_required', null])
    await scene.page.goto(scene.authorize({ prompt: 'none' }))
    await scene.page.getByRole('heading', { name: 'Arrived' }).waitFor()
    assert.ok(scene.application.responses.at(-1)?.parameters.has('code'), 'the session itself goes on')
  })

  it('CK-04 shows nothing of ours where it cannot go back: a client or an address that is wrong', async test => {
    const { page, application, authorize } = await openScene(test, chromium, 'localhost')
    for (const wrong of [{ client_id: 'nobody' }, { redirect_uri: `${application.origin}/elsewhere` }]) {
      const source = authorize({ prompt: 'none', ...wrong }).replaceAll('&', '&amp;')
      application.show(`<!doctype html><title>Page</title><iframe src="${source}"></iframe>`)
      await page.goto(application.origin)
      const framed = page.frames().find(frame => frame !== page.mainFrame())
      assert.ok(framed !== undefined)
      await framed.waitForURL('chrome-error://chromewebdata/')
    }
    assert.deepEqual(application.responses, [])
  })
})

describe('signing out', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('loads the applications of the session in frames, and then goes back', async test => {
    const scene = await openScene(test, chromium, 'localhost')
    const { page, application, server } = scene
    await signIn(scene)
    const { idToken } = await scene.redeem()
    application.show('<!doctype html><title>Told</title><h1>Told</h1>')
    const loaded = page.waitForRequest(request => request.url().startsWith(`${application.origin}/logged-out?`))
    const back = `${application.origin}/bye`
    const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: back, state: 'here' })
    await page.goto(`${server.issuer}/logout?${query.toString()}`)
    const { searchParams } = new URL((await loaded).url())
    assert.equal(searchParams.get('iss'), server.issuer)
    assert.match(searchParams.get('sid') ?? '', /^[\w-]{22}$/)
    await page.waitForURL(`${back}?state=here`)
    const cookies = await page.context().cookies(server.issuer)
    assert.deepEqual(
      cookies.filter(({ name }) => name === '__Host-pawl_session'),
      [],
    )
  })
})
