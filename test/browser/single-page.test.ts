/**
 * A single-page application in a real Chromium, with `oidc-client-ts` as npm brings it: DPoP, a rotating refresh token that
 * is bound to a key which never leaves the browser, and every request of the page across origins.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from '../processes/server-process.ts'
import { dpopKey } from '../stage/dpop.ts'
import { openApplication } from './application.ts'
import { openChromium, openPage } from './chromium.ts'
import { allow, typeSignIn } from './sign-in.ts'
import { openSinglePage, press, sees, type SinglePage, type TokenAnswer, watchTokens } from './single-page.ts'
import { addPerson, person } from './web-example.ts'

describe('a single-page application with oidc-client-ts and DPoP', () => {
  let chromium: Browser
  before(async () => {
    chromium = await openChromium()
  })
  after(() => chromium.close())

  it('signs in by redirect, renews with rotating tokens of its key, survives reloads, and signs out', async test => {
    const { page, application, data } = await openScene(test, chromium)
    const tokens = watchTokens(page)
    const boundTo = dpopKeyOfRequest(page)
    await signIn(page, application)
    await press(page, 'Renew')
    await sees(page, 'Renewed 1 times')
    await tokens()
    await page.reload()
    await sees(page, 'Signed in as')
    await press(page, 'Renew')
    await sees(page, 'Renewed 1 times')
    const answers = await tokens()
    assert.deepEqual(answers.map(statusAndType), Array(3).fill([200, 'DPoP']))
    assert.equal(new Set(answers.map(refreshTokenOf)).size, 3, 'each renewal rotates')
    const keys = new Set(answers.map(keyOf))
    assert.deepEqual([...keys], [await boundTo], 'one key, across the reload, and the code was for it alone')
    await press(page, 'Read my profile')
    await page.getByText(`Your address is ${person.email}`).waitFor()
    await press(page, 'Sign out')
    await sees(page, 'Nobody is signed in')
    assert.equal(new URL(page.url()).origin, application.origin)
    assert.deepEqual(await statusesOf(data), ['ended'])
    await press(page, 'Sign in')
    await page.getByLabel('Password').waitFor()
  })

  it('loses nothing to a thief who has every token but not the key', async test => {
    const { page, application, data, server } = await openScene(test, chromium)
    const tokens = watchTokens(page)
    await signIn(page, application)
    await press(page, 'Renew')
    await sees(page, 'Renewed 1 times')
    const answers = await tokens()
    const theirs = await dpopKey({ ...server, clock: systemClock })
    for (const token of answers.map(refreshTokenOf)) {
      for (const headers of [{}, await theirs.proof({})]) {
        const stolen = await present(server, token, headers)
        assert.equal(stolen.status, 400)
        assert.match(await stolen.text(), /"invalid_(?:grant|dpop_proof)"/)
      }
    }
    const [, latest] = answers
    const bearer = await server.send('/userinfo', {
      headers: { authorization: `Bearer ${String(latest?.['access_token'])}` },
    })
    assert.equal(bearer.status, 401)
    assert.deepEqual(await statusesOf(data), ['living'])
    await press(page, 'Renew')
    await sees(page, 'Renewed 2 times')
  })

  it('puts the nonce of the server into its proofs, which it can read across origins', async test => {
    const { page, application } = await openScene(test, chromium, { flags: ['--dpop-nonces'] })
    const tokens = watchTokens(page)
    await signIn(page, application)
    await press(page, 'Renew')
    await sees(page, 'Renewed 1 times')
    await press(page, 'Read my profile')
    await page.getByText(`Your address is ${person.email}`).waitFor()
    const answers = await tokens()
    assert.deepEqual([answers[0]?.status, answers[0]?.['error']], [400, 'use_dpop_nonce'])
    assert.equal(answers.filter(({ status }) => status === 200).length, 2)
  })

  it('that is open in two tabs renews in both at once, and neither is thrown out', async test => {
    const { page, application, data } = await openScene(test, chromium, { keeps: 'browser' })
    await signIn(page, application)
    const other = await page.context().newPage()
    await other.goto(application.origin)
    await sees(other, 'Signed in as')
    for (const times of [1, 2, 3]) {
      await Promise.all([press(page, 'Renew'), press(other, 'Renew')])
      await Promise.all([page, other].map(tab => sees(tab, `Renewed ${times} times`)))
    }
    assert.deepEqual(await statusesOf(data), ['living'])
  })

  it('without offline_access holds nothing once its person has signed out', async test => {
    const { page, application, server } = await openScene(test, chromium, { scope: 'openid email' })
    const tokens = watchTokens(page)
    await signIn(page, application)
    await page.goto(`${server.issuer}/logout`)
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await page.goto(application.origin)
    await sees(page, 'Signed in as')
    await press(page, 'Renew')
    await page.getByText('invalid_grant').waitFor()
    assert.deepEqual(
      (await tokens()).map(({ status }) => status),
      [200, 400],
    )
  })

  it('is the only page that may read the answers of the token endpoint', async test => {
    const { page, application, server } = await openScene(test, chromium)
    const stranger = await openApplication(test, '127.0.0.1')
    stranger.show('<!doctype html><title>Stranger</title>')
    await page.goto(application.origin)
    assert.deepEqual(await askedFromPage(page, server), {
      error: 'invalid_grant',
      hasRequestId: true,
      credentials: null,
    })
    await page.goto(stranger.origin)
    await assert.rejects(askedFromPage(page, server), /Failed to fetch/)
  })
})

interface Scene {
  readonly data: string
  readonly server: ServerProcess
  readonly application: SinglePage
  readonly page: Page
}

interface SceneOptions {
  readonly flags?: readonly string[]
  readonly scope?: string
  readonly keeps?: 'tab' | 'browser'
}

async function openScene(test: TestContext, chromium: Browser, options: SceneOptions = {}): Promise<Scene> {
  const { flags = [], scope = 'openid email offline_access', keeps = 'tab' } = options
  const data = await dataDirectory(test)
  const application = await openSinglePage(test, { host: 'localhost' })
  await pawlJson([...application.registration('page'), '--refresh', '--data', data])
  await addPerson(data)
  const server = await startServer(test, { data, flags })
  application.configure({ authority: server.issuer, clientId: 'page', scope, keeps, provesKey: true })
  return { data, server, application, page: await openPage(test, chromium) }
}

async function signIn(page: Page, application: SinglePage): Promise<void> {
  await page.goto(application.origin)
  await sees(page, 'Nobody is signed in')
  await press(page, 'Sign in')
  await typeSignIn(page)
  await allow(page)
  await sees(page, 'Signed in as')
}

/** The `dpop_jkt` of the next authorization request. */
async function dpopKeyOfRequest(page: Page): Promise<string | null> {
  const request = await page.waitForRequest(asked => new URL(asked.url()).pathname === '/authorize')
  return new URL(request.url()).searchParams.get('dpop_jkt')
}

function present(
  server: ServerProcess,
  token: string,
  headers: { readonly [name: string]: string },
): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: 'page' })
  return server.send('/token', { method: 'POST', headers, body })
}

function statusAndType(answer: TokenAnswer): readonly unknown[] {
  return [answer.status, answer['token_type']]
}

function refreshTokenOf(answer: TokenAnswer): string {
  return String(answer['refresh_token'])
}

/** The key that the access token says it is bound to. */
function keyOf(answer: TokenAnswer): string | undefined {
  return decodeJwt<{ readonly cnf?: { readonly jkt?: string } }>(String(answer['access_token'])).cnf?.jkt
}

async function statusesOf(data: string): Promise<readonly string[]> {
  const families = (await pawlJson(['families', 'list', '--data', data])) as readonly { readonly status: string }[]
  return families.map(({ status }) => status)
}

function askedFromPage(page: Page, server: ServerProcess): Promise<unknown> {
  return page.evaluate(async (url: string) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'made-up', client_id: 'page' })
    // A header that only a preflight lets through.
    const answer = await fetch(url, { method: 'POST', body, headers: { dpop: 'made-up' } })
    const { error } = (await answer.json()) as { readonly error: string }
    const credentials = answer.headers.get('access-control-allow-credentials')
    return { error, hasRequestId: answer.headers.has('pawl-request-id'), credentials }
  }, `${server.issuer}/token`)
}
