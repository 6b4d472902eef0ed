/** The single-page example as a process of its own, at a real server with one person who can sign in. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { openPage } from './chromium.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { addPerson } from './web-example.ts'

export interface SpaExample {
  readonly data: string
  readonly server: ServerProcess
  readonly origin: string
  readonly context: BrowserContext
  readonly page: Page
  readonly tokenRequests: () => readonly TokenRequest[]
  /** How long the access tokens of the next answers live. */
  readonly setAccessSeconds: (seconds: number) => Promise<void>
}

export interface TokenRequest {
  readonly grantType: string | null
  readonly refreshToken: string | null
  readonly retryKey: string | null
}

const clientId = 'demo-spa'
const program = fileURLToPath(new URL('../../examples/spa-dpop/src/main.ts', import.meta.url))

/** With a page in a new browser, at which nobody is signed in. */
export async function openSpaExample(test: TestContext, chromium: Browser): Promise<SpaExample> {
  const data = await dataDirectory(test)
  const port = await stablePort()
  const origin = `http://localhost:${port}`
  const client = ['client', 'add', clientId, '--kind', 'spa', '--refresh', '--name', 'Single page']
  await pawlJson([...client, '--redirect', `${origin}/callback`, '--repeat-seconds', '0', '--data', data])
  await addPerson(data)
  const server = await startServer(test, { data })
  await startPage(test, { ISSUER: server.issuer, CLIENT_ID: clientId, PORT: String(port) })
  const page = await openPage(test, chromium)
  const requests = watchTokenRequests(page.context())
  await page.goto(origin)
  const setAccessSeconds = async (seconds: number) => {
    await pawlJson(['client', 'set', clientId, '--access-seconds', String(seconds), '--data', data])
  }
  return { data, server, origin, context: page.context(), page, tokenRequests: () => requests, setAccessSeconds }
}

export async function signIn(page: Page): Promise<void> {
  await press(page, 'Sign in')
  await typeSignIn(page)
  await allow(page)
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
}

export async function press(
  page: Page,
  name: 'Sign in' | 'Read my profile' | 'Refresh now' | 'Sign out',
): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

/** Waits until the API has answered, after a press on its button. */
export async function seesProfile(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'What the API says of you' }).waitFor()
}

/** Every request to the token endpoint from any tab, in order. */
function watchTokenRequests(context: BrowserContext): readonly TokenRequest[] {
  const requests: TokenRequest[] = []
  context.on('request', request => {
    if (request.method() !== 'POST' || new URL(request.url()).pathname !== '/token') return
    const body = new URLSearchParams(request.postData() ?? '')
    requests.push({
      grantType: body.get('grant_type'),
      refreshToken: body.get('refresh_token'),
      retryKey: request.headers()['idempotency-key'] ?? null,
    })
  })
  return requests
}

async function startPage(test: TestContext, environment: { readonly [name: string]: string }): Promise<void> {
  const env = { PATH: process.env['PATH'], ...environment }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  test.after(async () => {
    child.kill('SIGTERM')
    await exited
  })
  await Promise.race([once(createInterface(child.stdout), 'line'), exited])
  if (child.exitCode !== null) throw new Error('the single-page example did not start')
}
