/** Exchanging access tokens (RFC 8693): an API calls the next one for the user who called it. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { signJwt } from '../packages/server/src/domain/token/sign-jwt.ts'
import { accessTokenType, refreshTokenType } from '../packages/server/src/oauth/grants/token-types.ts'
import type { App, Tokens } from './stage/app.ts'
import { exchange, handOn } from './stage/exchange.ts'
import { partsOf } from './stage/parts.ts'
import { familyIdOf, historyOf, openScene, type Scene } from './stage/scene.ts'

const orders = 'https://orders.example/'
const stock = 'https://stock.example/'
const bank = 'https://bank.example/'
const scopes = ['openid', 'email', 'offline_access', 'read', 'write']
const shop = { id: 'shop', kind: 'web', redirectUris: ['https://shop.example/cb'], scopes }
/** The API that the shop calls; it may go on to the stock, for reading. */
const ordersApi = { id: 'orders', kind: 'service', scopes: ['read'], audiences: [orders], resources: [stock] }

interface Story extends Scene {
  readonly api: App
  /** What the shop sends to the API. */
  readonly sent: Tokens
}

async function sent(test: TestContext, rule = 'delegation', client: object = {}): Promise<Story> {
  const scene = await openScene(test, { client: { ...shop, ...client } })
  const api = scene.stage.app(await scene.stage.addClient({ ...ordersApi, exchange: rule }))
  const scope = 'openid email offline_access read write'
  const tokens = await scene.app.signIn(scene.browser, { scope, resource: orders })
  return { ...scene, api, sent: tokens }
}

describe('an API that exchanges a token it was sent', () => {
  it('gets one for the next API: the same user, less scope, itself as the actor, and no longer', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    stage.clock.advanceSeconds(100)
    const answer = await handOn(api, tokens.accessToken, { resource: stock })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const { issued_token_type, token_type, scope, expires_in, refresh_token, id_token } = answer.body
    assert.deepEqual([issued_token_type, token_type, scope], [accessTokenType, 'Bearer', 'read'])
    assert.deepEqual([refresh_token, id_token], [undefined, undefined])
    const [before, after] = [decodeJwt(tokens.accessToken), decodeJwt(answer.accessToken)]
    assert.deepEqual([after.sub, after.aud, after['client_id']], [before.sub, stock, 'orders'])
    assert.deepEqual(after['act'], { sub: 'orders', client_id: 'orders', iss: stage.issuer })
    assert.equal(after.exp, before.exp)
    assert.equal(expires_in, 500)
    assert.equal(after['auth_time'], before['auth_time'])
  })

  it('is found by the logical name of a registered API too', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    await stage.pawl.store.resources.add(
      {
        indicator: stock,
        audience: 'the stock',
        scopes: ['read'],
        accessTokenFormat: null,
        accessTokenSeconds: 60,
        signingAlgorithm: 'ES256',
        introspectors: [],
        createdAtMs: stage.clock.nowMs(),
      },
      [],
    )
    const answer = await handOn(api, tokens.accessToken, { audience: 'the stock' })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal(decodeJwt(answer.accessToken).aud, 'the stock')
    assert.equal(answer.body['expires_in'], 60)
  })

  it('tells who acted before, when the next API exchanges again', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    const next = { id: 'stock', kind: 'service', scopes: ['read'], audiences: [stock], resources: [bank] }
    const stockApi = stage.app(await stage.addClient({ ...next, exchange: 'delegation' }))
    const one = await handOn(api, tokens.accessToken, { resource: stock })
    const two = await handOn(stockApi, one.accessToken, { resource: bank })
    assert.equal(two.status, 200, JSON.stringify(two.body))
    const iss = stage.issuer
    const before = { sub: 'orders', client_id: 'orders', iss }
    assert.deepEqual(decodeJwt(two.accessToken)['act'], { sub: 'stock', client_id: 'stock', iss, act: before })
  })

  it('names nobody where it may impersonate, and the actor where it shows one', async test => {
    const { api, sent: tokens, stage } = await sent(test, 'impersonation')
    const silent = await handOn(api, tokens.accessToken, { resource: stock })
    assert.equal(decodeJwt(silent.accessToken)['act'], undefined)
    const own = await api.post('/token', { grant_type: 'client_credentials' })
    const { access_token } = (await own.json()) as { readonly access_token: string }
    const actor = { actor_token: access_token, actor_token_type: accessTokenType }
    const named = await handOn(api, tokens.accessToken, { resource: stock, ...actor })
    assert.deepEqual(decodeJwt(named.accessToken)['act'], { sub: 'orders', client_id: 'orders', iss: stage.issuer })
  })

  it('gets a token that dies with the family of the one it was sent', async test => {
    const { app, api, sent: tokens, stage } = await sent(test)
    const next = { id: 'stock', kind: 'service', scopes: ['read'], audiences: [stock] }
    const stockApi = stage.app(await stage.addClient(next))
    const answer = await handOn(api, tokens.accessToken, { resource: stock })
    const told = await stockApi.introspect(answer.accessToken)
    assert.deepEqual([told.active, told['client_id'], told['scope']], [true, 'orders', 'read'])
    assert.equal((told['act'] as { sub: string }).sub, 'orders')
    await app.revoke(tokens.refreshToken)
    assert.deepEqual(await stockApi.introspect(answer.accessToken), { active: false })
    assert.equal((await handOn(api, tokens.accessToken, { resource: stock })).status, 400)
  })

  it('gets a token that dies with the API itself, and that it can revoke', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    const next = { id: 'stock', kind: 'service', scopes: ['read'], audiences: [stock] }
    const stockApi = stage.app(await stage.addClient(next))
    const [one, two] = [
      await handOn(api, tokens.accessToken, { resource: stock }),
      await handOn(api, tokens.accessToken, { resource: stock }),
    ]
    await api.revoke(one.accessToken)
    assert.deepEqual(await stockApi.introspect(one.accessToken), { active: false })
    assert.equal((await stockApi.introspect(two.accessToken)).active, true)
    await changeClient(stage.workbench, 'orders', { disabled: true })
    assert.deepEqual(await stockApi.introspect(two.accessToken), { active: false })
  })

  it('leaves one event for the family, with a count', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    for (let calls = 0; calls < 3; calls++) await handOn(api, tokens.accessToken, { resource: stock })
    const events = await historyOf(stage, familyIdOf(stage, tokens.refreshToken))
    const exchanged = events.filter(({ kind }) => kind === 'token_exchanged')
    assert.deepEqual(
      exchanged.map(({ count, detail }) => [count, detail['exchanged_by'], detail['actor']]),
      [[3, 'orders', 'orders']],
    )
  })
})

describe('an exchange never gives more', () => {
  const refused: readonly (readonly [string, { readonly [name: string]: string }, string])[] = [
    ['a scope that the token has and the API may not', { resource: stock, scope: 'write' }, 'invalid_scope'],
    ['a scope that nobody has', { resource: stock, scope: 'read admin' }, 'invalid_scope'],
    ['what speaks of a sign-in', { resource: stock, scope: 'openid read' }, 'invalid_scope'],
    ['an API that is not registered for it', { resource: bank }, 'invalid_target'],
    ['a name that no API has', { audience: 'the bank' }, 'invalid_target'],
    ['one good API and a bad one', { resource: stock, audience: bank }, 'invalid_target'],
    ['no API at all', {}, 'invalid_target'],
    ['a refresh token', { resource: stock, requested_token_type: refreshTokenType }, 'invalid_request'],
    ['authorization details', { resource: stock, authorization_details: '[]' }, 'invalid_request'],
  ]
  for (const [what, fields, error] of refused) {
    it(`such as ${what}`, async test => {
      const { api, sent: tokens } = await sent(test)
      const answer = await handOn(api, tokens.accessToken, fields)
      assert.deepEqual([answer.status, answer.body['error']], [400, error], JSON.stringify(answer.body))
    })
  }

  it('to an API that was not sent the token', async test => {
    const { sent: tokens, stage } = await sent(test)
    const stranger = {
      ...ordersApi,
      id: 'stranger',
      audiences: ['https://elsewhere.example/'],
      exchange: 'impersonation',
    }
    const answer = await handOn(stage.app(await stage.addClient(stranger)), tokens.accessToken, { resource: stock })
    assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'])
  })

  it('to an API that may not exchange, or may only branch', async test => {
    const { sent: tokens, stage } = await sent(test)
    const plain = stage.app(await stage.addClient({ ...ordersApi, id: 'plain' }))
    const answer = await handOn(plain, tokens.accessToken, { resource: stock })
    assert.deepEqual([answer.status, answer.body['error']], [400, 'unauthorized_client'])
    const branching = { ...shop, id: 'branching', audiences: [orders], exchange: 'branching' }
    const other = await handOn(stage.app(await stage.addClient(branching)), tokens.accessToken, { resource: stock })
    assert.deepEqual([other.status, other.body['error']], [400, 'unauthorized_client'])
  })

  it('to the application itself: its own token goes nowhere that its user was not asked about', async test => {
    const { app, sent: tokens } = await sent(test, 'delegation', { resources: [orders, bank], exchange: 'delegation' })
    const answer = await handOn(app, tokens.accessToken, { resource: bank })
    assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_target'])
    const narrowed = await handOn(app, tokens.accessToken, { resource: orders, scope: 'read' })
    assert.deepEqual([narrowed.status, narrowed.body['scope']], [200, 'read'])
  })

  it('to an actor that the token does not name, where it says who may act', async test => {
    const { api, sent: tokens, stage } = await sent(test)
    const { signingKeys } = await partsOf(stage)
    const saying = (may_act: unknown): string => {
      const claims = { ...decodeJwt(tokens.accessToken), may_act }
      return signJwt(signingKeys.current('ES256', stage.clock.nowMs()), 'at+jwt', claims)
    }
    const may = await handOn(api, saying({ sub: 'orders' }), { resource: stock })
    assert.equal(may.status, 200, JSON.stringify(may.body))
    for (const claim of [{ sub: 'stock' }, { client_id: 'orders', group: 'x' }, {}, 'orders']) {
      const mayNot = await handOn(api, saying(claim), { resource: stock })
      assert.deepEqual([mayNot.status, mayNot.body['error']], [400, 'invalid_request'], JSON.stringify(claim))
    }
  })

  it('to an actor of whom nothing is said, other than the API itself', async test => {
    const { api, app, sent: tokens, stage } = await sent(test)
    await stage.addUser('bob@example.com')
    const other = stage.browser('192.0.2.1')
    const path = app.authorizePath({ scope: 'read', resource: orders })
    const page = await other.signIn(await other.open(path.path), 'bob@example.com')
    const left = (await other.decide(page, 'allow')).leftTo
    const bob = await app.redeem({
      code: left?.searchParams.get('code') ?? '',
      verifier: path.verifier,
      parameters: new URLSearchParams(),
    })
    const actor = { actor_token: bob.accessToken, actor_token_type: accessTokenType }
    const answer = await handOn(api, tokens.accessToken, { resource: stock, ...actor })
    assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'])
  })

  it('for a token of another kind, or under a type we do not know', async test => {
    const { api, app, sent: tokens } = await sent(test)
    const idToken = String(tokens.body['id_token'])
    const cases = [
      { subject_token: tokens.refreshToken, subject_token_type: accessTokenType },
      { subject_token: idToken, subject_token_type: accessTokenType },
      { subject_token: idToken, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      { subject_token: tokens.accessToken, subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
      { subject_token: tokens.accessToken },
      { subject_token_type: accessTokenType },
    ]
    for (const fields of cases) {
      const answer = await exchange(api, { resource: stock, ...fields })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'], JSON.stringify(answer.body))
    }
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
  })
})
