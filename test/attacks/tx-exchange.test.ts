/** Attacks on token exchange (RFC 8693): an API that was called wants more than it was given. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { changeClient, registerClient, removeClient } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../../packages/server/src/admin/revoke.ts'
import type { App, Tokens } from '../stage/app.ts'
import { handOn } from '../stage/exchange.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'

const orders = 'https://orders.example/'
const stock = 'https://stock.example/'
const bank = 'https://bank.example/'
const scopes = ['openid', 'email', 'offline_access', 'read', 'write']
/** The API that the shop calls; the operator lets it go on to the stock. */
const ordersApi = {
  id: 'orders',
  kind: 'service',
  scopes: ['read'],
  audiences: [orders],
  resources: [stock],
  exchange: 'delegation',
}

interface Story extends Scene {
  readonly api: App
  /** Another API, which may introspect what the first one gets. */
  readonly stockApi: App
  /** What the shop sends to the API, of a grant that lets the shop go to the bank too. */
  readonly sent: Tokens
}

async function sent(test: TestContext): Promise<Story> {
  const scene = await openScene(test, { client: { ...shop, scopes } })
  const { app, browser, stage } = scene
  const api = stage.app(await stage.addClient(ordersApi))
  const stockApi = stage.app(await stage.addClient({ id: 'stock', kind: 'service', audiences: [stock] }))
  const path = app.authorizePath({ scope: 'openid offline_access read' })
  const page = await browser.signIn(await browser.open(`${path.path}&resource=${orders}&resource=${bank}`))
  const { leftTo } = await browser.decide(page, 'allow')
  const code = leftTo?.searchParams.get('code') ?? ''
  const first = await app.redeem(
    { code, verifier: path.verifier, parameters: new URLSearchParams() },
    { resource: orders },
  )
  assert.equal(first.status, 200, JSON.stringify(first.body))
  return { ...scene, api, stockApi, sent: first }
}

async function expectRefused(answer: Tokens, error: string): Promise<void> {
  assert.deepEqual([answer.status, answer.body['error']], [400, error], JSON.stringify(answer.body))
}

describe('an API that was called', () => {
  it('TX-01 gets no token for the other APIs that its caller may call', async test => {
    const { app, api, sent: token } = await sent(test)
    await expectRefused(await handOn(api, token.accessToken, { resource: bank }), 'invalid_target')
    await expectRefused(await handOn(api, token.accessToken, { resource: orders }), 'invalid_target')
    const good = await handOn(api, token.accessToken, { resource: stock })
    assert.equal(good.status, 200)
    await expectRefused(await handOn(api, good.accessToken, { resource: bank }), 'invalid_target')
    const own = await app.refresh(token.refreshToken, { resource: bank })
    assert.equal(own.status, 200, 'its caller may')
  })

  it('TX-02 keeps nothing when it is cut off, disabled, or removed and added again', async test => {
    const { api, stockApi, sent: token, stage } = await sent(test)
    const revoke = async (input: RevocationInput) => {
      await carryOut(stage.workbench, await planRevocation(stage.workbench, input))
    }
    const ends: readonly (() => Promise<unknown>)[] = [
      () => revoke({ client: 'orders' }),
      () => revoke({ client: 'orders', user: 'ada@example.com' }),
      async () => {
        await changeClient(stage.workbench, 'orders', { disabled: true })
        await changeClient(stage.workbench, 'orders', { disabled: false })
      },
    ]
    for (const end of ends) {
      const answer = await handOn(api, token.accessToken, { resource: stock })
      assert.equal((await stockApi.introspect(answer.accessToken)).active, true)
      await end()
      assert.deepEqual(await stockApi.introspect(answer.accessToken), { active: false })
    }
    const last = await handOn(api, token.accessToken, { resource: stock })
    assert.equal((await stockApi.introspect(last.accessToken)).active, true)
    await removeClient(stage.workbench, 'orders')
    assert.deepEqual(await stockApi.introspect(last.accessToken), { active: false })
    await registerClient(stage.workbench, ordersApi)
    assert.deepEqual(await stockApi.introspect(last.accessToken), { active: false })
  })

  it('TX-03 gets nothing for a token that has run out, was revoked, or whose family has ended', async test => {
    const { app, api, sent: token, stage } = await sent(test)
    const later = await app.refresh(token.refreshToken, { resource: orders })
    await app.revoke(token.accessToken)
    await expectRefused(await handOn(api, token.accessToken, { resource: stock }), 'invalid_request')
    assert.equal((await handOn(api, later.accessToken, { resource: stock })).status, 200)
    stage.clock.advanceSeconds(Number(later.body['expires_in']))
    await expectRefused(await handOn(api, later.accessToken, { resource: stock }), 'invalid_request')
    const last = await app.refresh(later.refreshToken, { resource: orders })
    await app.revoke(last.refreshToken)
    await expectRefused(await handOn(api, last.accessToken, { resource: stock }), 'invalid_request')
  })

  it('TX-03 is told the same of every token that is not good, whatever is wrong with it', async test => {
    const { app, api, sent: token } = await sent(test)
    const elsewhere = await app.refresh(token.refreshToken, { resource: bank })
    const wrong = [elsewhere.accessToken, token.refreshToken, `${token.accessToken}x`, 'pawl_at_x']
    const bodies = await Promise.all(wrong.map(async each => (await handOn(api, each, { resource: stock })).body))
    assert.equal(new Set(bodies.map(body => JSON.stringify(body))).size, 1)
  })

  it('TX-04 stays in the chain: who acted before is told, and a service that was exchanged keeps its name', async test => {
    const { api, stage } = await sent(test)
    const jobs = { id: 'jobs', kind: 'service', scopes: ['read'], resources: [orders] }
    const job = stage.app(await stage.addClient(jobs))
    const response = await job.post('/token', { grant_type: 'client_credentials', resource: orders })
    const { access_token } = (await response.json()) as { readonly access_token: string }
    const answer = await handOn(api, access_token, { resource: stock })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const claims = decodeJwt(answer.accessToken)
    const iss = stage.issuer
    assert.deepEqual([claims.sub, claims['client_id']], ['jobs', 'orders'])
    assert.deepEqual(claims['act'], { sub: 'orders', client_id: 'orders', iss })
  })
})
