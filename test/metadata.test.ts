/** The metadata lists what is on, and nothing else (RFC 8414, OIDC Discovery §3, §4). */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { authMethods } from '../packages/server/src/domain/client/client.ts'
import { jwksCacheSeconds, publishSecondsMin, relistSeconds } from '../packages/server/src/domain/keys/signing-keys.ts'
import type { App } from './stage/app.ts'
import { idTokenOf } from './stage/id-token.ts'
import { openStage, type Stage } from './stage/stage.ts'

type Metadata = { readonly [name: string]: unknown }

const documents = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'] as const

describe('the metadata', () => {
  it('names the issuer and its own endpoints, each of which is there', async () => {
    const { stage } = await opened()
    for (const path of documents) {
      const metadata = await read(stage, path)
      assert.equal(metadata['issuer'], stage.issuer)
      for (const [name, url] of Object.entries(metadata).filter(([each]) => /_endpoint$|_uri$/.test(each))) {
        const { origin, pathname, search } = new URL(String(url))
        assert.deepEqual([origin, search], [stage.issuer, ''], name)
        assert.notEqual((await stage.send(pathname, { method: 'POST' })).status, 404, name)
      }
    }
    await stage.close()
  })

  it('is one and the same at both addresses, with all that OpenID and OAuth ask for', async () => {
    const { stage } = await opened()
    const openid = await read(stage, documents[0])
    assert.deepEqual(await read(stage, documents[1]), openid)
    const required = [
      'authorization_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
      'end_session_endpoint',
      'jwks_uri',
      'response_types_supported',
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
    ]
    for (const name of required) assert.ok(name in openid, name)
    await stage.close()
  })

  it('may be kept by anyone for as long as the publish rule of keys allows', async () => {
    const { stage } = await opened()
    assert.ok(publishSecondsMin > jwksCacheSeconds)
    for (const path of [...documents, '/jwks']) {
      const answer = await stage.send(path, { headers: { origin: 'https://anybody.example' } })
      assert.equal(answer.headers.get('cache-control'), `public, max-age=${jwksCacheSeconds}`)
      assert.equal(answer.headers.get('content-type'), 'application/json')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal((await stage.send(path, { method: 'POST' })).status, 405)
    }
    await stage.close()
  })

  it('lists the grant types the token endpoint knows, and it knows no other', async () => {
    const { stage, app } = await opened()
    const listed = listOf(await read(stage, documents[1]), 'grant_types_supported')
    const device = 'urn:ietf:params:oauth:grant-type:device_code'
    const all = [...listed, 'password', 'implicit', device, 'urn:ietf:params:oauth:grant-type:token-exchange']
    for (const grant_type of all) {
      const body = (await (await app.post('/token', { grant_type })).json()) as Metadata
      assert.equal(body['error'] === 'unsupported_grant_type', !listed.includes(grant_type), grant_type)
    }
    await stage.close()
  })

  it('lists the response types, modes, prompts and challenge methods that work', async () => {
    const { stage, app } = await opened()
    const metadata = await read(stage, documents[0])
    const cases = [
      ['response_type', 'response_types_supported', ['token', 'id_token', 'code id_token']],
      ['response_mode', 'response_modes_supported', ['fragment', 'fragment.jwt']],
      ['code_challenge_method', 'code_challenge_methods_supported', ['plain']],
      ['prompt', 'prompt_values_supported', ['create']],
    ] as const
    for (const [parameter, name, others] of cases) {
      for (const value of listOf(metadata, name))
        assert.equal(await isRefused(stage, app, { [parameter]: value }), false, value)
      for (const value of others) assert.equal(await isRefused(stage, app, { [parameter]: value }), true, value)
    }
    for (const scope of listOf(metadata, 'scopes_supported'))
      assert.equal(await isRefused(stage, app, { scope }), false, scope)
    await stage.close()
  })

  it('lists the client authentication that works', async () => {
    const { stage } = await opened()
    const metadata = await read(stage, documents[1])
    const methods = listOf(metadata, 'token_endpoint_auth_methods_supported')
    // Nobody hands client certificates on here, so what looks at them is not listed.
    assert.deepEqual(
      methods,
      authMethods.filter(each => !each.includes('tls')),
    )
    assert.deepEqual(metadata['revocation_endpoint_auth_methods_supported'], methods)
    assert.deepEqual(
      metadata['introspection_endpoint_auth_methods_supported'],
      methods.filter(each => each !== 'none'),
    )
    for (const endpoint of ['token', 'revocation', 'introspection']) {
      const algorithms = listOf(metadata, `${endpoint}_endpoint_auth_signing_alg_values_supported`)
      assert.ok(['ES256', 'PS256', 'EdDSA', 'HS256'].every(each => algorithms.includes(each)))
      assert.ok(!algorithms.includes('none'))
    }
    // Those that sign, show certificates or are vouched for are played in `attacks/ca-*.test.ts`.
    for (const auth of ['none', 'client_secret_basic', 'client_secret_post']) {
      const kind = auth === 'none' ? 'native' : 'web'
      const client = {
        id: `by-${auth}`,
        kind,
        redirectUris: ['https://a.example/cb'],
        ...(auth === 'none' ? {} : { auth }),
      }
      const app = stage.app(await stage.addClient(client))
      assert.equal((await app.signIn(stage.browser())).status, 200, auth)
      assert.equal((await app.post('/introspect', { token: 'x' })).status, auth === 'none' ? 401 : 200, auth)
    }
    await stage.close()
  })

  it('lists the algorithms that sign, the acr that is reached, and the claims that ID tokens have', async () => {
    const { stage, app } = await opened()
    const metadata = await read(stage, documents[0])
    const algorithms = listOf(metadata, 'id_token_signing_alg_values_supported')
    // The first key of most algorithms is made once a client wants it.
    for (const idTokenAlgorithm of algorithms.toReversed()) {
      await changeClient(stage.workbench, 'shop', { idTokenAlgorithm })
    }
    stage.clock.advanceSeconds(relistSeconds)
    const jwks = (await (await stage.send('/jwks')).json()) as { readonly keys: readonly Metadata[] }
    const keys = jwks.keys.filter(key => key['use'] === 'sig')
    assert.deepEqual(new Set(keys.map(key => key['alg'])), new Set(algorithms))
    for (const key of keys) assert.equal('d' in key, false)
    const claims = await idTokenOf(stage, await app.signIn(stage.browser()), 'shop')
    assert.ok(listOf(metadata, 'acr_values_supported').includes(String(claims['acr'])))
    for (const name of Object.keys(claims)) assert.ok(listOf(metadata, 'claims_supported').includes(name), name)
    await stage.close()
  })

  it('says what is there and what is not: request objects by value, and request URIs of pushed requests alone', async () => {
    const { stage, app } = await opened()
    const metadata = await read(stage, documents[0])
    assert.equal(metadata['request_parameter_supported'], true)
    assert.equal(metadata['request_uri_parameter_supported'], false)
    assert.equal(metadata['claims_parameter_supported'], true)
    assert.equal(await isRefused(stage, app, { request_uri: 'urn:x' }), true)
    for (const path of ['/check_session', '/bc-authorize'])
      assert.equal((await stage.send(path, { method: 'POST' })).status, 404)
    await stage.close()
  })

  it('announces retry keys and lifetimes', async () => {
    const { stage } = await opened()
    for (const path of documents) {
      const metadata = await read(stage, path)
      assert.deepEqual(metadata['refresh_token_retry_keys_supported'], ['rk1'])
      assert.deepEqual(metadata['refresh_token_expiration_types_supported'], ['authorization', 'token_timeout'])
    }
    await stage.close()
  })
})

async function opened(): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage()
  await stage.addUser()
  return {
    stage,
    app: stage.app(await stage.addClient({ id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'] })),
  }
}

async function read(stage: Stage, path: string): Promise<Metadata> {
  return (await (await stage.send(path)).json()) as Metadata
}

function listOf(metadata: Metadata, name: string): readonly string[] {
  const list = metadata[name]
  assert.ok(Array.isArray(list) && list.length > 0, name)
  return list.map(String)
}

/** True where the request comes back with an error; a page, a form or login_required says that it was understood. */
async function isRefused(stage: Stage, app: App, fields: { readonly [name: string]: string }): Promise<boolean> {
  const { leftTo } = await stage.browser().open(app.authorizePath(fields).path)
  const error = leftTo?.searchParams.get('error') ?? null
  return error !== null && error !== 'login_required'
}
