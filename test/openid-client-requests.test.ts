/**
 * What `openid-client` makes of pushed and signed requests and of signed answers, with its own checks on. Clients are
 * registered with the command line, keys and all, and used from what it prints.
 */

import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { exportJWK } from 'jose'
import * as client from 'openid-client'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, startServer } from './processes/server-process.ts'
import { agree } from './stage/app.ts'
import { type Browser, formOf, stagePassword } from './stage/browser.ts'

const redirectUri = 'https://app.example/cb'
const email = 'ada@example.com'

describe('openid-client', () => {
  it('pushes a request and signs a person in with it, once', async test => {
    const { config, browser } = await openScene(test, ['--require-par'])
    const { parameters, checks } = await asked()
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
    assert.deepEqual([...url.searchParams.keys()].toSorted(), ['client_id', 'request_uri'])
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    assert.equal((await client.authorizationCodeGrant(config, callback, checks)).claims()?.aud, 'shop')
    assert.equal((await browser.open(url.pathname + url.search)).status, 400)
  })

  it('is told at the push what is wrong with a request', async test => {
    const { config } = await openScene(test)
    const { parameters } = await asked({ scope: 'openid admin' })
    await assert.rejects(client.buildAuthorizationUrlWithPAR(config, parameters), isOAuthError('invalid_scope'))
  })

  for (const algorithm of ['ES256', 'PS256', 'RS256', 'Ed25519'] as const) {
    it(`signs its request with ${algorithm}, in the query and in a push`, async test => {
      const flags = ['--require-signed-requests', '--request-alg', algorithm]
      const { config, browser, key } = await openScene(test, flags, algorithm)
      const first = await asked()
      const signed = await client.buildAuthorizationUrlWithJAR(config, first.parameters, key)
      assert.deepEqual([...signed.searchParams.keys()].toSorted(), ['client_id', 'request'])
      const callback = await agree(browser, await browser.open(signed.pathname + signed.search))
      assert.equal((await client.authorizationCodeGrant(config, callback, first.checks)).claims()?.aud, 'shop')
      const second = await asked()
      const object = await client.buildAuthorizationUrlWithJAR(config, second.parameters, key)
      const pushed = await client.buildAuthorizationUrlWithPAR(config, object.searchParams)
      const again = await agree(browser, await browser.open(pushed.pathname + pushed.search))
      assert.equal((await client.authorizationCodeGrant(config, again, second.checks)).claims()?.aud, 'shop')
    })
  }

  it('takes signed answers, granted and refused, by redirect', async test => {
    const { config, browser } = await openScene(test, ['--response-alg', 'ES256'])
    client.useJwtResponseMode(config)
    const { parameters, checks } = await asked()
    const url = client.buildAuthorizationUrl(config, parameters)
    assert.equal(url.searchParams.get('response_mode'), 'jwt')
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    assert.deepEqual([...callback.searchParams.keys()], ['response'])
    assert.equal((await client.authorizationCodeGrant(config, callback, checks)).claims()?.aud, 'shop')
    const silent = await asked({ prompt: 'none', scope: 'openid address' })
    const refusal = client.buildAuthorizationUrl(config, silent.parameters)
    const { leftTo } = await browser.open(refusal.pathname + refusal.search)
    assert.ok(leftTo !== null)
    await assert.rejects(client.authorizationCodeGrant(config, leftTo, silent.checks), error => {
      return error instanceof client.AuthorizationResponseError && error.error === 'consent_required'
    })
  })

  it('takes a signed answer by form', async test => {
    const { config, browser } = await openScene(test)
    client.useJwtResponseMode(config)
    const { parameters, checks } = await asked({ response_mode: 'form_post.jwt' })
    const url = client.buildAuthorizationUrl(config, parameters)
    url.searchParams.set('response_mode', 'form_post.jwt')
    const page = await browser.decide(
      await browser.signIn(await browser.open(url.pathname + url.search), email),
      'allow',
    )
    const form = formOf(page, {})
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const posted = new Request(form.action, { method: 'POST', headers, body: form.body })
    assert.equal((await client.authorizationCodeGrant(config, posted, checks)).claims()?.aud, 'shop')
  })

  it('asks for authorization details by push, gets them back, and takes some away when it refreshes', async test => {
    const { config, browser, data } = await openScene(test, ['--details-type', 'files'])
    const document = join(data, 'files.json')
    writeFileSync(document, JSON.stringify(filesType))
    await pawlJson(['details', 'put', document, '--data', data])
    const details = [{ type: 'files', actions: ['read', 'write'], path: '/pictures' }]
    const { parameters, checks } = await asked({ authorization_details: JSON.stringify(details) })
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
    const page = await browser.signIn(await browser.open(url.pathname + url.search), email)
    assert.match(page.body, /Use your files in <strong><bdi>\/pictures<\/bdi><\/strong>/)
    const { leftTo } = await browser.decide(page, 'allow')
    assert.ok(leftTo !== null)
    const tokens = await client.authorizationCodeGrant(config, leftTo, checks)
    assert.deepEqual(tokens.authorization_details, details)
    const less = [{ type: 'files', actions: ['read'], path: '/pictures' }]
    const fewer = { authorization_details: JSON.stringify(less) }
    const narrow = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', fewer)
    assert.deepEqual(narrow.authorization_details, less)
    assert.deepEqual((await client.tokenIntrospection(config, narrow.access_token)).authorization_details, less)
    const other = { authorization_details: JSON.stringify([{ ...less[0], path: '/' }]) }
    const refused = client.refreshTokenGrant(config, narrow.refresh_token ?? '', other)
    await assert.rejects(refused, isOAuthError('invalid_authorization_details'))
  })

  it('does all of it together, as FAPI 2.0 Message Signing asks', async test => {
    const flags = ['--require-par', '--require-signed-requests', '--response-alg', 'ES256']
    const { config, browser, key } = await openScene(test, flags)
    client.useJwtResponseMode(config)
    const { parameters, checks } = await asked()
    const object = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
    const url = await client.buildAuthorizationUrlWithPAR(config, object.searchParams)
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    assert.deepEqual([...callback.searchParams.keys()], ['response'])
    assert.equal((await client.authorizationCodeGrant(config, callback, checks)).claims()?.aud, 'shop')
  })
})

type KeyAlgorithm = 'ES256' | 'PS256' | 'RS256' | 'Ed25519'

interface Scene {
  readonly config: client.Configuration
  readonly browser: Browser
  readonly key: client.CryptoKey
  readonly data: string
}

const filesType = {
  type: 'files',
  sentence: 'Use your files in {path}',
  schema: {
    type: 'object',
    required: ['path', 'actions'],
    properties: {
      path: { type: 'string' },
      actions: { type: 'array', items: { type: 'string', enum: ['read', 'write'] } },
    },
  },
}

async function openScene(
  test: TestContext,
  flags: readonly string[] = [],
  algorithm: KeyAlgorithm = 'ES256',
): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  await pawlJson(['user', 'add', email, '--password-stdin', '--data', data], { stdin: `${stagePassword}\n` })
  const { publicKey, privateKey } = await keyPair(algorithm)
  const jwks = join(data, 'client-keys.json')
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), use: 'sig', alg: algorithm }] }))
  const words = ['client', 'add', 'shop', '--data', data, '--kind', 'web', '--redirect', redirectUri, '--jwks', jwks]
  const { client_secret: secret } = (await pawlJson([...words, ...flags])) as { readonly client_secret: string }
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  const config = await client.discovery(new URL(server.issuer), 'shop', {}, client.ClientSecretBasic(secret), {
    execute,
  })
  return { config, browser: browserOf(server), key: privateKey, data }
}

async function keyPair(algorithm: KeyAlgorithm): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(generation[algorithm], true, ['sign', 'verify'])) as CryptoKeyPair
}

const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
const generation = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', ...rsa },
  RS256: { name: 'RSASSA-PKCS1-v1_5', ...rsa },
  Ed25519: { name: 'Ed25519' },
} as const

async function asked(fields: { readonly [name: string]: string } = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: redirectUri,
    scope: 'openid profile offline_access',
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...fields,
  }
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
  return { parameters, checks }
}

function isOAuthError(code: string): (error: unknown) => boolean {
  return error => error instanceof client.ResponseBodyError && error.error === code
}
