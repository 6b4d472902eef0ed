/**
 * A backend for frontend among sites, in a real Chromium over https: the server on another site, a sibling on the same one
 * and a stranger. What a sibling may send is the whole difference between a site and an origin: `Strict` cookies go along.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { answerBff } from '@pawl/bff'
import { nodeHandler } from '@pawl/bff/node'
import { custodyKeyFrom, memoryStore } from '@pawl/client'
import { ClientSecretBasic } from 'oauth4webapi'
import { type ClientCertificate, selfSigned } from '../network/client-certificates.ts'
import { tlsFetch, toLoopback } from '../network/tls-fetch.ts'
import { dataDirectory, pawlJson } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { openChromium, openPage } from './chromium.ts'
import { startServerElsewhere } from './server-elsewhere.ts'
import { typeSignIn } from './sign-in.ts'
import { addPerson } from './web-example.ts'

const hosts = {
  app: 'app.pawl.test',
  sibling: 'evil.pawl.test',
  stranger: 'evil.elsewhere.test',
  server: 'id.elsewhere.test',
}

describe('a backend for frontend among sites', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])
  })
  after(() => chromium.close())

  it('signs in over another site, and lets neither sibling nor stranger use the cookie', async test => {
    const { page, app, evil, reached } = await openScene(test, chromium)
    assert.equal(await ask(page, `${app}/api/notes`), '200 [] false')
    assert.deepEqual(reached, ['GET /notes'])
    for (const host of [hosts.sibling, hosts.stranger]) {
      const bad = await page.context().newPage()
      await bad.goto(evil(host))
      const sent: string[] = []
      bad.on('request', request => sent.push(request.method()))
      assert.equal(await ask(bad, `${app}/api/notes`), 'TypeError', 'the preflight is not answered')
      for (const method of ['GET', 'POST']) {
        assert.equal(await askBlindly(bad, `${app}/api/notes`, method), 'blocked')
      }
      await bad.evaluate(at => {
        document.body.innerHTML = `<form method="post" action="${at}"><button>Win</button></form>`
      }, `${app}/api/notes`)
      await bad.getByRole('button', { name: 'Win' }).click()
      await bad.waitForURL(`${app}/**`)
      assert.match(await bad.locator('body').innerText(), /cross_site/)
      assert.ok(sent.length >= 3)
      await bad.close()
    }
    assert.deepEqual(reached, ['GET /notes'], 'nothing of it reached the API')
    assert.equal(await ask(page, `${app}/api/notes`), '200 [] false')
  })

  it('keeps its cookie although a sibling plants one, and is shown in no frame', async test => {
    const { page, app, evil } = await openScene(test, chromium)
    const before = await sessionCookies(page, app)
    const bad = await page.context().newPage()
    await bad.goto(evil(hosts.sibling))
    await bad.evaluate(() => {
      for (const name of ['__Host-Http-pawl-session', '__Host-pawl-session']) {
        document.cookie = `${name}=${'A'.repeat(64)}; domain=pawl.test; path=/; secure`
        document.cookie = `${name}=${'A'.repeat(64)}; path=/; secure`
      }
    })
    assert.deepEqual(await sessionCookies(page, app), before)
    assert.equal(before.length, 1)
    assert.equal(await ask(page, `${app}/api/notes`), '200 [] false')
    const framed = await bad.evaluate(
      at =>
        new Promise<string>(resolve => {
          const frame = document.createElement('iframe')
          frame.addEventListener('load', () => resolve(frame.contentDocument === null ? 'closed' : 'open'))
          frame.src = at
          document.body.append(frame)
        }),
      `${app}/bff/session`,
    )
    assert.equal(framed, 'closed')
  })
})

interface Scene {
  readonly page: Page
  readonly app: string
  /** A page of somebody else. */
  readonly evil: (host: string) => string
  /** What the API was asked for. */
  readonly reached: readonly string[]
}

/** Somebody is signed in at the application. */
async function openScene(test: TestContext, chromium: Browser): Promise<Scene> {
  const names = Object.values(hosts).map(value => ({ type: 'dns' as const, value }))
  const certificate = await selfSigned({ subject: `CN=${hosts.app}`, names })
  const reached: string[] = []
  const api = await serve(test, null, (request, response) => {
    reached.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json').end('[]')
  })
  const appPort = await stablePort()
  const app = `https://${hosts.app}:${appPort}`
  const data = await dataDirectory(test)
  const words = [
    'client',
    'add',
    'app',
    '--kind',
    'bff',
    '--first-party',
    '--redirect',
    `${app}/bff/callback`,
    '--data',
    data,
  ]
  const { client_secret: secret } = (await pawlJson(words)) as { readonly client_secret: string }
  await addPerson(data)
  const issuer = await startServerElsewhere(test, { host: hosts.server, data, certificate })
  const bff = answerBff({
    origin: app,
    server: issuer,
    client: { client_id: 'app' },
    authentication: ClientSecretBasic(secret),
    store: memoryStore(),
    custodyKey: await custodyKeyFrom(new Uint8Array(randomBytes(32))),
    routes: { '/api/': { upstream: `http://127.0.0.1:${api}/` } },
    fetch: (url, init) =>
      url.startsWith('https:') ? tlsFetch({ authority: certificate, lookup: toLoopback })(url, init) : fetch(url, init),
  })
  test.after(() => bff.close())
  const handle = nodeHandler(bff, app)
  await serve(test, { certificate, port: appPort }, (request, response) => {
    handle(request, response, () => response.setHeader('content-type', 'text/html').end('<h1>Application</h1>')).catch(
      (error: unknown) => response.destroy(error as Error),
    )
  })
  const evilPort = await serve(test, { certificate, port: 0 }, (_request, response) => {
    response.setHeader('content-type', 'text/html').end('<h1>Somebody else</h1>')
  })
  const page = await openPage(test, chromium, { ignoreHTTPSErrors: true })
  await page.goto(`${app}/bff/sign-in?return_to=/`)
  await typeSignIn(page)
  await page.getByRole('heading', { name: 'Application' }).waitFor()
  return { page, app, reached, evil: host => `https://${host}:${evilPort}/` }
}

/** As a script of the page does, with the header: the status, the body, and whether the answer was redirected. */
async function ask(page: Page, url: string): Promise<string> {
  return page.evaluate(async at => {
    try {
      const answer = await fetch(at, { credentials: 'include', headers: { 'x-bff': '1' } })
      return `${answer.status} ${await answer.text()} ${answer.redirected}`
    } catch (error) {
      return (error as Error).name
    }
  }, url)
}

/** What needs no leave to be sent: a sibling's goes with the cookie. What comes back is for the application's own origin. */
async function askBlindly(page: Page, url: string, method: string): Promise<string> {
  return page.evaluate(
    ([at = '', how = '']) =>
      fetch(at, { method: how, mode: 'no-cors', credentials: 'include' }).then(
        () => 'answered',
        () => 'blocked',
      ),
    [url, method],
  )
}

async function sessionCookies(page: Page, app: string): Promise<readonly string[]> {
  const cookies = await page.context().cookies(app)
  return cookies.filter(({ name }) => name.endsWith('pawl-session')).map(({ name, value }) => `${name}=${value}`)
}

async function serve(
  test: TestContext,
  tls: { readonly certificate: ClientCertificate; readonly port: number } | null,
  listener: RequestListener,
): Promise<number> {
  const server =
    tls === null
      ? createServer(listener)
      : createTlsServer({ cert: tls.certificate.pem, key: tls.certificate.privateKey }, listener)
  server.listen(tls?.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}
