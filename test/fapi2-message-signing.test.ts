/**
 * FAPI 2.0 Message Signing, from outside: requests that the client has signed, answers and introspection that the server
 * has signed, for a client that keeps the Security Profile besides.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { agree, app, type Authorization, type Fields } from './stage/app.ts'
import { type Fapi2Options, type Fapi2Scene, fapi2Means, openFapi2 } from './stage/fapi2.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { fieldsOf, pathTo } from './stage/requests.ts'
import { byAssertion, type Json, newSigner, signed } from './stage/signer.ts'

const introspectionType = 'application/token-introspection+jwt'
const signing = { requireSignedRequests: true, introspectionSigned: 'ES256' }

/** A client that signs all its requests, whatever else it is. */
function openSigning(test: Lifetime, options: Fapi2Options = {}): Promise<Fapi2Scene> {
  return openFapi2(test, { ...options, client: signing })
}

interface Signed {
  readonly object: string
  readonly verifier: string
}

/** An ordinary request as an object of the moment; an undefined claim takes one away. */
async function signedRequest(scene: Fapi2Scene, claims: Json = {}, header: Json = {}): Promise<Signed> {
  const seconds = Math.floor(scene.stage.clock.nowMs() / 1000)
  const { fields, verifier } = fieldsOf(scene.app)
  const times = { iat: seconds, nbf: seconds, exp: seconds + 300 }
  const about = { ...fields, iss: 'bank', aud: scene.stage.issuer, ...times, ...claims }
  return { object: await scene.signer.sign(about, { typ: 'oauth-authz-req+jwt', ...header }), verifier }
}

async function pushObject(scene: Fapi2Scene, request: string, beside: Fields = {}) {
  const answer = await scene.app.post('/par', { request, ...beside })
  const body = (await answer.json()) as { readonly request_uri?: string; readonly error?: string }
  return { status: answer.status, body, path: pathTo('bank', body.request_uri ?? '') }
}

async function verified(scene: Fapi2Scene, jwt: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet((await (await scene.stage.send('/jwks')).json()) as JSONWebKeySet)
  const currentDate = new Date(scene.stage.clock.nowMs())
  const algorithms = ['PS256', 'ES256', 'EdDSA']
  const { issuer } = scene.stage
  return (await jwtVerify(jwt, keys, { issuer, audience: 'bank', currentDate, algorithms })).payload
}

async function authorizeSigned(scene: Fapi2Scene): Promise<Authorization> {
  const { object, verifier } = await signedRequest(scene, { response_mode: 'jwt', state: 'mine' })
  const { path } = await pushObject(scene, object)
  const { searchParams } = await agree(scene.browser, await scene.browser.open(path))
  assert.deepEqual([...searchParams.keys()], ['response'])
  const answer = await verified(scene, searchParams.get('response') ?? '')
  assert.equal(answer['state'], 'mine')
  return { code: String(answer['code']), verifier, parameters: searchParams }
}

describe('a server of FAPI 2.0 Message Signing', () => {
  for (const means of fapi2Means) {
    it(`takes a signed request, and signs its answer and what it tells of the token, by ${means}`, async test => {
      const scene = await openSigning(test, { means })
      const tokens = await scene.redeem(await authorizeSigned(scene))
      assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
      const told = await scene.app.post('/introspect', { token: tokens.accessToken }, { accept: introspectionType })
      assert.equal(told.headers.get('content-type'), introspectionType)
      const text = await told.text()
      assert.equal(decodeProtectedHeader(text).typ, 'token-introspection+jwt')
      const { token_introspection: introspection } = (await verified(scene, text)) as {
        readonly token_introspection?: { readonly active?: boolean; readonly cnf?: object }
      }
      assert.equal(introspection?.active, true)
      assert.ok(introspection.cnf !== undefined)
    })
  }

  it('answers what is wrong with a signed request at the push, and a refusal of the person as a JWT', async test => {
    const scene = await openSigning(test)
    const { object } = await signedRequest(scene, { scope: 'openid admin' })
    const { status, body } = await pushObject(scene, object)
    assert.deepEqual([status, body.error], [400, 'invalid_scope'])
    const good = await signedRequest(scene, { response_mode: 'jwt' })
    const { path } = await pushObject(scene, good.object)
    const { browser } = scene
    const { leftTo } = await browser.decide(await browser.signIn(await browser.open(path)), 'deny')
    assert.equal((await verified(scene, leftTo?.searchParams.get('response') ?? ''))['error'], 'access_denied')
  })

  it('takes no request that is not signed, in a push or in the query', async test => {
    const scene = await openSigning(test)
    const { status, body } = await scene.push()
    assert.deepEqual([status, body['error']], [400, 'invalid_request'])
    const { object } = await signedRequest(scene)
    const query = new URLSearchParams({ client_id: 'bank', request: object }).toString()
    const { leftTo } = await scene.browser.open(`/authorize?${query}`)
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request', 'signed, and not pushed')
  })

  it('takes the issuer as audience of a request, alone or among others', async test => {
    const scene = await openSigning(test)
    const { issuer } = scene.stage
    for (const aud of [issuer, [issuer], ['https://other.example', issuer]]) {
      assert.equal((await pushObject(scene, (await signedRequest(scene, { aud })).object)).status, 201)
    }
    for (const aud of ['https://other.example', `${issuer}/par`, [], undefined]) {
      const { status, body } = await pushObject(scene, (await signedRequest(scene, { aud })).object)
      assert.deepEqual([status, body.error], [400, 'invalid_request_object'], JSON.stringify(aud))
    }
  })

  it('wants a beginning and an end that are an hour apart at most, and takes an hour', async test => {
    const scene = await openSigning(test)
    const now = Math.floor(scene.stage.clock.nowMs() / 1000)
    const hour = 3600
    for (const times of [
      { nbf: now, exp: now + hour },
      { nbf: now - hour + 10, exp: now + 10 },
      { nbf: now + 8, exp: now + 300 },
    ]) {
      const { status } = await pushObject(scene, (await signedRequest(scene, times)).object)
      assert.equal(status, 201, JSON.stringify(times))
    }
    for (const times of [
      { nbf: undefined },
      { exp: undefined },
      { nbf: now, exp: now + hour + 1 },
      { nbf: now - hour - 60, exp: now + 60 },
      { nbf: now - 300, exp: now - 60 },
      { nbf: now + 61, exp: now + 300 },
      { iat: now + 61 },
    ]) {
      const { status, body } = await pushObject(scene, (await signedRequest(scene, times)).object)
      assert.deepEqual([status, body.error], [400, 'invalid_request_object'], JSON.stringify(times))
    }
  })

  it('takes a request with the type of request objects or with none, and with no other', async test => {
    const scene = await openSigning(test)
    for (const [typ, status] of [
      ['oauth-authz-req+jwt', 201],
      [undefined, 201],
      ['client-authentication+jwt', 400],
      ['dpop+jwt', 400],
    ] as const) {
      const { object } = await signedRequest(scene, {}, { typ })
      assert.equal((await pushObject(scene, object)).status, status, typ ?? 'no type')
    }
  })

  it('takes no request by another key, signed with RS256, or not signed', async test => {
    const scene = await openSigning(test)
    const rsa = newSigner('RS256', scene.signer.kid)
    const { object } = await signedRequest(scene)
    const claims = Buffer.from(object.split('.')[1] ?? '', 'base64url').toString()
    const none = Buffer.from('{"alg":"none","typ":"oauth-authz-req+jwt"}').toString('base64url')
    const bad = [
      await newSigner('ES256', scene.signer.kid).sign(claims),
      await signed(claims, { alg: 'RS256', kid: rsa.kid }, rsa.privateKey),
      `${none}.${object.split('.')[1] ?? ''}.`,
      `${object.slice(0, -4)}AAAA`,
    ]
    for (const one of bad) {
      const { status, body } = await pushObject(scene, one)
      assert.deepEqual([status, body.error], [400, 'invalid_request_object'])
    }
  })

  it('takes no request signed with RS256 by a client that has such a key', async test => {
    const rsa = newSigner('RS256', 'rsa')
    const pair = newSigner()
    const jwks = { keys: [pair.publicJwk, rsa.publicJwk] }
    const scene = await openFapi2(test, { signer: pair, client: { ...signing, jwks } })
    const { object } = await signedRequest({ ...scene, signer: rsa })
    const { status, body } = await pushObject(scene, object)
    assert.deepEqual([status, body.error], [400, 'invalid_request_object'])
  })

  it('takes everything from the object: state and nonce beside it count for nothing', async test => {
    const scene = await openSigning(test)
    const { object } = await signedRequest(scene, { state: 'inside', nonce: 'inside' })
    const { path } = await pushObject(scene, object, {
      state: 'beside',
      nonce: 'beside',
      redirect_uri: 'https://evil.example',
    })
    const { searchParams } = await agree(scene.browser, await scene.browser.open(path))
    assert.equal(searchParams.get('state'), 'inside')
  })

  it('wants PKCE and a redirect URI inside the object, and a request of its own client', async test => {
    const scene = await openSigning(test)
    for (const claims of [
      { code_challenge: undefined },
      { code_challenge_method: 'plain' },
      { redirect_uri: undefined },
      { response_type: 'code id_token' },
      { client_id: 'other' },
      { iss: 'other' },
    ]) {
      const { status } = await pushObject(scene, (await signedRequest(scene, claims)).object)
      assert.equal(status, 400, JSON.stringify(claims))
    }
  })

  it('holds no other request, by value or by address', async test => {
    const scene = await openSigning(test)
    const { object } = await signedRequest(scene)
    for (const claims of [{ request: object }, { request_uri: 'urn:ietf:params:oauth:request_uri:x' }]) {
      const { status, body } = await pushObject(scene, (await signedRequest(scene, claims)).object)
      assert.deepEqual([status, body.error], [400, 'invalid_request_object'], Object.keys(claims).join())
    }
    const { status, body } = await pushObject(scene, object, { request_uri: 'https://bank.example/request' })
    assert.deepEqual([status, body.error], [400, 'invalid_request'])
  })

  it('signs introspection for a resource server that may ask, and names it as the audience', async test => {
    const scene = await openSigning(test)
    const tokens = await scene.redeem(await authorizeSigned(scene))
    const signer = newSigner()
    const registered = await scene.stage.addClient({
      id: 'api',
      kind: 'service',
      profile: 'fapi2',
      jwks: { keys: [signer.publicJwk] },
      audiences: [scene.stage.issuer],
      introspectionSigned: 'PS256',
    })
    const api = app(scene.stage, registered, { authenticate: byAssertion(scene.stage, 'api', signer) })
    const answer = await api.post('/introspect', { token: tokens.accessToken }, { accept: introspectionType })
    const text = await answer.text()
    assert.equal(decodeProtectedHeader(text).alg, 'PS256')
    const keys = createLocalJWKSet((await (await scene.stage.send('/jwks')).json()) as JSONWebKeySet)
    const currentDate = new Date(scene.stage.clock.nowMs())
    const { payload } = await jwtVerify(text, keys, { issuer: scene.stage.issuer, audience: 'api', currentDate })
    assert.equal((payload as { readonly token_introspection?: Json }).token_introspection?.['client_id'], 'bank')
  })

  it('says in its metadata what can be signed, with what, and that it must be where it must', async test => {
    const { stage } = await openFapi2(test, { settings: { requirePushedRequests: true, requireSignedRequests: true } })
    const metadata = (await (await stage.send('/.well-known/oauth-authorization-server')).json()) as {
      readonly [name: string]: readonly string[] | boolean
    }
    assert.equal(metadata['require_signed_request_object'], true)
    assert.ok((metadata['response_modes_supported'] as readonly string[]).includes('jwt'))
    for (const what of ['request_object', 'authorization', 'introspection']) {
      const listed = metadata[`${what}_signing_alg_values_supported`] as readonly string[]
      assert.ok(
        ['PS256', 'ES256', 'EdDSA'].every(each => listed.includes(each)),
        what,
      )
      assert.equal(listed.includes('none'), false)
    }
  })
})
