/** Access tokens for resources (RFC 8707): the register says what they look like, and who may ask about them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { addResource, changeResource, removeResource } from '../packages/server/src/admin/resources.ts'
import { agree, type Tokens } from './stage/app.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from './stage/scene.ts'

const orders = 'https://orders.example/v1'
const files = 'https://files.example/'
const scopes = ['openid', 'email', 'offline_access', 'orders:read', 'orders:write', 'files:read']
const client = { ...shop, scopes }
const everything = { scope: scopes.join(' ') }

async function sceneWith(
  test: Parameters<typeof openScene>[0],
  resources: readonly { readonly [name: string]: unknown }[],
  options: Parameters<typeof openScene>[1] = {},
): Promise<Scene> {
  const scene = await openScene(test, { client, ...options })
  for (const resource of resources) await addResource(scene.stage.workbench, resource)
  return scene
}

function refusedTarget(answer: Tokens): void {
  assert.equal(answer.status, 400)
  assert.equal(answer.body['error'], 'invalid_target')
}

describe('a registered resource', () => {
  it('gives its tokens their audience, scopes and lifetime, and a shorter one of the client stays', async test => {
    const resource = { indicator: orders, audience: 'orders', scopes: ['orders:read'], accessSeconds: 60 }
    const scene = await sceneWith(test, [resource])
    const { first } = await openFamilyOf(scene, { ...everything, resource: orders })
    assert.equal(first.body['expires_in'], 60)
    assert.equal(first.body['scope'], 'orders:read')
    const claims = decodeJwt(first.accessToken)
    assert.deepEqual([claims.aud, claims['scope']], ['orders', 'orders:read'])
    assert.equal(Number(claims.exp) - Number(claims.iat), 60)
    assert.equal(typeof first.body['id_token'], 'string', 'who signed in is told whatever the resource knows')

    await changeResource(scene.stage.workbench, orders, { accessSeconds: 3600 })
    const next = await assertUnchanged(scene.app, first)
    assert.equal(next.body['expires_in'], 600)
  })

  it('is told in the next refresh what changed, and nothing of it before', async test => {
    const scene = await sceneWith(test, [{ indicator: orders }])
    const { first } = await openFamilyOf(scene, { ...everything, resource: orders })
    assert.equal(decodeJwt(first.accessToken).aud, orders)
    await changeResource(scene.stage.workbench, orders, { audience: 'orders', scopes: ['orders:write'] })
    const claims = decodeJwt((await scene.app.refresh(first.refreshToken)).accessToken)
    assert.deepEqual([claims.aud, claims['scope']], ['orders', 'orders:write'])
  })

  it('has its tokens signed as it wants, and its own answer for several with the same wish', async test => {
    const both = [orders, files].map(indicator => ({ indicator, signingAlgorithm: 'PS256', accessSeconds: 100 }))
    const scene = await sceneWith(test, both)
    const { first } = await openFamilyOf(scene, { ...everything, resource: orders })
    assert.equal(decodeProtectedHeader(first.accessToken).alg, 'PS256')
    const service = await scene.stage.addClient({ id: 'worker', kind: 'service', scopes: ['orders:read'] })
    const worker = scene.stage.app(service)
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    for (const resource of [orders, files]) body.append('resource', resource)
    const authorization = `Basic ${Buffer.from(`worker:${service.secret}`).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await scene.stage.send('/token', { method: 'POST', headers, body: body.toString() })
    const { access_token } = (await answer.json()) as { access_token: string }
    assert.deepEqual(decodeJwt(access_token).aud, [orders, files])
    assert.equal((await worker.introspect(access_token)).active, true)
  })

  it('is not mixed with one that wants another format: the client asks for one token each', async test => {
    const resources = [
      { indicator: orders, accessTokenFormat: 'opaque' },
      { indicator: files, accessTokenFormat: 'jwt' },
    ]
    const scene = await sceneWith(test, resources)
    const service = await scene.stage.addClient({ id: 'worker', kind: 'service', scopes: ['orders:read'] })
    const authorization = `Basic ${Buffer.from(`worker:${service.secret}`).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const ask = (...wanted: readonly string[]) => {
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      for (const resource of wanted) body.append('resource', resource)
      return scene.stage.send('/token', { method: 'POST', headers, body: body.toString() })
    }
    assert.equal((await ask(orders, files)).status, 400)
    assert.match(((await (await ask(orders)).json()) as { access_token: string }).access_token, /^pawl_at_/)
    assert.match(((await (await ask(files)).json()) as { access_token: string }).access_token, /^eyJ/)
  })

  it('names who may introspect its tokens, by its audience, and nobody else learns of them', async test => {
    const scene = await sceneWith(test, [{ indicator: orders, audience: 'orders', introspectors: ['orders-api'] }])
    const input = { kind: 'service' }
    const asking = scene.stage.app(await scene.stage.addClient({ id: 'orders-api', ...input }))
    const stranger = scene.stage.app(await scene.stage.addClient({ id: 'files-api', ...input }))
    const { first } = await openFamilyOf(scene, { ...everything, resource: orders })
    assert.equal((await asking.introspect(first.accessToken)).active, true)
    assert.deepEqual(await stranger.introspect(first.accessToken), { active: false })
    assert.deepEqual(await asking.introspect(first.refreshToken), { active: false })
    const plain = await openFamilyOf(scene, everything)
    assert.deepEqual(await asking.introspect(plain.first.accessToken), { active: false })
    await changeResource(scene.stage.workbench, orders, { introspectors: [] })
    assert.deepEqual(await asking.introspect(first.accessToken), { active: false })
  })
})

describe('a resource that nobody registered', () => {
  it('is taken in development, as it is', async test => {
    const scene = await sceneWith(test, [])
    const { first } = await openFamilyOf(scene, { ...everything, resource: files })
    assert.equal(decodeJwt(first.accessToken).aud, files)
  })

  it('is refused where only registered ones count, at each door, and the server itself is not', async test => {
    const settings = { resources: 'registered' }
    const scene = await sceneWith(test, [{ indicator: orders }], { settings })
    const { path } = scene.app.authorizePath({ resource: files })
    const left = (await scene.browser.open(path)).leftTo
    assert.equal(left?.searchParams.get('error'), 'invalid_target')
    const service = await scene.stage.addClient({ id: 'worker', kind: 'service', scopes: ['orders:read'] })
    const worker = scene.stage.app(service)
    const ask = async (resource: string) =>
      (await worker.post('/token', { grant_type: 'client_credentials', resource })).status
    assert.equal(await ask(files), 400)
    assert.equal(await ask(orders), 200)
    assert.equal(await ask(scene.stage.issuer), 200)
    const { first } = await openFamilyOf(scene, { resource: scene.stage.issuer })
    assert.equal((await scene.app.userinfo(first.accessToken)).status, 200)
  })

  it('gets no more tokens once it is taken out of the register, and the family waits', async test => {
    const scene = await sceneWith(test, [{ indicator: orders }], { settings: { resources: 'registered' } })
    const { first } = await openFamilyOf(scene, { ...everything, resource: orders })
    await removeResource(scene.stage.workbench, orders)
    refusedTarget(await scene.app.refresh(first.refreshToken))
    await addResource(scene.stage.workbench, { indicator: orders })
    await assertUnchanged(scene.app, first)
  })

  it('gets no more tokens for a client that has lost it, and the family goes on with what is left', async test => {
    const scene = await sceneWith(test, [{ indicator: orders }, { indicator: files }])
    const { app, browser, stage } = scene
    const { path, verifier } = app.authorizePath({ ...everything, resource: orders })
    const { searchParams } = await agree(browser, await browser.open(`${path}&resource=${encodeURIComponent(files)}`))
    const code = searchParams.get('code') ?? ''
    const first = await app.redeem({ code, verifier, parameters: searchParams })
    assert.deepEqual(decodeJwt(first.accessToken).aud, [orders, files])

    await changeClient(stage.workbench, 'shop', { resources: [orders] })
    refusedTarget(await app.refresh(first.refreshToken, { resource: files }))
    const second = await assertUnchanged(app, first)
    assert.equal(decodeJwt(second.accessToken).aud, orders)
    await changeClient(stage.workbench, 'shop', { resources: ['https://other.example/'] })
    refusedTarget(await app.refresh(second.refreshToken))
    await changeClient(stage.workbench, 'shop', { resources: [] })
    await assertUnchanged(app, second)
  })
})

describe('the register', () => {
  it('refuses what is no resource, twice the same, and changes that name nothing', async test => {
    const { workbench } = (await openScene(test)).stage
    const wrong = [
      { indicator: 'orders' },
      { indicator: `${orders}#part` },
      { indicator: 'http://orders.example' },
      { indicator: orders, audience: 'two words' },
      { indicator: orders, scopes: ['two words'] },
      { indicator: orders, accessSeconds: 0 },
      { indicator: orders, accessSeconds: 3601 },
      { indicator: orders, signingAlgorithm: 'HS256' },
      { indicator: orders, accessTokenFormat: 'saml' },
      { indicator: orders, introspectors: ['no client id!'] },
      { indicator: orders, more: true },
    ]
    for (const input of wrong) await assert.rejects(addResource(workbench, input), { name: 'InputRefused' })
    await addResource(workbench, { indicator: orders })
    await assert.rejects(addResource(workbench, { indicator: orders }), { name: 'AdminRefused' })
    await assert.rejects(changeResource(workbench, orders, {}), { name: 'InputRefused' })
    await assert.rejects(changeResource(workbench, files, { audience: 'x' }), { name: 'AdminRefused' })
    await assert.rejects(removeResource(workbench, files), { name: 'AdminRefused' })
  })
})
