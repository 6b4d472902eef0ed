/** Clients that publish themselves (Client ID Metadata Document), from the first visit to the last refresh. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { changeClient, removeClient } from '../packages/server/src/admin/clients.ts'
import { documentFreshSecondsMax } from '../packages/server/src/domain/client/client-documents.ts'
import { type Client, deviceCodeGrantType } from '../packages/server/src/domain/client/client.ts'
import { clientAssertionType } from '../packages/server/src/oauth/client-assertion.ts'
import { type App, app as appFor, type AppOptions } from './stage/app.ts'
import { askDevice, poll, typeCode } from './stage/device.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { clientOf, type Members, openPublisher, type Publisher } from './stage/registration.ts'
import { openStage, type Stage } from './stage/stage.ts'

interface Scene {
  readonly stage: Stage
  readonly publisher: Publisher
  /** The application itself, which the server has never seen. */
  readonly app: (options?: AppOptions) => App
}

const redirectUri = 'http://127.0.0.1:51234/cb'

async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Scene> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  await stage.addUser()
  const publisher = await openPublisher(lifetime)
  // What an application knows of itself: its id, and that it has no secret.
  const itself = { id: publisher.id as ClientId, authMethod: 'none', redirectUris: [redirectUri] } as unknown as Client
  return { stage, publisher, app: options => appFor(stage, { client: itself, secret: null }, options) }
}

async function letDeviceIn({ stage, publisher, app }: Scene): Promise<void> {
  const itself = app()
  const device = await askDevice(itself)
  const browser = stage.browser()
  const page = await browser.signIn(await typeCode(browser, device.user_code))
  assert.ok(page.body.includes(new URL(publisher.id).host))
  await browser.decide(page, 'allow')
  assert.equal((await poll(itself, device.device_code)).status, 200)
  assert.equal(publisher.site.requests.length, 1)
}

describe('a client that publishes itself', () => {
  it('signs people in without registering, and needs its document for nothing afterwards', async test => {
    const { stage, publisher, app } = await opened(test)
    const itself = app()
    const first = await itself.signIn(stage.browser(), { resource: 'https://mcp.example/' })
    assert.equal(publisher.site.requests.length, 1)
    assert.equal(publisher.site.requests[0]?.headers['accept'], 'application/json')
    await publisher.site.close()

    stage.clock.advanceSeconds(documentFreshSecondsMax)
    const second = await itself.refresh(first.refreshToken)
    assert.equal(second.status, 200)
    assert.notEqual(second.refreshToken, first.refreshToken)
    assert.equal((await itself.revoke(second.refreshToken)).status, 200)
    assert.equal((await itself.refresh(second.refreshToken)).status, 400)
  })

  it('is what its document says, and a client like every other to the operator', async test => {
    const { stage, publisher, app } = await opened(test)
    publisher.publish({ client_uri: 'https://tides.example/', scope: 'openid email offline_access admin' })
    await app().signIn(stage.browser())
    const client = await clientOf(stage, publisher.id)
    assert.deepEqual([client.kind, client.name, client.authMethod], ['native', 'Tide Tables', 'none'])
    assert.deepEqual(client.scopes, ['openid', 'email', 'offline_access'])
    assert.equal(client.about.clientUri, 'https://tides.example/')
    const added = (await stage.pawl.store.events.latest(20)).filter(({ kind }) => kind === 'client_added')
    assert.deepEqual(
      added.map(({ clientId, detail }) => [clientId, detail['came']]),
      [[publisher.id, 'document']],
    )

    assert.equal(await removeClient(stage.workbench, publisher.id), publisher.id)
    assert.equal(await stage.pawl.store.registrations.countClients(10), 0)
  })

  it('may come with a device first, and is told to the person by where it publishes itself', async test => {
    const { stage, publisher, app } = await opened(test)
    publisher.publish({ grant_types: ['authorization_code', 'refresh_token', deviceCodeGrantType] })
    await letDeviceIn({ stage, publisher, app })
    assert.equal((await clientOf(stage, publisher.id)).kind, 'native')
  })

  it('may be a device and nothing else', async test => {
    const { stage, publisher, app } = await opened(test)
    const grant_types = ['refresh_token', deviceCodeGrantType]
    publisher.publish({ grant_types, redirect_uris: undefined, response_types: [] })
    await letDeviceIn({ stage, publisher, app })
    assert.equal((await clientOf(stage, publisher.id)).kind, 'device')
  })

  it('proves itself with the keys it publishes', async test => {
    const { stage, publisher, app } = await opened(test)
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }
    const method: Members = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    publisher.publish({ ...method, redirect_uris: [redirectUri] })
    let serial = 0
    const authenticate = async () => {
      serial += 1
      const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
      const assertion = await new SignJWT({ iss: publisher.id, sub: publisher.id, aud: stage.issuer, jti: `${serial}` })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setExpirationTime(nowSeconds + 60)
        .sign(privateKey)
      return { fields: { client_assertion_type: clientAssertionType, client_assertion: assertion } }
    }
    const tokens = await app({ authenticate }).signIn(stage.browser())
    assert.equal((await clientOf(stage, publisher.id)).kind, 'web')
    assert.equal((await app({ authenticate }).refresh(tokens.refreshToken)).status, 200)
    assert.equal((await app().refresh(tokens.refreshToken)).status, 401, 'and by nothing else')
  })

  it('may push its request before it was ever seen', async test => {
    const { stage, publisher, app } = await opened(test)
    const itself = app()
    const { path, verifier } = itself.authorizePath()
    const pushed = await itself.post('/par', Object.fromEntries(new URLSearchParams(path.split('?')[1])))
    const { request_uri: requestUri } = (await pushed.json()) as { readonly request_uri: string }
    assert.equal(pushed.status, 201, requestUri)
    const { parameters } = await itself.authorize(stage.browser(), {
      ...Object.fromEntries([...new URLSearchParams(path.split('?')[1]).keys()].map(name => [name, undefined])),
      client_id: publisher.id,
      request_uri: requestUri,
    })
    const tokens = await itself.redeem({ code: parameters.get('code') ?? '', verifier, parameters })
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  })

  it('loses what it held when it becomes another kind of client, and nothing of what an operator tightened', async test => {
    const { stage, publisher, app } = await opened(test)
    const tokens = await app().signIn(stage.browser())
    const tightened = { accessTokenSeconds: 60, absoluteSeconds: 86_400, idleSeconds: 3600, partner: 'mcp' }
    const { accessTokenSeconds: accessSeconds, ...others } = tightened
    await changeClient(stage.workbench, publisher.id, { accessSeconds, ...others })
    stage.clock.advanceSeconds(documentFreshSecondsMax)
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    const method: Members = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } }
    publisher.publish({ ...method, redirect_uris: [redirectUri] })
    await stage.browser().open(app().authorizePath().path)
    assert.equal((await clientOf(stage, publisher.id)).kind, 'web')
    publisher.publish()
    stage.clock.advanceSeconds(documentFreshSecondsMax)
    await stage.browser().open(app().authorizePath().path)
    const client = await clientOf(stage, publisher.id)
    assert.deepEqual(client, { ...client, ...tightened, kind: 'native' })
    assert.equal((await app().refresh(tokens.refreshToken)).status, 400, 'and does not get it back')
  })

  it('is known where the operator names its host, port and all, and nowhere else', async test => {
    for (const [hosts, isKnown] of [
      [(host: string) => [host], true],
      [() => ['*'], true],
      [(host: string) => [host.replace(/:\d+$/, '')], false],
      [() => [], false],
    ] as const) {
      const publisher = await openPublisher(test)
      const stage = await openStage({ settings: { clientDocumentHosts: hosts(new URL(publisher.id).host) } })
      test.after(() => stage.close())
      const query = new URLSearchParams({ client_id: publisher.id, response_type: 'code', redirect_uri: redirectUri })
      await stage.browser().open(`/authorize?${query.toString()}`)
      assert.equal((await stage.pawl.store.clients.read(publisher.id as ClientId)) !== null, isKnown)
    }
  })
})
