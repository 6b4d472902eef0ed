import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { openChromium, openPage } from './chromium.ts'
import { takePictures } from './pictures.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { addPerson, person } from './web-example.ts'

const program = fileURLToPath(new URL('../../examples/spa-bff/src/main.ts', import.meta.url))
const chromium = await openChromium()
after(() => chromium.close())

/** What is told in the background is there long before. */
const looksMax = 100

interface Place {
  readonly server: ServerProcess
  readonly data: string
  /** Several processes of one application: one store, one key. */
  readonly origins: readonly string[]
}

/** Another site than the application's: its address is a number, theirs a name. */
async function openPlace(test: TestContext, processes: number, accessSeconds = 60): Promise<Place> {
  const data = await dataDirectory(test)
  const ports = await Promise.all(Array.from({ length: processes }, () => stablePort()))
  const origins = ports.map(port => `http://localhost:${port}`)
  const [apiPort, issuerPort] = [await stablePort(), await stablePort()]
  const apiUrl = `http://localhost:${apiPort}`
  const issuer = `http://127.0.0.1:${issuerPort}`
  const api = await addClient(data, 'notes-api', ['--kind', 'service', '--audience', apiUrl])
  const redirects = origins.flatMap(origin => ['--redirect', `${origin}/bff/callback`])
  const told = ['--backchannel-logout', `http://127.0.0.1:${ports[0]}/bff/back-channel-logout`]
  const kind = ['--kind', 'bff', '--name', 'Notes', '--scope', 'openid email notes', '--repeat-seconds', '0']
  const lives = ['--access-seconds', String(accessSeconds)]
  const app = await addClient(data, 'notes-app', [...kind, ...lives, ...redirects, ...told])
  await addPerson(data)
  const server = await startServer(test, { data, port: issuerPort, flags: ['--issuer', issuer] })
  const shared = {
    ISSUER: issuer,
    CLIENT_SECRET: app,
    API_SECRET: api,
    STORE: `${data}/app.sqlite`,
    PAWL_CUSTODY_KEY: randomBytes(32).toString('base64url'),
  }
  for (const [index, origin] of origins.entries()) {
    const own = {
      PORT: String(ports[index]),
      ORIGIN: origin,
      ...(index === 0 ? { API_PORT: String(apiPort) } : { API: apiUrl }),
    }
    await startApp(test, { ...shared, ...own })
  }
  return { server, data, origins }
}

/** Answers its secret. */
async function addClient(data: string, id: string, words: readonly string[]): Promise<string> {
  const added = (await pawlJson(['client', 'add', id, ...words, '--data', data])) as { readonly client_secret: string }
  return added.client_secret
}

async function startApp(test: TestContext, environment: { readonly [name: string]: string }): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  test.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  })
  if (child.stdout === null) throw new Error('the application says nothing')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  assert.match(line, /The application is ready/)
}

async function signIn(page: Page, origin: string): Promise<void> {
  await page.goto(origin)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await typeSignIn(page)
  await allow(page)
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
}

/** Of every family there is. */
async function generationsAt(data: string): Promise<readonly number[]> {
  const families = (await pawlJson(['families', 'list', '--data', data])) as readonly { readonly generation: number }[]
  return families.map(({ generation }) => generation)
}

describe('the single page with a backend, in Chromium', () => {
  it('keeps a person signed in with nothing that a script could read', async test => {
    const { origins } = await openPlace(test, 1)
    const page = await openPage(test, chromium)
    const seen: string[] = []
    page.on('response', response => {
      if (new URL(response.url()).origin !== origins[0]) return
      seen.push(JSON.stringify(response.headers()))
      response.text().then(
        text => seen.push(text),
        () => seen.push('a redirect has no body'),
      )
    })
    await signIn(page, origins[0] ?? '')
    await takePictures(page, 'spa-bff-signed-in')
    await page.getByLabel('A new note').fill('buy milk')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('buy milk').waitFor()
    await page.reload()
    await page.getByText('buy milk').waitFor()
    const held = await page.evaluate(async () => {
      const databases = await indexedDB.databases()
      const workers = await navigator.serviceWorker.getRegistrations()
      const stored = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]
      return {
        stored: stored.join(''),
        databases: databases.length,
        workers: workers.length,
        caches: (await caches.keys()).length,
      }
    })
    assert.deepEqual(held, { stored: '{}{}', databases: 0, workers: 0, caches: 0 })
    const [cookie, ...others] = (await page.context().cookies(origins[0])).filter(({ name }) =>
      name.startsWith('__Host-Http-'),
    )
    assert.deepEqual(others, [])
    assert.equal(cookie?.sameSite, 'Strict')
    assert.equal(cookie.httpOnly && cookie.secure, true)
    assert.equal(cookie.value.length, 64)
    assert.ok(seen.length > 10)
    assert.doesNotMatch(seen.join('\n'), /eyJ[\w-]{10,}\.|pawl_rt_|"access_token"|"id_token"/)
    const policy = (await page.request.get(origins[0] ?? '')).headers()['content-security-policy'] ?? ''
    assert.match(policy, /default-src 'none'; script-src 'self'/)
    assert.match(await page.locator('#lead').innerText(), new RegExp(person.email))
  })

  it('refreshes once for twenty tabs over three processes', async test => {
    const { origins, data } = await openPlace(test, 3, 1)
    const page = await openPage(test, chromium)
    await signIn(page, origins[0] ?? '')
    await page.waitForLoadState('networkidle')
    await pawlJson(['client', 'set', 'notes-app', '--access-seconds', '600', '--data', data])
    const before = await generationsAt(data)
    const tabs = await Promise.all(Array.from({ length: 20 }, () => page.context().newPage()))
    await Promise.all(
      tabs.map(async (tab, index) => {
        const read = tab.waitForResponse(response => new URL(response.url()).pathname === '/api/notes')
        await tab.goto(origins[index % 3] ?? '')
        assert.equal((await read).status(), 200)
      }),
    )
    assert.equal(before.length, 1)
    assert.deepEqual(await generationsAt(data), [(before[0] ?? 0) + 1])
  })

  it('signs out of all tabs at once', async test => {
    const { origins } = await openPlace(test, 1)
    const origin = origins[0] ?? ''
    const page = await openPage(test, chromium)
    await signIn(page, origin)
    const second = await page.context().newPage()
    await second.goto(origin)
    await second.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await second.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await second.reload()
    await second.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await takePictures(second, 'spa-bff-signed-out')
  })

  it('is signed out when the person signs out at the server', async test => {
    const { origins, server } = await openPlace(test, 1)
    const origin = origins[0] ?? ''
    const page = await openPage(test, chromium)
    await signIn(page, origin)
    await page.goto(`${server.issuer}/logout`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    // The server tells the backend in the background; a person who comes back looks again.
    const heading = page.getByRole('heading', { level: 1, name: /You are signed/ })
    const seen: string[] = []
    while (seen.at(-1) !== 'You are signed out' && seen.length < looksMax) {
      await page.goto(origin)
      seen.push(await heading.innerText())
    }
    assert.equal(seen.at(-1), 'You are signed out', `after ${seen.length} looks`)
  })
})
