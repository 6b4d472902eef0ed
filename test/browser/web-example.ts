/** The example application as a process of its own, registered at a real server, with one person who can sign in. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { BrowserContext } from 'playwright-core'
import { deriveKeys } from '../../examples/web-express/src/seal.ts'
import { openSessionStore, type Session } from '../../examples/web-express/src/session-store.ts'
import { emptyDirectory, pawlJson } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { basic } from '../stage/app.ts'

export const person = { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' }

const program = fileURLToPath(new URL('../../examples/web-express/src/main.ts', import.meta.url))
const sessionKey = Buffer.alloc(32, 7)

export interface Registration {
  readonly clientId: string
  readonly clientSecret: string
  readonly appUrl: string
}

/** Registers the application and the person with the command line, as an operator would. */
export async function registerExample(data: string, flags: readonly string[]): Promise<Registration> {
  const appUrl = `http://localhost:${await stablePort()}`
  const words = ['client', 'add', 'demo-web', '--kind', 'web', '--name', 'Web example', '--data', data]
  const addresses = ['--redirect', `${appUrl}/callback`, '--post-logout-redirect', `${appUrl}/signed-out`]
  const client = (await pawlJson([...words, ...addresses, ...flags])) as { readonly client_secret: string }
  await addPerson(data)
  return { clientId: 'demo-web', clientSecret: client.client_secret, appUrl }
}

export async function addPerson(data: string): Promise<void> {
  const words = ['user', 'add', person.email, '--password-stdin', '--email-verified', '--data', data]
  await pawlJson([...words, '--claim', `name=${person.name}`], { stdin: `${person.password}\n` })
}

export interface WebExample extends Registration {
  readonly issuer: string
  readonly storePath: string
  /** What the application keeps for the browser that has this cookie. */
  readonly sessionOf: (context: BrowserContext) => Promise<Session | null>
  /** A request with the application's own credentials, as whoever stole them could send it. */
  readonly post: (path: string, fields: Fields, headers?: Fields) => Promise<Response>
  readonly isActive: (token: string) => Promise<boolean>
  readonly output: () => string
}

type Fields = { readonly [name: string]: string }

export async function startExample(test: TestContext, issuer: string, registration: Registration): Promise<WebExample> {
  const { clientId, clientSecret, appUrl } = registration
  const storePath = join(await emptyDirectory(test), 'sessions.db')
  const environment = {
    ISSUER: issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    APP_URL: appUrl,
    SESSION_KEY: sessionKey.toString('base64url'),
    SESSION_STORE: storePath,
    REFRESH_AHEAD_SECONDS: '0',
  }
  const output = await started(test, environment)
  const store = openSessionStore(storePath, deriveKeys(sessionKey))
  test.after(() => store.close())
  const post = (path: string, fields: Fields, headers: Fields = {}): Promise<Response> =>
    fetch(new URL(path, issuer), {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret), ...headers },
      body: new URLSearchParams(fields),
    })
  return {
    ...registration,
    issuer,
    storePath,
    post,
    output,
    sessionOf: async context => {
      const cookie = (await context.cookies(appUrl)).find(({ name }) => name === '__Host-web_session')
      return cookie === undefined ? null : (store.read(cookie.value, 0)?.session ?? null)
    },
    isActive: async token => {
      const response = await post('/introspect', { token })
      return ((await response.json()) as { readonly active: boolean }).active
    },
  }
}

/** Resolves, with all that it writes, when the application says that it is ready. */
async function started(test: TestContext, environment: Fields): Promise<() => string> {
  const env = { PATH: process.env['PATH'], ...environment }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  test.after(async () => {
    child.kill('SIGTERM')
    await exited
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  const lines = createInterface({ input: child.stdout }).on('line', line => {
    text += `${line}\n`
  })
  await Promise.race([once(lines, 'line'), exited])
  if (child.exitCode !== null) throw new Error(`the example did not start: ${text}`)
  return () => text
}
