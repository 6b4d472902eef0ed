/** Software statements (RFC 7591 §2.3): who is believed, and what follows from being believed. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { unusedClientKeptSeconds } from '../packages/server/src/domain/registration/registration-store.ts'
import { openSite } from '../packages/server/src/outbound/fixture.test.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { appOf, appRedirect, clientOf, type JsonAnswer, manage, type Members, register } from './stage/registration.ts'
import { openStage, type Stage } from './stage/stage.ts'

const trusted = 'https://directory.example'

interface Scene {
  readonly stage: Stage
  readonly sign: (claims: Members, changes?: Signing) => Promise<string>
}

interface Signing {
  readonly by?: 'directory' | 'somebody'
  readonly typ?: string
}

/** A server that believes one directory, which publishes its key. */
async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Scene> {
  const keys = { directory: await generateKeyPair('ES256'), somebody: await generateKeyPair('ES256') }
  const jwks = { keys: [{ ...(await exportJWK(keys.directory.publicKey)), kid: 'directory-1', alg: 'ES256' }] }
  const site = await openSite((_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify(jwks))
  })
  lifetime.after(() => site.close())
  const softwareIssuers = [`${trusted} ${site.origin}/jwks`]
  const stage = await openStage({ settings: { softwareIssuers, registration: 'token', ...settings } })
  lifetime.after(() => stage.close())
  return {
    stage,
    sign: (claims, { by = 'directory', typ } = {}) =>
      new SignJWT({ iss: trusted, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'directory-1', ...(typ !== undefined && { typ }) })
        .sign(keys[by].privateKey),
  }
}

async function sent({ stage }: Scene, statement: unknown, beside: Members = {}): Promise<JsonAnswer> {
  return register(stage, { redirect_uris: [appRedirect], ...beside, software_statement: statement })
}

describe('a software statement', () => {
  it('lets its client in without a token, and wins over what stands beside it', async test => {
    const scene = await opened(test)
    const says = { client_name: 'As the directory knows it', redirect_uris: ['https://directory-app.example/cb'] }
    const statement = await scene.sign({
      ...says,
      software_id: 'app-1',
      iat: Math.floor(scene.stage.clock.nowMs() / 1000),
    })
    const { status, body } = await sent(scene, statement, { client_name: 'As it calls itself' })
    assert.equal(status, 201, JSON.stringify(body))
    const expected: Members = { ...body, ...says, software_id: 'app-1' }
    assert.deepEqual(body, expected)
    assert.equal((await clientOf(scene.stage, body['client_id'])).source?.vouchedBy, trusted)
  })

  it('is refused where its issuer is not believed here', async test => {
    const scene = await opened(test)
    for (const iss of [
      'https://other.example',
      `${trusted}/`,
      `${trusted} `,
      'https://directory',
      trusted.toUpperCase(),
    ]) {
      const { status, body } = await sent(scene, await scene.sign({ iss }))
      assert.deepEqual([status, body['error']], [400, 'unapproved_software_statement'], iss)
    }
  })

  it('is refused where it is forged, over, not good yet, for another server, or no such token at all', async test => {
    const scene = await opened(test)
    const nowSeconds = Math.floor(scene.stage.clock.nowMs() / 1000)
    const good = await scene.sign({ client_name: 'App' })
    const [head = '', payload = ''] = good.split('.')
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    const wrong: readonly unknown[] = [
      await scene.sign({}, { by: 'somebody' }),
      await scene.sign({ exp: nowSeconds }),
      await scene.sign({ exp: 'soon' }),
      await scene.sign({ nbf: nowSeconds + 31 }),
      await scene.sign({ iat: nowSeconds + 31 }),
      await scene.sign({ aud: 'https://other.example' }),
      await scene.sign({ aud: ['https://other.example'] }),
      await scene.sign({ iss: 7 }),
      await scene.sign({}, { typ: 'at+jwt' }),
      await scene.sign({}, { typ: 'dpop+jwt' }),
      `${head}.${payload}.`,
      `${unsigned}.${payload}.`,
      `${good}x`,
      'x.y.z',
      '',
      7,
      {},
    ]
    for (const statement of wrong) {
      const { status, body } = await sent(scene, statement)
      assert.deepEqual([status, body['error']], [400, 'invalid_software_statement'], JSON.stringify(statement))
    }
    assert.deepEqual(await scene.stage.pawl.store.clients.list(10), [])
  })

  it('is good to its last moment, and for a server that is named among others', async test => {
    const scene = await opened(test)
    const nowSeconds = Math.floor(scene.stage.clock.nowMs() / 1000)
    const claims = { exp: nowSeconds + 1, nbf: nowSeconds + 30, aud: ['https://other.example', scene.stage.issuer] }
    assert.equal((await sent(scene, await scene.sign(claims))).status, 201)
  })

  it('gives no more than the policy does', async test => {
    const scene = await opened(test)
    const kind = await sent(scene, await scene.sign({ grant_types: ['client_credentials'], response_types: [] }))
    assert.deepEqual([kind.status, kind.body['error']], [400, 'invalid_client_metadata'])
    const scope = await sent(scene, await scene.sign({ scope: 'openid admin' }))
    assert.deepEqual([scope.status, scope.body['scope']], [201, 'openid'])
    const redirect = await sent(scene, await scene.sign({ redirect_uris: ['javascript:alert(1)'] }))
    assert.equal(redirect.body['error'], 'invalid_redirect_uri')
  })

  it('stands behind the redirect URIs that it says itself, and behind none that its bearer says', async test => {
    const scene = await opened(test)
    const { stage } = scene
    await stage.addUser()
    const own = { redirect_uris: [appRedirect] }
    const silent = await scene.sign({ client_name: 'App' })
    const saying = await scene.sign({ client_name: 'App', ...own })
    const leftTo = async (body: Members) => {
      const app = await appOf(stage, body)
      const { status, leftTo: left } = await stage.browser().open(app.authorizePath({ prompt: 'none' }).path)
      return left?.searchParams.get('error') ?? status
    }
    const { body } = await sent(scene, silent)
    assert.equal((await clientOf(stage, body['client_id'])).source?.vouchedBy, null)
    assert.equal(await leftTo(body), 400)
    const { body: vouched } = await sent(scene, saying, { redirect_uris: ['https://elsewhere.example/cb'] })
    assert.deepEqual(vouched['redirect_uris'], own.redirect_uris)
    assert.equal(await leftTo(vouched), 'login_required')

    const id = vouched['client_id']
    const moved = { client_id: id, redirect_uris: ['https://elsewhere.example/cb'], software_statement: silent }
    const { status, body: after } = await manage(stage, 'PUT', vouched, { metadata: moved })
    assert.equal(status, 200, JSON.stringify(after))
    assert.equal(await leftTo(after), 400)
  })

  it('is no secret: its bearers are counted, and those that nobody uses are forgotten', async test => {
    const scene = await opened(test, { registeredClientsMax: 3 })
    const { stage } = scene
    const statement = await scene.sign({ redirect_uris: [appRedirect] })
    for (let n = 0; n < 3; n++) assert.equal((await sent(scene, statement)).status, 201)
    assert.equal((await sent(scene, statement)).status, 429)
    stage.clock.advanceSeconds(unusedClientKeptSeconds + 1)
    for (let n = 0; n < 600; n++) await stage.pawl.store.throttles.charge(`${n % 7}`, 60)
    assert.deepEqual(await stage.pawl.store.clients.list(10), [])
    for (let n = 0; n < 3; n++) assert.equal((await sent(scene, statement)).status, 201)
  })

  it('is needed again for every change, and told back as it was sent', async test => {
    const scene = await opened(test)
    const statement = await scene.sign({ client_name: 'One' })
    const { body } = await sent(scene, statement)
    assert.equal(body['software_statement'], statement)
    const bare = await manage(scene.stage, 'PUT', { ...body, software_statement: undefined })
    assert.deepEqual([bare.status, bare.body['error']], [400, 'unapproved_software_statement'])
    const metadata = { client_id: body['client_id'], redirect_uris: [appRedirect] }
    const forged = { ...metadata, software_statement: await scene.sign({}, { by: 'somebody' }) }
    assert.equal((await manage(scene.stage, 'PUT', body, { metadata: forged })).status, 400)
    const next = { ...metadata, client_name: 'Three', software_statement: await scene.sign({ client_name: 'Two' }) }
    const { status, body: changed } = await manage(scene.stage, 'PUT', body, { metadata: next })
    assert.deepEqual([status, changed['client_name']], [200, 'Two'])
  })
})
