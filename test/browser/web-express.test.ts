/**
 * A real server, a real application and a real browser, three processes: a person signs in and stays signed in while
 * access tokens run out, a thief is caught, and signing out is the end.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Session } from '../../examples/web-express/src/session-store.ts'
import { faultProxy } from '../network/fault-proxy.ts'
import { cutNextAnswer } from '../network/http-answers.ts'
import { dataDirectory, pawlJson, restartingServer, runPawl, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { openChromium, openPage } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { person, registerExample, startExample, type WebExample } from './web-example.ts'

/** The access token lives a second, so a person who goes on reading meets its end without anybody waiting for it. */
const shortLived = ['--access-seconds', '1']
const longLived = ['--access-seconds', '3600']
/** More views than fit into the life of any access token here. */
const viewsMax = 5_000
const madeUpRetryKey = { 'idempotency-key': `"rk1.${'A'.repeat(43)}"` }

describe('the web example', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('keeps a person signed in while access tokens run out, until a stolen old token ends it', async test => {
    const { data, example, page } = await openScene(test, chromium, shortLived)
    await signInFromHome(page, example)
    const first = await sessionOf(example, page)
    // The first view may have found its access token run out already.
    const seen = await viewUntilRefreshed(page, example, first.refreshes + 3)
    assert.ok(seen.length >= 3, `${seen.length} views made three refreshes`)
    assert.equal(await example.isActive(first.accessToken), false, 'the first access token has run out')
    const latest = await sessionOf(example, page)
    assert.equal(new Set([first, latest].map(({ refreshToken }) => refreshToken)).size, 2)

    const bare = await example.post('/token', { grant_type: 'refresh_token', refresh_token: first.refreshToken })
    assert.equal(bare.status, 400)
    await viewProfile(page, example)

    const theft = { grant_type: 'refresh_token', refresh_token: first.refreshToken }
    const thief = await example.post('/token', theft, madeUpRetryKey)
    assert.equal(thief.status, 400)
    assert.equal(((await thief.json()) as { readonly error: string }).error, 'invalid_grant')
    const { accessToken } = await sessionOf(example, page)
    assert.equal(await example.isActive(accessToken), false)
    await page.goto(`${example.appUrl}/profile`)
    await page.getByRole('status').getByText('Your session was ended. Please sign in again.').waitFor()
    await takePictures(page, 'example-ended')
    assert.equal(await example.sessionOf(page.context()), null)

    const requestId = thief.headers.get('pawl-request-id') ?? ''
    assert.match(await explained(data, requestId), new RegExp(`generation ${first.refreshes + 1} `))
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: `Hello, ${person.name}` }).waitFor()
  })

  it('keeps every token out of the browser, out of its own output and readable nowhere on its disk', async test => {
    const { example, page } = await openScene(test, chromium, longLived)
    const watched = watch(page, example)
    await signInFromHome(page, example)
    const before = await sessionOf(example, page)
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await page.getByText('once').waitFor()
    const after = await sessionOf(example, page)
    assert.equal(after.refreshes, 1)
    const secrets = [before, after].flatMap(secretsOf).concat(example.clientSecret)
    assert.equal(await holdsAny(page, secrets), false)
    for (const text of await watched()) assert.ok(!secrets.some(secret => text.includes(secret)))
    for (const path of [example.storePath, `${example.storePath}-wal`]) {
      const bytes = readFileSync(path)
      assert.ok(!secrets.some(secret => bytes.includes(secret)), 'a token stands on the disk as it is')
    }
    assert.ok(!secrets.some(secret => example.output().includes(secret)))
    const cookies = (await page.context().cookies(example.appUrl)).filter(({ name }) => name.includes('web_'))
    assert.ok(
      cookies.length > 0 && cookies.every(({ httpOnly, secure, sameSite }) => httpOnly && secure && sameSite === 'Lax'),
    )
  })

  it('signs out for good: here, at the server, and with every token', async test => {
    const { example, page } = await openScene(test, chromium, longLived)
    await signInFromHome(page, example)
    const { accessToken, refreshToken } = await sessionOf(example, page)
    const cookies = await page.context().cookies(example.appUrl)
    assert.equal(await example.isActive(accessToken), true)
    assert.equal(await example.isActive(refreshToken), true)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('status').getByText('You are signed out').waitFor()
    assert.equal(new URL(page.url()).origin, example.appUrl)
    await takePictures(page, 'example-signed-out')
    assert.equal(await example.isActive(accessToken), false)
    assert.equal(await example.isActive(refreshToken), false)
    await page.context().addCookies(cookies.filter(({ name }) => name === '__Host-web_session'))
    await page.goto(`${example.appUrl}/profile`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Password').waitFor()
  })

  it('loses nothing when the answer to a refresh is lost on the way', async test => {
    const data = await dataDirectory(test)
    const port = await stablePort()
    const proxy = await faultProxy(test, port)
    const server = await startServer(test, { data, port, flags: ['--issuer', proxy.origin] })
    const example = await startExample(test, server.issuer, await registerExample(data, longLived))
    const page = await openPage(test, chromium)
    await signInFromHome(page, example)
    const lost = cutNextAnswer(proxy, 0)
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await page.getByText('once').waitFor()
    const { refreshToken, refreshes } = await sessionOf(example, page)
    assert.equal(refreshes, 1)
    assert.ok((await lost).includes(refreshToken), 'the token of the lost answer is the one that came again')
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await page.getByText('2 times').waitFor()
  })

  it('stays signed in while the server is away', async test => {
    const data = await dataDirectory(test)
    const server = await restartingServer(test, { data })
    const running = await server.up()
    const example = await startExample(test, running.issuer, await registerExample(data, longLived))
    const page = await openPage(test, chromium)
    await signInFromHome(page, example)
    await running.kill()
    await page.goto(`${example.appUrl}/profile`)
    await page.getByRole('heading', { name: 'Please try again' }).waitFor()
    await takePictures(page, 'example-unreachable')
    server.killAndStart()
    await server.up()
    await page.getByRole('link', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: `Hello, ${person.name}` }).waitFor()
  })

  it('says what happened when the person refuses', async test => {
    const { example, page } = await openScene(test, chromium, longLived)
    await page.goto(example.appUrl)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await typeSignIn(page)
    await page.getByRole('button', { name: 'Refuse' }).click()
    await page.getByText('You did not allow it, so nobody was signed in.').waitFor()
    await page.goto(`${example.appUrl}/callback?code=made-up&state=made-up`)
    await page.getByText('That sign-in was too old or already used.').waitFor()
    assert.equal(await example.sessionOf(page.context()), null)
  })
})

interface Scene {
  readonly data: string
  readonly example: WebExample
  readonly page: Page
}

async function openScene(test: TestContext, chromium: Browser, flags: readonly string[]): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const example = await startExample(test, server.issuer, await registerExample(data, flags))
  return { data, example, page: await openPage(test, chromium) }
}

async function signInFromHome(page: Page, example: WebExample): Promise<void> {
  await page.goto(example.appUrl)
  await takePictures(page, 'example-home')
  await page.getByRole('link', { name: 'Sign in' }).click()
  await takePictures(page, 'pawl-sign-in')
  await typeSignIn(page)
  await page.getByRole('heading', { name: 'Allow Web example?' }).waitFor()
  await takePictures(page, 'pawl-consent')
  await allow(page)
  await page.getByRole('heading', { name: `Hello, ${person.name}` }).waitFor()
  await takePictures(page, 'example-profile')
}

async function viewProfile(page: Page, example: WebExample): Promise<string> {
  await page.goto(`${example.appUrl}/profile`)
  await page.getByRole('heading', { name: `Hello, ${person.name}` }).waitFor()
  return page.content()
}

/** A person who goes on reading. Every view shows the profile, and time passes by itself. */
async function viewUntilRefreshed(page: Page, example: WebExample, refreshes: number): Promise<readonly string[]> {
  const views: string[] = []
  while (views.length < viewsMax && (await sessionOf(example, page)).refreshes < refreshes) {
    views.push(await viewProfile(page, example))
  }
  return views
}

async function sessionOf(example: WebExample, page: Page): Promise<Session> {
  const session = await example.sessionOf(page.context())
  assert.ok(session !== null, 'the application has no session for this browser')
  return session
}

function secretsOf({ accessToken, refreshToken, idToken }: Session): readonly string[] {
  return [accessToken, refreshToken, idToken]
}

/** Everything the browser is told by the application, and every address it asks for. */
function watch(page: Page, example: WebExample): () => Promise<readonly string[]> {
  const texts: Promise<string>[] = []
  page.on('request', request => texts.push(Promise.resolve(request.url())))
  page.on('response', response => {
    texts.push(response.allHeaders().then(headers => JSON.stringify(headers)))
    const isPage = response.url().startsWith(example.appUrl) && response.status() === 200
    if (isPage) texts.push(response.text())
  })
  return () => Promise.all(texts)
}

/** What a script on the application's pages could find. */
async function holdsAny(page: Page, secrets: readonly string[]): Promise<boolean> {
  const found = await page.evaluate(async () => {
    const databases = await indexedDB.databases()
    return JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, databases, location.href])
  })
  const whole = found + (await page.content()) + JSON.stringify(await stateOf(page.context()))
  return secrets.some(secret => whole.includes(secret))
}

function stateOf(context: BrowserContext): Promise<unknown> {
  return context.storageState({ indexedDB: true })
}

/** What `pawl explain` says of the reuse, once its document holds that very request. */
async function explained(data: string, requestId: string): Promise<string> {
  const told = (await pawlJson(['explain', requestId, '--data', data])) as {
    readonly kind: string
    readonly email: string
    readonly events: readonly { readonly kind: string; readonly request_id: string }[]
  }
  assert.equal(told.kind, 'request')
  assert.equal(told.email, person.email)
  const reuses = told.events.filter(({ kind }) => kind === 'token_reused')
  assert.deepEqual(
    reuses.map(event => event.request_id),
    [requestId],
  )
  const { code, stdout } = await runPawl(['explain', requestId, '--data', data])
  assert.equal(code, 0)
  assert.match(stdout, /ada@example\.com/)
  return stdout
}
