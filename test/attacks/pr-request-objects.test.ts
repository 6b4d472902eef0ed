/** Signed request objects (RFC 9101): only what the client itself signed, for this server, now. */

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { CompactEncrypt, importJWK, type JWK } from 'jose'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { requestObjectSecondsMax } from '../../packages/server/src/oauth/authorize/request-object.ts'
import { type App, agree } from '../stage/app.ts'
import { fieldsOf, newClientKey, type ObjectOptions, pathTo, requestObject } from '../stage/requests.ts'
import { openStage, type Stage } from '../stage/stage.ts'

describe('a signed request object', () => {
  it('PR-05 is all that counts: what stands beside it in the query changes nothing', async () => {
    const { stage, app, key } = await opened()
    const { fields, verifier } = fieldsOf(app, { state: 'inner', scope: 'openid' })
    const outer = { state: 'outer', scope: 'openid email', nonce: 'outer', redirect_uri: 'https://evil.example/cb' }
    const browser = stage.browser()
    const page = await browser.open(pathOf(requestObject(stage, fields, key), outer))
    const left = await agree(browser, page)
    assert.deepEqual([left.origin, left.searchParams.get('state')], ['https://a.example', 'inner'])
    const code = left.searchParams.get('code') ?? ''
    const tokens = await app.redeem({ code, verifier, parameters: left.searchParams })
    assert.equal(tokens.body['scope'], 'openid')
    await stage.close()
  })

  it('PR-05 does not take from the query what it leaves out', async () => {
    const { stage, app, key } = await opened()
    const { fields } = fieldsOf(app, { code_challenge: undefined, code_challenge_method: undefined })
    const outer = { code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' }
    const { leftTo } = await stage.browser().open(pathOf(requestObject(stage, fields, key), outer))
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    assert.match(leftTo?.searchParams.get('error_description') ?? '', /code_challenge is missing/)
    await stage.close()
  })

  it('PR-05 says when it begins and ends, and lives an hour at most', async () => {
    const { stage, app, key } = await opened()
    const seconds = Math.floor(stage.clock.nowMs() / 1000)
    const hour = requestObjectSecondsMax
    const wrong = [
      { exp: undefined },
      { nbf: undefined },
      { exp: seconds },
      { exp: seconds + hour + 1 },
      { exp: String(seconds + 60) },
      { nbf: seconds - hour - 1, exp: seconds + 60 },
      { nbf: seconds + 31, exp: seconds + 60 },
      { nbf: 'now' },
    ]
    for (const claims of wrong) await isRefused(stage, app, key, { claims })
    const right = [
      { exp: seconds + 1 },
      { exp: seconds + hour },
      { nbf: seconds - hour + 1, exp: seconds + 1 },
      { nbf: seconds + 30, exp: seconds + 60 },
      { iat: undefined, jti: 'one' },
    ]
    for (const claims of right) await isTaken(stage, app, key, { claims })
    await stage.close()
  })

  it('PR-05 is for this server, from this client, and about this client', async () => {
    const { stage, app, key } = await opened()
    const wrong = [
      { aud: undefined },
      { aud: 'https://other.example' },
      { aud: [] },
      { aud: `${stage.issuer}/` },
      { iss: undefined },
      { iss: 'other' },
      { client_id: undefined },
      { client_id: 'other' },
      { sub: 'shop' },
      { request: 'e30.e30.e30' },
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
    ]
    for (const claims of wrong) await isRefused(stage, app, key, { claims })
    await isTaken(stage, app, key, { claims: { aud: ['https://other.example', stage.issuer] } })
    await stage.close()
  })

  it('PR-05 is signed: not with none, a MAC, another key, an algorithm of its own or a key it brings', async () => {
    const { stage, app, key } = await opened()
    const stranger = newClientKey()
    const [jwk] = stranger.jwks.keys
    const headers = [
      { alg: 'none' },
      { alg: 'HS256' },
      { alg: 'ES384' },
      { alg: 'RS256' },
      { alg: undefined },
      { crit: ['x'], x: 1 },
      { b64: false },
      { kid: 'k2' },
      { typ: 'at+jwt' },
      { typ: 'client-authentication+jwt' },
    ]
    for (const header of headers) await isRefused(stage, app, key, { header })
    for (const header of [{}, { jwk }, { kid: undefined, jwk }])
      await isRefused(stage, app, key, { header, key: stranger.privateKey })
    const unsigned = requestObject(stage, fieldsOf(app).fields, key, { header: { alg: 'none' } })
    for (const text of [unsigned.replace(/[^.]*$/, ''), 'e30.e30.', 'x', '....', 'e30'])
      await isRefusedText(stage, text)
    const good = requestObject(stage, fieldsOf(app).fields, key)
    const [head = '', body = '', signature = ''] = good.split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...claims, scope: 'openid email phone' })).toString('base64url')
    await isRefusedText(stage, `${head}.${changed}.${signature}`)
    for (const header of [
      { typ: undefined },
      { typ: 'JWT' },
      { kid: undefined },
      { typ: 'application/oauth-authz-req+jwt' },
    ]) {
      await isTaken(stage, app, key, { header })
    }
    await stage.close()
  })

  it('PR-05 is signed with the one algorithm its client is registered for', async () => {
    const { stage, app, key } = await opened({ requestObjectAlgorithm: 'PS256' })
    await isRefused(stage, app, key, {})
    await changeClient(stage.workbench, 'shop', { requestObjectAlgorithm: 'ES256' })
    await isTaken(stage, app, key, {})
    await stage.close()
  })

  it('PR-05 must be there for a client registered to sign, by the query and by a push', async () => {
    const { stage, app, key } = await opened({ requireSignedRequests: true })
    const plain = await stage.browser().open(app.authorizePath().path)
    assert.equal(plain.leftTo?.searchParams.get('error'), 'invalid_request')
    const { fields } = fieldsOf(app)
    const unsigned = await app.post('/par', fields)
    assert.deepEqual([unsigned.status, await errorOf(unsigned)], [400, 'invalid_request'])
    await isTaken(stage, app, key, {})
    const pushed = await app.post('/par', { request: requestObject(stage, fields, key) })
    assert.equal(pushed.status, 201)
    const { request_uri } = (await pushed.json()) as { readonly request_uri: string }
    const browser = stage.browser()
    assert.ok((await agree(browser, await browser.open(pathTo('shop', request_uri)))).searchParams.has('code'))
    await stage.close()
  })

  it('PR-05 must be there for everybody where the server says so', async () => {
    const { stage, app, key } = await opened({}, { requireSignedRequests: true })
    const plain = await stage.browser().open(app.authorizePath().path)
    assert.equal(plain.leftTo?.searchParams.get('error'), 'invalid_request')
    assert.equal(await errorOf(await app.post('/par', fieldsOf(app).fields)), 'invalid_request')
    await isTaken(stage, app, key, {})
    const found = await stage.send('/.well-known/openid-configuration')
    const metadata = (await found.json()) as { readonly [name: string]: unknown }
    assert.equal(metadata['require_signed_request_object'], true)
    await stage.close()
  })

  it('PR-05 is judged when it is pushed too, with the name of the fault', async () => {
    const { stage, app, key } = await opened()
    const { fields } = fieldsOf(app)
    const wrong = requestObject(stage, fields, key, { claims: { aud: 'https://other.example' } })
    const response = await app.post('/par', { ...fields, request: wrong })
    assert.deepEqual([response.status, await errorOf(response)], [400, 'invalid_request_object'])
    const asOther = requestObject(stage, { ...fields, client_id: 'other' }, key)
    assert.equal(await errorOf(await app.post('/par', { request: asOther })), 'invalid_request_object')
    await stage.close()
  })

  it('PR-05 may be encrypted to a key of ours, and is signed none the less', async () => {
    const { stage, app, key } = await opened()
    const { keys } = (await (await stage.send('/jwks')).json()) as { readonly keys: readonly JWK[] }
    const ours = keys.filter(each => each.use === 'enc')
    assert.equal(ours.length, 1)
    assert.deepEqual(Object.keys(ours[0] ?? {}).toSorted(), ['crv', 'kid', 'kty', 'use', 'x', 'y'])
    const object = requestObject(stage, fieldsOf(app).fields, key)
    for (const alg of ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW']) {
      for (const kid of [ours[0]?.kid, undefined]) {
        await isTakenText(stage, await encrypted(object, ours[0], { alg, enc: 'A256GCM', kid }))
      }
    }
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as JWK
    const wrong = [
      await encrypted(object, stranger, { alg: 'ECDH-ES', enc: 'A256GCM', kid: ours[0]?.kid }),
      await encrypted(object, ours[0], { alg: 'ECDH-ES', enc: 'A192GCM', kid: ours[0]?.kid }),
      await encrypted('{"client_id":"shop"}', ours[0], { alg: 'ECDH-ES', enc: 'A256GCM', kid: ours[0]?.kid }),
      (await encrypted(object, ours[0], { alg: 'ECDH-ES', enc: 'A256GCM', kid: ours[0]?.kid })).replace(
        /.{4}$/,
        'AAAA',
      ),
    ]
    for (const text of wrong) await isRefusedText(stage, text)
    await stage.close()
  })

  it('PR-05 may say in JSON what a form says in text', async () => {
    const { stage, app, key } = await opened()
    const claims = {
      claims: { userinfo: { email: null } },
      max_age: 300,
      resource: ['https://api.example/a', 'https://api.example/b'],
    }
    await isTaken(stage, app, key, { claims })
    const [family] = await stage.pawl.store.families.list({}, 2)
    assert.deepEqual(family?.family.grant.resources, claims.resource)
    assert.equal(family?.family.grant.claims, JSON.stringify(claims.claims))
    for (const wrong of [
      { state: 'a\u0000b' },
      { max_age: -1 },
      { claims: [] },
      { resource: [1] },
      { scope: ['openid'] },
    ]) {
      const { page, code } = await sent(stage, requestObject(stage, fieldsOf(app).fields, key, { claims: wrong }))
      assert.equal(code, null, JSON.stringify(wrong))
      assert.ok(page.status === 400 || page.leftTo?.searchParams.has('error') === true)
    }
    await stage.close()
  })

  it('SF-02 is never fetched: a request by reference is refused, whatever the client publishes', async () => {
    const { stage, app } = await opened()
    for (const request_uri of [
      'https://a.example/r',
      'http://127.0.0.1:1/r',
      'http://169.254.169.254/',
      'urn:x',
      'file:///etc/passwd',
    ]) {
      const { leftTo } = await stage.browser().open(app.authorizePath({ request_uri }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'request_uri_not_supported', request_uri)
      const pushed = await app.post('/par', fieldsOf(app, { request_uri }).fields)
      assert.deepEqual([pushed.status, await errorOf(pushed)], [400, 'invalid_request'])
    }
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as {
      [name: string]: unknown
    }
    assert.equal(metadata['request_uri_parameter_supported'], false)
    await stage.close()
  })
})

async function opened(client: object = {}, settings: { readonly [name: string]: unknown } = {}) {
  const stage = await openStage({ settings })
  await stage.addUser()
  const { privateKey: key, jwks } = newClientKey()
  const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], jwks, ...client }
  return { stage, app: stage.app(await stage.addClient(shop)), key }
}

function pathOf(request: string, outer: { readonly [name: string]: string } = {}): string {
  return `/authorize?${new URLSearchParams({ client_id: 'shop', ...outer, request }).toString()}`
}

async function sent(stage: Stage, request: string) {
  const browser = stage.browser()
  const page = await browser.open(pathOf(request))
  if (page.status !== 200) return { page, code: null }
  return { page, code: (await agree(browser, page)).searchParams.get('code') }
}

async function isTaken(stage: Stage, app: App, key: KeyObject, options: ObjectOptions): Promise<void> {
  await isTakenText(stage, requestObject(stage, fieldsOf(app).fields, key, options), JSON.stringify(options))
}

async function isTakenText(stage: Stage, text: string, what = text.slice(0, 60)): Promise<void> {
  const { page, code } = await sent(stage, text)
  assert.notEqual(code, null, `${what}: ${page.body.slice(-400)}`)
}

async function isRefused(stage: Stage, app: App, key: KeyObject, options: ObjectOptions): Promise<void> {
  await isRefusedText(stage, requestObject(stage, fieldsOf(app).fields, key, options), JSON.stringify(options))
}

/** On our own page: nothing that the object says is believed, its address least of all. */
async function isRefusedText(stage: Stage, text: string, what = text.slice(0, 60)): Promise<void> {
  const page = await stage.browser().open(pathOf(text, { redirect_uri: 'https://a.example/cb' }))
  assert.deepEqual([page.status, page.leftTo], [400, null], what)
}

async function encrypted(
  text: string,
  to: JWK | undefined,
  { alg, enc, kid }: { alg: string; enc: string; kid: string | undefined },
) {
  const key = await importJWK({ ...to }, alg)
  const header = { alg, enc, cty: 'JWT', ...(kid === undefined ? {} : { kid }) }
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(key)
}

async function errorOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { readonly error?: unknown }).error
}
