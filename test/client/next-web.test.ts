/** The route handlers of the Next.js recipe, driven with the Requests that Next.js would hand them, against a real Pawl. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { custodyKeyFrom, type HolderClock, machineClock } from '@pawl/client'
import { GET as callback } from '../../examples/next-web/src/app/auth/callback/route.ts'
import { GET as meRoute } from '../../examples/next-web/src/app/api/me/route.ts'
import { GET as signInRoute } from '../../examples/next-web/src/app/auth/sign-in/route.ts'
import { POST as signOutRoute } from '../../examples/next-web/src/app/auth/sign-out/route.ts'
import { me } from '../../examples/next-web/src/session/me.ts'
import { openParts, type Parts } from '../../examples/next-web/src/session/parts.ts'
import { parts as runningParts } from '../../examples/next-web/src/session/running.ts'
import { readSettings } from '../../examples/next-web/src/session/settings.ts'
import { beginSignIn, finishSignIn, signOut } from '../../examples/next-web/src/session/sign-in.ts'
import { faultProxy, type FaultProxy } from '../network/fault-proxy.ts'
import { cutNextAnswer } from '../network/http-answers.ts'
import { browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, emptyDirectory, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import { agree } from '../stage/app.ts'

const appUrl = 'https://app.example'
const custodyBytes = new Uint8Array(createHash('sha256').update('next').digest())

describe('the Next.js recipe', () => {
  it('signs in, calls an API for the person and signs out, with no token in what the browser gets', async test => {
    const { jar, signIn, parts, directory } = await openScene(test)
    await signIn()
    const claims = (await (await jar.visit(request => me(parts, request), '/api/me')).json()) as { email?: string }
    assert.equal(claims.email, 'ada@example.com')
    assert.equal((await jar.visit(request => signOut(parts, request), '/auth/sign-out', 'POST')).status, 303)
    assert.equal((await jar.visit(request => me(parts, request), '/api/me')).status, 401)
    assert.doesNotMatch(await jar.seen(), token)
    for (const file of readdirSync(directory)) assert.doesNotMatch(readFileSync(join(directory, file), 'latin1'), token)
  })

  it('keeps the person signed in when the answer to a refresh is lost', async test => {
    const { jar, signIn, parts, proxy, sleep } = await openScene(test)
    await signIn()
    sleep(3600)
    const lost = cutNextAnswer(proxy, 0)
    assert.equal((await jar.visit(request => me(parts, request), '/api/me')).status, 200)
    assert.match((await lost).toString('latin1'), token, 'an answer with tokens was lost')
    sleep(3600)
    assert.equal((await jar.visit(request => me(parts, request), '/api/me')).status, 200)
    assert.doesNotMatch(await jar.seen(), token)
  })

  it('says try again, and not sign in, while the server is away', async test => {
    const { jar, signIn, parts, proxy, sleep } = await openScene(test)
    await signIn()
    sleep(3600)
    proxy.refuse()
    proxy.resetAll()
    const away = await jar.visit(request => me(parts, request), '/api/me')
    assert.equal(away.status, 503)
    assert.match(away.headers.get('retry-after') ?? '', /^\d+$/)
    await proxy.accept()
    sleep(120)
    assert.equal((await jar.visit(request => me(parts, request), '/api/me')).status, 200)
  })

  it('takes no answer to a sign-in that this browser did not begin', async test => {
    const { jar, parts, begin } = await openScene(test)
    const stranger = browserJar()
    const back = await begin(stranger)
    await jar.visit(() => beginSignIn(parts), '/auth/sign-in')
    await jar.visit(request => finishSignIn(parts, request), back)
    assert.equal(jar.has('__Host-session'), false)
    await stranger.visit(request => finishSignIn(parts, request), back)
    assert.equal(stranger.has('__Host-session'), true)
  })

  it('signs nobody out for a post from elsewhere', async test => {
    const { jar, signIn, parts } = await openScene(test)
    await signIn()
    const cookie = jar.header()
    const post = { method: 'POST', headers: { cookie, origin: 'https://other.example' } }
    assert.equal((await signOut(parts, new Request(`${appUrl}/auth/sign-out`, post))).status, 403)
    assert.equal((await jar.visit(request => me(parts, request), '/api/me')).status, 200)
  })

  it('opens what it needs out of the environment at the first request, and tries again after a failure', async test => {
    await assert.rejects(signInRoute(), /Set ISSUER/)
    const { environment, browser } = await openScene(test)
    Object.assign(process.env, environment)
    test.after(async () => {
      for (const name of Object.keys(environment)) delete process.env[name]
      await (await runningParts()).close()
    })
    const jar = browserJar()
    const begun = await jar.visit(signInRoute, '/auth/sign-in')
    await jar.visit(callback, await browser(begun))
    assert.equal((await jar.visit(meRoute, '/api/me')).status, 200)
    assert.equal((await jar.visit(signOutRoute, '/auth/sign-out', 'POST')).status, 303)
  })
})

/** A refresh token, or a JWT: an ID token or an access token. */
const token = /pawl_rt_|eyJ[\w-]+\.[\w-]+\./

interface Scene {
  readonly parts: Parts
  readonly proxy: FaultProxy
  readonly jar: Jar
  /** Of the application. */
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
  readonly sleep: (seconds: number) => void
  readonly signIn: () => Promise<void>
  /** To the address that a browser with this jar comes back to. */
  readonly begin: (jar: Jar) => Promise<string>
  /** Follows a redirect to the authorization server, to the address that comes of it. */
  readonly browser: (redirect: Response) => Promise<string>
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const port = await stablePort()
  const proxy = await faultProxy(test, port)
  const server = await startServer(test, { data, port, flags: ['--issuer', proxy.origin] })
  const office = await openOffice(test, data)
  await office.addUser()
  const redirectUris = [`${appUrl}/auth/callback`]
  const registered = await office.addClient({ id: 'next', kind: 'web', redirectUris, repeatSeconds: 0 })
  const directory = join(await emptyDirectory(test), 'grants')
  mkdirSync(directory, { mode: 0o700 })
  const environment = {
    ISSUER: proxy.origin,
    CLIENT_ID: 'next',
    CLIENT_SECRET: registered.secret ?? '',
    APP_URL: appUrl,
    GRANTS_FILE: join(directory, 'grants.db'),
    PAWL_CUSTODY_KEY: Buffer.from(custodyBytes).toString('base64url'),
  }
  const { clock, sleep } = sleepingClock()
  const parts = await openParts(readSettings(environment), await custodyKeyFrom(custodyBytes), clock)
  test.after(() => parts.close())
  const person = browserOf(server)
  const browser = async (redirect: Response): Promise<string> => {
    const { pathname, search } = new URL(redirect.headers.get('location') ?? '')
    return (await agree(person, await person.open(pathname + search))).href
  }
  const begin = async (jar: Jar): Promise<string> => browser(await jar.visit(() => beginSignIn(parts), '/auth/sign-in'))
  const jar = browserJar()
  const signIn = async (): Promise<void> => {
    await jar.visit(request => finishSignIn(parts, request), await begin(jar))
    assert.ok(jar.has('__Host-session'))
  }
  return { parts, proxy, jar, directory, environment, sleep, signIn, begin, browser }
}

/** The machine's clock, put forward by naps. */
function sleepingClock(): { readonly clock: HolderClock; readonly sleep: (seconds: number) => void } {
  let sleptMs = 0
  return {
    clock: { ...machineClock, nowMs: () => machineClock.nowMs() + sleptMs },
    sleep: seconds => {
      sleptMs += seconds * 1000
    },
  }
}

interface Jar {
  readonly visit: (route: Route, path: string, method?: string) => Promise<Response>
  readonly has: (name: string) => boolean
  readonly header: () => string
  /** Everything that ever came into this browser: status lines, headers, bodies. */
  readonly seen: () => Promise<string>
}

type Route = (request: Request) => Promise<Response>

/** The cookies of one browser, and all it was ever answered. */
function browserJar(): Jar {
  const cookies = new Map<string, string>()
  const answers: Response[] = []
  const header = (): string => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return {
    header,
    has: name => cookies.has(name),
    visit: async (route, path, method = 'GET') => {
      const answer = await route(
        new Request(new URL(path, appUrl), { method, headers: { cookie: header(), origin: appUrl } }),
      )
      answers.push(answer.clone())
      for (const line of answer.headers.getSetCookie()) keep(cookies, line)
      return answer
    },
    seen: async () => {
      const texts = answers.map(async answer => JSON.stringify([...answer.headers]) + (await answer.text()))
      return (await Promise.all(texts)).join('\n')
    },
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  if (/Max-Age=0/.test(line)) cookies.delete(name)
  else cookies.set(name, value)
}
