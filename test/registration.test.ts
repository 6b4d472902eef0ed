/** Applications that register themselves, from their first request to their last refresh. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { addRegistrationToken } from '../packages/server/src/admin/registration-tokens.ts'
import { publishSecondsMin } from '../packages/server/src/domain/keys/signing-keys.ts'
import { agree } from './stage/app.ts'
import type { Lifetime } from './stage/lifetime.ts'
import { appOf, appRedirect, clientOf, manage, type Members, register, registered } from './stage/registration.ts'
import { openStage, type Stage } from './stage/stage.ts'

async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Stage> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  await stage.addUser()
  return stage
}

const both = ['authorization_code', 'refresh_token']

describe('an application that registers itself', () => {
  it('learns all that it is, with a secret and a token to manage itself, each told once', async test => {
    const stage = await opened(test)
    const sent = {
      client_name: 'Harbour Invoices',
      redirect_uris: [appRedirect],
      post_logout_redirect_uris: ['https://app.example/bye'],
      grant_types: both,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'openid email offline_access',
      contacts: ['ops@app.example'],
      client_uri: 'https://app.example/',
      logo_uri: 'https://app.example/logo.png',
      policy_uri: 'https://app.example/policy',
      tos_uri: 'https://app.example/tos',
      software_id: '4NRB1-0XZABZI9E6-5SM3R',
      software_version: '2.1',
      id_token_signed_response_alg: 'ES256',
      require_pushed_authorization_requests: true,
    }
    const { status, body, headers } = await register(stage, sent)
    assert.equal(status, 201, JSON.stringify(body))
    const expected: Members = { ...body, ...sent }
    assert.deepEqual(body, expected)
    assert.match(String(body['client_id']), /^dyn_[\w-]{22}$/)
    assert.match(String(body['client_secret']), /^pawl_cs_/)
    assert.equal(body['client_secret_expires_at'], 0)
    assert.equal(body['client_id_issued_at'], Math.floor(stage.clock.nowMs() / 1000))
    assert.equal(headers.get('cache-control'), 'no-store')

    const read = await manage(stage, 'GET', body)
    const { client_secret: _secret, ...rest } = body
    assert.deepEqual([read.status, read.body], [200, rest])
    const kept = JSON.stringify(await clientOf(stage, body['client_id']))
    assert.equal(kept.includes(String(body['client_secret'])), false)
    assert.equal(kept.includes(String(body['registration_access_token'])), false)
  })

  it('has the defaults of the specifications where it says nothing', async test => {
    const stage = await opened(test)
    const body = await registered(stage)
    const defaults = {
      application_type: 'web',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    }
    assert.deepEqual(body, { ...body, ...defaults })
  })

  it('signs people in and stays signed in: a web application', async test => {
    const stage = await opened(test)
    const app = await appOf(stage, await registered(stage, { grant_types: both }))
    const browser = stage.browser()
    const first = await app.signIn(browser)
    const next = await app.refresh(first.refreshToken)
    assert.equal(next.status, 200)
    assert.notEqual(next.refreshToken, first.refreshToken)
    const known = await browser.open(app.authorizePath().path)
    assert.notEqual(known.leftTo, null, 'who can prove its name is remembered')
  })

  it('signs people in and stays signed in: an MCP client, public, on a port of the moment', async test => {
    const stage = await opened(test)
    const body = await registered(stage, {
      client_name: 'Tide Tables',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost:33418/callback'],
      grant_types: both,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    assert.equal(body['client_secret'], undefined)
    const app = await appOf(stage, body, { redirectUri: 'http://127.0.0.1:51234/callback' })
    const tokens = await app.redeem(await app.authorize(stage.browser(), { resource: 'https://mcp.example/' }))
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
    const next = await app.refresh(tokens.refreshToken, { resource: 'https://mcp.example/' })
    assert.equal(next.status, 200)
    assert.notEqual(next.refreshToken, tokens.refreshToken)
  })

  it('registers from a page on another site, without cookies', async test => {
    const stage = await opened(test)
    const origin = 'https://inspector.example'
    const preflight = await stage.send('/register', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /content-type/)
    const headers = { origin, 'content-type': 'application/json' }
    const body = JSON.stringify({ redirect_uris: [appRedirect] })
    const response = await stage.send('/register', { method: 'POST', headers, body })
    assert.equal(response.status, 201)
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.equal(response.headers.get('access-control-allow-credentials'), null)
  })

  it('leaves one event for each thing that happens to it', async test => {
    const stage = await opened(test)
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme' })
    const body = await registered(stage, {}, { token: secret })
    await manage(stage, 'PUT', body)
    await manage(stage, 'GET', body)
    const events = (await stage.pawl.store.events.latest(20)).filter(({ clientId }) => clientId === body['client_id'])
    assert.deepEqual(events.map(({ kind }) => kind).toSorted(), ['client_added', 'client_changed'])
    const added = events.find(({ kind }) => kind === 'client_added')
    assert.deepEqual(added?.detail, { ...added?.detail, came: 'registered', vouched_by: 'acme', kind: 'web' })
  })

  it('finds the keys published that it names, before it is signed anything, and waits until others know them', async test => {
    const stage = await opened(test, { issuer: 'https://id.example', registration: 'open' })
    const algorithms = async (): Promise<readonly unknown[]> => {
      const { keys } = (await (await stage.send('/jwks')).json()) as { readonly keys: readonly Members[] }
      return keys.map(({ alg }) => alg)
    }
    for (const alg of ['EdDSA', 'PS256']) assert.equal((await algorithms()).includes(alg), false, alg)
    const names = { id_token_signed_response_alg: 'EdDSA', userinfo_signed_response_alg: 'PS256' }
    const body = await registered(stage, { ...names, grant_types: both })
    for (const alg of ['EdDSA', 'PS256']) assert.ok((await algorithms()).includes(alg), alg)
    const app = await appOf(stage, body)
    const early = await app.redeem(await app.authorize(stage.browser()))
    assert.deepEqual([early.status, early.accessToken], [503, ''])
    stage.clock.advanceSeconds(publishSecondsMin)
    const tokens = await app.signIn(stage.browser())
    assert.equal(decodeProtectedHeader(String(tokens.body['id_token'])).alg, 'EdDSA')

    const changed = {
      client_id: body['client_id'],
      redirect_uris: [appRedirect],
      id_token_signed_response_alg: 'ML-DSA-44',
    }
    assert.equal((await manage(stage, 'PUT', body, { metadata: changed })).status, 200)
    assert.ok((await algorithms()).includes('ML-DSA-44'))
  })

  it('is asked for a new secret when it comes to use one, and keeps none when it does not', async test => {
    const stage = await opened(test)
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] }
    const keyed = { redirect_uris: [appRedirect], token_endpoint_auth_method: 'private_key_jwt', jwks }
    const body = await registered(stage, keyed)
    assert.equal(body['client_secret'], undefined)
    const id = body['client_id']
    const secret = await manage(stage, 'PUT', body, { metadata: { client_id: id, redirect_uris: [appRedirect] } })
    assert.match(String(secret.body['client_secret']), /^pawl_cs_/)
    const none = await manage(stage, 'PUT', secret.body, { metadata: { client_id: id, ...keyed } })
    assert.equal(none.body['client_secret'], undefined)
    assert.deepEqual((await clientOf(stage, id)).secretHashes, [])
  })
})

describe('openid-client', () => {
  it('registers itself and signs a person in, with and without an initial access token', async test => {
    const stage = await opened(test, { registration: 'token' })
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'library', uses: 1 })
    const send: client.CustomFetch = (url, { method, headers, body }) => {
      const { pathname, search } = new URL(url)
      return stage.send(pathname + search, { method, headers, body: body as BodyInit | null })
    }
    const options = { [client.customFetch]: send, execute: [client.allowInsecureRequests] }
    const metadata = { redirect_uris: [appRedirect], grant_types: both, client_name: 'Library' }
    const issuer = new URL(stage.issuer)
    await assert.rejects(client.dynamicClientRegistration(issuer, metadata, undefined, options))

    const config = await client.dynamicClientRegistration(issuer, metadata, client.ClientSecretBasic(), {
      ...options,
      initialAccessToken: secret,
    })
    const verifier = client.randomPKCECodeVerifier()
    const nonce = client.randomNonce()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: appRedirect,
      scope: 'openid email offline_access',
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const browser = stage.browser()
    const back = await agree(browser, await browser.open(url.pathname + url.search))
    const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, idTokenExpected: true }
    const tokens = await client.authorizationCodeGrant(config, back, checks)
    assert.equal(tokens.claims()?.aud, config.clientMetadata().client_id)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.notEqual(next.refresh_token, tokens.refresh_token)
  })
})

describe('the metadata', () => {
  it('tells of registration and of documents while they are on', async test => {
    const told = async (settings: { readonly [name: string]: unknown }): Promise<readonly unknown[]> => {
      const stage = await opened(test, settings)
      const about = (await (await stage.send('/.well-known/openid-configuration')).json()) as Members
      return [about['registration_endpoint'] !== undefined, about['client_id_metadata_document_supported']]
    }
    assert.deepEqual(await told({}), [true, true])
    assert.deepEqual(await told({ registration: 'off' }), [false, true])
    assert.deepEqual(await told({ clientDocumentHosts: [] }), [true, undefined])
  })
})
