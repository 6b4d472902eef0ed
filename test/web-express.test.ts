/** The parts of the web example that a browser cannot time: renewals that meet, and what its store gives away. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import * as client from 'openid-client'
import { deriveKeys } from '../examples/web-express/src/seal.ts'
import { type SessionKeeper, sessionKeeper } from '../examples/web-express/src/session-keeper.ts'
import { openSessionStore, type SessionStore } from '../examples/web-express/src/session-store.ts'
import { readSettings, SettingsError } from '../examples/web-express/src/settings.ts'
import { beginSignIn, finishSignIn, sealAttempts, unsealAttempts } from '../examples/web-express/src/sign-in.ts'
import { carefulFetch, discover } from '../examples/web-express/src/token-requests.ts'
import { browserOf, openOffice } from './processes/registered.ts'
import { dataDirectory, startServer } from './processes/server-process.ts'
import { agree } from './stage/app.ts'

const keys = deriveKeys(Buffer.alloc(32, 7))
const otherKeys = deriveKeys(Buffer.alloc(32, 8))
const id = 'A'.repeat(43)
/** The clock of the example stands still: what is told here is order, not time. */
const nowMs = (): number => 1_800_000_000_000

describe('the web example, without a browser', () => {
  it('renews once for everyone who asks while a renewal is under way', async test => {
    const { keeper, asked, open, store } = await openScene(test)
    const waiting = Array.from({ length: 10 }, () => keeper.renew(id))
    open()
    const states = await Promise.all(waiting)
    assert.equal(asked(), 1)
    assert.deepEqual(new Set(states.map(({ kind }) => kind)), new Set(['signed_in']))
    assert.equal(store.read(id, nowMs())?.session.refreshes, 1)
  })

  it('gets one and the same successor in two processes that share its store', async test => {
    const { keeper, second, open, store } = await openScene(test)
    const waiting = [keeper.renew(id), second.renew(id)]
    open()
    const [one, other] = await Promise.all(waiting)
    assert.ok(one?.kind === 'signed_in' && other?.kind === 'signed_in')
    assert.equal(one.session.refreshToken, other.session.refreshToken)
    assert.equal(store.read(id, nowMs())?.version, 2, 'only one of them wrote')
    assert.equal((await keeper.renew(id)).kind, 'signed_in')
  })

  it('signs out after a renewal under way, so that no token is left behind', async test => {
    const { keeper, config, open, store } = await openScene(test)
    const renewing = keeper.renew(id)
    const ending = keeper.end(id)
    open()
    const state = await renewing
    assert.ok(state.kind === 'signed_in')
    assert.equal(await ending, state.session.idToken)
    assert.equal(store.read(id, nowMs()), null)
    assert.equal((await client.tokenIntrospection(config, state.session.refreshToken)).active, false)
  })

  it('opens a session with its key and its id only, and finds nothing otherwise', async test => {
    const { store, path } = await openScene(test)
    const stored = store.read(id, nowMs())
    assert.ok(stored !== null)
    assert.equal(store.read('B'.repeat(43), nowMs()), null)
    assert.equal(store.read(id, stored.session.endsAtMs), null, 'over at that very moment')
    const stranger = openSessionStore(path, otherKeys)
    assert.equal(stranger.read(id, nowMs()), null)
    stranger.close()
    const { refreshToken, accessToken, idToken } = stored.session
    for (const file of [path, `${path}-wal`]) {
      const bytes = readFileSync(file)
      for (const secret of [id, refreshToken, accessToken, idToken]) assert.ok(!bytes.includes(secret))
    }
  })

  it('remembers three attempts to sign in, sealed, and opens no other cookie', () => {
    const attempts = ['1', '2', '3', '4'].map(state => ({
      state,
      nonce: `nonce ${state}`,
      verifier: `verifier ${state}`,
    }))
    const cookie = sealAttempts(keys, attempts)
    assert.deepEqual(unsealAttempts(keys, cookie), attempts.slice(1))
    assert.deepEqual(unsealAttempts(otherKeys, cookie), [])
    assert.deepEqual(unsealAttempts(keys, `${cookie.slice(0, -2)}AA`), [])
    assert.deepEqual(unsealAttempts(keys, 'short'), [])
    assert.deepEqual(unsealAttempts(keys, undefined), [])
  })

  it('refuses to start on what is missing or unsafe', () => {
    const good = { CLIENT_SECRET: 'x', SESSION_KEY: Buffer.alloc(32).toString('base64url') }
    assert.equal(readSettings(good).appUrl.href, 'http://localhost:7296/')
    const bad = [
      { ...good, CLIENT_SECRET: '' },
      { ...good, SESSION_KEY: 'short' },
      { ...good, ISSUER: 'http://idp.example' },
      { ...good, APP_URL: 'http://app.example' },
      { CLIENT_SECRET: 'x', APP_URL: 'https://app.example' },
      { ...good, REFRESH_AHEAD_SECONDS: 'soon' },
    ]
    for (const environment of bad) assert.throws(() => readSettings(environment), SettingsError)
  })
})

interface Scene {
  readonly config: client.Configuration
  readonly store: SessionStore
  readonly path: string
  readonly keeper: SessionKeeper
  /** Another process of the application: the same store and key, a keeper of its own. */
  readonly second: SessionKeeper
  /** How many token requests were made since the sign-in. They wait until `open`. */
  readonly asked: () => number
  readonly open: () => void
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const office = await openOffice(test, data)
  await office.addUser()
  const registered = await office.addClient({
    id: 'demo-web',
    kind: 'web',
    redirectUris: ['http://localhost:7296/callback'],
  })
  const settings = readSettings({ ISSUER: server.issuer, CLIENT_SECRET: registered.secret ?? '' })
  const config = await discover(settings, keys)
  const { url, attempt } = await beginSignIn(config, settings)
  const browser = browserOf(server)
  const callbackUrl = await agree(browser, await browser.open(url.pathname + url.search))
  const outcome = await finishSignIn(config, callbackUrl, [attempt], nowMs())
  assert.ok(outcome.kind === 'signed_in')
  const path = join(data, 'sessions.db')
  const store = openSessionStore(path, keys)
  test.after(() => store.close())
  store.add(id, outcome.session)
  const gate = gated(config, await carefulFetch(keys))
  const parts = { config, store, refreshAheadSeconds: 0, nowMs }
  return { config, store, path, keeper: sessionKeeper(parts), second: sessionKeeper(parts), ...gate }
}

/** Holds back the requests of a configuration until the gate opens, and counts those to the token endpoint. */
function gated(
  config: client.Configuration,
  real: client.CustomFetch,
): { readonly asked: () => number; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let asked = 0
  config[client.customFetch] = async (url, options) => {
    if (url === config.serverMetadata().token_endpoint) asked += 1
    await promise
    return real(url, options)
  }
  return { asked: () => asked, open: resolve }
}
