/** Back-channel logout over the wire: whom each cause reaches, what a logout token says, and what becomes of a lost one. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import type { ClientId, Subject } from '@pawl/family'
import { compactDecrypt } from 'jose'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../packages/server/src/admin/revoke.ts'
import { disableUser, resetPassword } from '../packages/server/src/admin/users.ts'
import { logoutEvent, logoutTokenSeconds } from '../packages/server/src/domain/token/logout-token.ts'
import { newFamily, rotated } from '../packages/server/src/store/contract/fixture.test.ts'
import type { App, Tokens } from './stage/app.ts'
import type { Browser } from './stage/browser.ts'
import { algorithmOf, type LogoutReceiver, logoutTokenOf, openLogoutReceiver } from './stage/logout-receiver.ts'
import { databaseFor, openScene, type Scene, settle, shop } from './stage/scene.ts'
import { openStage, type Stage } from './stage/stage.ts'

const sessionOnly = { scope: 'openid email' }

interface Told extends Scene {
  readonly receiver: LogoutReceiver
  readonly sid: string
  readonly tokens: Tokens
}

/** Somebody signed in at a client that hears of logouts. */
async function openTold(test: TestContext, client: { readonly [name: string]: unknown } = {}): Promise<Told> {
  const receiver = await openLogoutReceiver(test)
  const scene = await openScene(test, { client: { ...shop, backchannelLogoutUri: receiver.url, ...client } })
  const tokens = await scene.app.signIn(scene.browser, sessionOnly)
  return { ...scene, receiver, tokens, sid: sidOf(tokens) }
}

/** Unverified, for what is verified elsewhere. */
function claimsOf(token: string): { readonly [name: string]: unknown } {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly [name: string]: unknown }
}

function sidOf(tokens: Tokens): string {
  return String(claimsOf(String(tokens.body['id_token']))['sid'])
}

async function logOut(browser: Browser, tokens: Tokens): Promise<void> {
  const hint = new URLSearchParams({ id_token_hint: String(tokens.body['id_token']) })
  assert.equal((await browser.open(`/logout?${hint.toString()}`)).status, 200)
}

async function signInAs(app: App, browser: Browser, email: string): Promise<void> {
  const { path, verifier } = app.authorizePath({ ...sessionOnly, prompt: 'login' })
  let page = await browser.signIn(await browser.open(path), email)
  if (page.leftTo === null) page = await browser.decide(page, 'allow')
  const code = page.leftTo?.searchParams.get('code') ?? ''
  assert.equal((await app.redeem({ code, verifier, parameters: new URLSearchParams() })).status, 200)
}

async function revoke(scene: Scene, input: RevocationInput): Promise<void> {
  await carryOut(scene.stage.workbench, await planRevocation(scene.stage.workbench, input))
}

describe('a logout token', () => {
  it('says whose session ended, to one client, for two minutes, in the algorithm of its ID tokens', async test => {
    const { stage, browser, tokens, receiver, sid } = await openTold(test, { idTokenAlgorithm: 'EdDSA' })
    await logOut(browser, tokens)
    await settle(stage)
    const [heard, ...others] = receiver.heard
    assert.deepEqual(others, [])
    assert.deepEqual(
      [heard?.method, heard?.path, heard?.contentType],
      ['POST', '/logged-out?from=pawl', 'application/x-www-form-urlencoded'],
    )
    assert.equal(algorithmOf(heard?.token ?? ''), 'EdDSA')
    const claims = await logoutTokenOf(stage, heard?.token ?? '', 'shop')
    const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
    const { jti, ...said } = claims
    assert.match(String(jti), /^[\w-]{22}$/)
    assert.deepEqual(said, {
      sub: claimsOf(String(tokens.body['id_token']))['sub'],
      iss: stage.issuer,
      aud: 'shop',
      iat: nowSeconds,
      exp: nowSeconds + logoutTokenSeconds,
      sid,
      events: { [logoutEvent]: {} },
    })
  })

  it('names the user as the client knows them', async test => {
    const { stage, browser, tokens, receiver } = await openTold(test, { subjectType: 'pairwise' })
    const known = claimsOf(String(tokens.body['id_token']))['sub']
    assert.notEqual(known, (await stage.pawl.store.users.list(1))[0]?.subject)
    await logOut(browser, tokens)
    await settle(stage)
    assert.equal(receiver.heard.length, 1)
    assert.equal((await logoutTokenOf(stage, receiver.heard[0]?.token ?? '', 'shop')).sub, known)
  })

  it('is encrypted for whoever gets encrypted ID tokens, and signed inside', async test => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'enc-1', use: 'enc' }]
    const encryption = { idTokenEncryption: { algorithm: 'ECDH-ES', content: 'A256GCM' } }
    const { stage, browser, tokens, receiver, sid } = await openTold(test)
    await changeClient(stage.workbench, 'shop', { jwks: { keys }, ...encryption })
    await logOut(browser, tokens)
    await settle(stage)
    const jwe = receiver.heard[0]?.token ?? ''
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey)
    assert.deepEqual([protectedHeader.alg, protectedHeader.enc, protectedHeader.cty], ['ECDH-ES', 'A256GCM', 'JWT'])
    assert.equal((await logoutTokenOf(stage, new TextDecoder().decode(plaintext), 'shop'))['sid'], sid)
  })

  it('waits, and is never sent in the clear, while there is no key to encrypt it to', async test => {
    const keysOf = (kind: 'ec' | 'rsa') => {
      const { publicKey } =
        kind === 'ec'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('rsa', { modulusLength: 2048 })
      return { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'enc' }] }
    }
    const { stage, browser, tokens, receiver } = await openTold(test)
    await changeClient(stage.workbench, 'shop', { jwks: keysOf('ec'), idTokenEncryption: { algorithm: 'ECDH-ES' } })
    await changeClient(stage.workbench, 'shop', { jwks: keysOf('rsa') })
    await logOut(browser, tokens)
    await settle(stage)
    const [delivery] = await stage.pawl.store.outbox.list(null, 10)
    assert.deepEqual([delivery?.state, delivery?.lastResult], ['pending', 'no_key'])
    assert.deepEqual(receiver.heard, [])
  })

  it('is another one at each attempt, so that whoever took the first does not refuse the second', async test => {
    const { stage, browser, tokens, receiver } = await openTold(test)
    receiver.answer(500)
    await logOut(browser, tokens)
    await settle(stage)
    receiver.answer(200)
    stage.clock.advanceSeconds(60)
    await stage.pawl.tellOthers()
    const [first, second, ...more] = receiver.heard.map(({ token }) => claimsOf(token)['jti'])
    assert.deepEqual(more, [])
    assert.equal(typeof second, 'string')
    assert.notEqual(first, second)
  })
})

describe('hearing of a logout', () => {
  it('is announced in the metadata', async test => {
    const { stage } = await openTold(test)
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as object
    const supported = ['backchannel', 'frontchannel'].flatMap(channel => [
      [`${channel}_logout_supported`, true],
      [`${channel}_logout_session_supported`, true],
    ])
    assert.deepEqual(metadata, { ...metadata, ...Object.fromEntries(supported) })
  })

  it('of sessions alone is all that a client gets that wants to hear of sessions alone', async test => {
    const { stage, receiver, registered } = await openTold(test, { backchannelLogoutSessionRequired: true })
    const other = await openLogoutReceiver(test)
    const office = await stage.addClient({ ...shop, id: 'office', backchannelLogoutUri: other.url })
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    for (const { client } of [registered, office]) await openWithoutSession(stage, client.id, user.subject)
    stage.clock.advanceSeconds(1)
    await disableUser(stage.workbench, 'ada@example.com')
    await stage.pawl.tellOthers()
    assert.deepEqual(
      receiver.heard.map(({ token }) => typeof claimsOf(token)['sid']),
      ['string'],
    )
    assert.deepEqual(
      other.heard.map(({ token }) => [claimsOf(token)['sid'], claimsOf(token)['sub']]),
      [[undefined, user.subject]],
    )
  })
})

/** What a device or an exchanged token has: a user, and no session of theirs. */
async function openWithoutSession(stage: Stage, clientId: ClientId, subject: Subject): Promise<void> {
  const { store } = stage.pawl
  const atMs = await store.now()
  const grant = { clientId, subject, sessionId: null, endsWithSession: false }
  const family = newFamily(stage.entropy, atMs, {}, grant)
  assert.equal(await store.families.open(family, []), 'done')
  await rotated({ store, entropy: stage.entropy }, family)
}

describe('whoever ends a session', () => {
  const causes: { readonly [cause: string]: (told: Told) => Promise<void> } = {
    'signing out': ({ browser, tokens }) => logOut(browser, tokens),
    'another person who signs in': async ({ browser, app, stage }) => {
      await stage.addUser('eve@example.com')
      await signInAs(app, browser, 'eve@example.com')
    },
    'a reuse, where it ends the session': async ({ app, tokens }) => {
      const second = await app.refresh(tokens.refreshToken)
      assert.equal((await app.refresh(second.refreshToken)).status, 200)
      assert.equal((await app.refresh(tokens.refreshToken)).status, 400)
    },
    'an operator who revokes the session': told => revoke(told, { session: told.sid }),
    'an operator who revokes the user': told => revoke(told, { user: 'ada@example.com' }),
    'an operator who revokes everybody': told => revoke(told, { all: true }),
    'disabling the user': async ({ stage }) => {
      await disableUser(stage.workbench, 'ada@example.com')
    },
    'a new password from the operator': async ({ stage }) => {
      await resetPassword(stage.workbench, 'ada@example.com', 'another long password')
    },
  }
  for (const [cause, act] of Object.entries(causes)) {
    it(`${cause}: reaches every client of it once, and no client of another session`, async test => {
      const told = await openTold(test, { reuseEnds: 'session' })
      const { stage, browser, sid } = told
      const [other, stranger] = [await openLogoutReceiver(test), await openLogoutReceiver(test)]
      const addApp = async (id: string, receiver: LogoutReceiver): Promise<App> =>
        stage.app(await stage.addClient({ ...shop, id, backchannelLogoutUri: receiver.url }))
      const office = await addApp('office', other)
      await office.signIn(browser)
      await office.signIn(browser, sessionOnly)
      await stage.addUser('grace@example.com')
      await signInAs(await addApp('foreign', stranger), stage.browser('192.0.2.50'), 'grace@example.com')
      stage.clock.advanceSeconds(1)
      await act(told)
      await stage.pawl.tellOthers()
      for (const [receiver, clientId] of [
        [told.receiver, 'shop'],
        [other, 'office'],
      ] as const) {
        assert.equal(receiver.heard.length, 1, clientId)
        assert.equal((await logoutTokenOf(stage, receiver.heard[0]?.token ?? '', clientId))['sid'], sid)
      }
      assert.equal(stranger.heard.length, cause.endsWith('everybody') ? 1 : 0)
      await stage.pawl.tellOthers()
      assert.equal(told.receiver.heard.length, 1)
    })
  }

  it('reaches a client that gets no refresh token, as long after as the session lasts', async test => {
    const { stage, browser, tokens, receiver } = await openTold(test, { refresh: false })
    assert.equal(tokens.body['refresh_token'], undefined)
    stage.clock.advanceSeconds(5 * 86_400)
    const office = await stage.addClient({ ...shop, id: 'office' })
    for (let round = 0; round < 100; round++) await stage.app(office).signIn(browser, sessionOnly)
    await logOut(browser, tokens)
    await settle(stage)
    assert.equal(receiver.heard.length, 1)
  })

  it('reaches nobody who has only asked for a code, or has no address any more', async test => {
    const { stage, browser, tokens, receiver } = await openTold(test)
    const other = await openLogoutReceiver(test)
    const office = await stage.addClient({ ...shop, id: 'office', backchannelLogoutUri: other.url })
    await stage.app(office).authorize(browser, sessionOnly)
    await changeClient(stage.workbench, 'shop', { backchannelLogoutUri: null })
    await logOut(browser, tokens)
    await settle(stage)
    assert.deepEqual([receiver.heard.length, other.heard.length], [0, 0])
    assert.deepEqual(await stage.pawl.store.outbox.list(null, 10), [])
  })
})

describe('whoever ends less than a session', () => {
  it('tells nobody: a token, a family, a client, a consent', async test => {
    const told = await openTold(test)
    const { app, browser, stage, receiver, tokens } = told
    const second = await app.signIn(browser, sessionOnly)
    await app.revoke(second.refreshToken)
    await revoke(told, { client: 'shop' })
    await revoke(told, { user: 'ada@example.com', client: 'shop' })
    await stage.pawl.tellOthers()
    assert.deepEqual(receiver.heard, [])
    await logOut(browser, tokens)
    await settle(stage)
    assert.equal(receiver.heard.length, 1, 'the session itself went on')
  })
})

describe('several nodes', () => {
  it('tell each client once between them, whoever wrote the notice', async test => {
    const database = await databaseFor(test)
    const receiver = await openLogoutReceiver(test)
    const scene = await openScene(test, { database, client: { ...shop, backchannelLogoutUri: receiver.url } })
    await scene.app.signIn(scene.browser, sessionOnly)
    const nodes = await Promise.all(['a', 'b', 'c'].map(seed => openStage({ database, keys: scene.stage.keys, seed })))
    test.after(() => Promise.all(nodes.map(node => node.close())))
    for (const node of nodes) node.clock.advanceSeconds(1)
    scene.stage.clock.advanceSeconds(1)
    await disableUser(scene.stage.workbench, 'ada@example.com')
    await Promise.all([scene.stage, ...nodes].map(({ pawl }) => pawl.tellOthers()))
    assert.equal(receiver.heard.length, 1)
  })
})
