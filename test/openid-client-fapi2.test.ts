/**
 * `openid-client` as a client of FAPI 2.0, from the flags of the command line to a revoked token, with its own checks on:
 * private_key_jwt with DPoP, and mTLS with mTLS on the port that asks for certificates.
 */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt, exportJWK } from 'jose'
import * as client from 'openid-client'
import { tlsFetch } from './network/tls-fetch.ts'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, startServer } from './processes/server-process.ts'
import { openTlsGround } from './processes/tls-flags.ts'
import { agree } from './stage/app.ts'
import { type Browser, browser as browserOn, type Ground, stagePassword } from './stage/browser.ts'

const redirectUri = 'https://bank.example/cb'
const asBank = ['client', 'add', 'bank', '--kind', 'web', '--redirect', redirectUri, '--profile', 'fapi2']
const signing = ['--require-signed-requests', '--introspection-alg', 'ES256']

interface Scene {
  readonly config: client.Configuration
  readonly browser: Browser
  /** Of the client; what it signs with. */
  readonly key: client.CryptoKey
  readonly registered: { readonly [name: string]: unknown }
}

describe('openid-client of FAPI 2.0', () => {
  it('pushes, proves and keeps its refresh token by private_key_jwt and DPoP, with a nonce in every proof', async test => {
    const { config, browser, registered } = await openDpopScene(test, { serverFlags: ['--dpop-nonces'] })
    assert.deepEqual(
      [registered['profile'], registered['token_endpoint_auth_method'], registered['dpop_bound_access_tokens']],
      ['fapi2', 'private_key_jwt', true],
    )
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const { parameters, checks } = await asked()
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    assert.deepEqual([...url.searchParams.keys()].toSorted(), ['client_id', 'request_uri'])
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    assert.equal(callback.searchParams.get('iss'), config.serverMetadata().issuer)
    const first = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
    assert.equal(first.token_type, 'dpop')
    await assertLives(config, first, { DPoP })
  })

  it('shows its certificate for itself and for its tokens, by mTLS and mTLS', async test => {
    const { config, browser, registered } = await openTlsScene(test)
    assert.deepEqual(
      [registered['token_endpoint_auth_method'], registered['tls_client_certificate_bound_access_tokens']],
      ['tls_client_auth', true],
    )
    const { parameters, checks } = await asked()
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    const first = await client.authorizationCodeGrant(config, callback, checks)
    const { cnf } = decodeJwt(first.access_token) as { readonly cnf?: { readonly [name: string]: string } }
    assert.match(cnf?.['x5t#S256'] ?? '', /^[\w-]{43}$/)
    await assertLives(config, first, {})
  })

  it('signs its request and has its answer signed, as Message Signing asks', async test => {
    const { config, browser, key } = await openDpopScene(test, { clientFlags: signing })
    client.useJwtResponseMode(config)
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const { parameters, checks } = await asked()
    const signed = await client.buildAuthorizationUrlWithJAR(config, { ...parameters, response_mode: 'jwt' }, key)
    const url = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP })
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    assert.deepEqual([...callback.searchParams.keys()], ['response'])
    const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, true)
  })

  it('is told what it lacks when it comes as it would elsewhere', async test => {
    const { config, browser } = await openDpopScene(test, {})
    const { parameters, checks } = await asked()
    const plain = client.buildAuthorizationUrl(config, parameters)
    const { leftTo } = await browser.open(plain.pathname + plain.search)
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    const bearer = client.authorizationCodeGrant(config, callback, checks)
    await assert.rejects(bearer, error => {
      return error instanceof client.ResponseBodyError && error.error === 'invalid_dpop_proof'
    })
  })
})

/** Everything that a client does with its tokens once it has them. */
async function assertLives(
  config: client.Configuration,
  first: Awaited<ReturnType<typeof client.authorizationCodeGrant>>,
  means: { readonly DPoP?: client.DPoPHandle },
): Promise<void> {
  const subject = first.claims()?.sub ?? ''
  const second = await client.refreshTokenGrant(config, first.refresh_token ?? '', undefined, means)
  const third = await client.refreshTokenGrant(config, first.refresh_token ?? '', undefined, means)
  assert.deepEqual([second.refresh_token, third.refresh_token], [first.refresh_token, first.refresh_token])
  const info = await client.fetchUserInfo(config, third.access_token, subject, means)
  assert.equal(info.email, 'ada@example.com')
  assert.equal((await client.tokenIntrospection(config, third.access_token)).active, true)
  await client.tokenRevocation(config, first.refresh_token ?? '')
  assert.equal((await client.tokenIntrospection(config, third.access_token)).active, false)
}

async function openDpopScene(
  test: TestContext,
  { serverFlags = [], clientFlags = [] }: { serverFlags?: readonly string[]; clientFlags?: readonly string[] },
): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data, flags: serverFlags })
  await addUser(data)
  const { publicKey, privateKey } = await client.randomDPoPKeyPair('ES256', { extractable: true })
  const jwks = join(data, 'bank.json')
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] }))
  const registered = await pawlJson([...asBank, '--jwks', jwks, '--data', data, ...clientFlags])
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  const config = await client.discovery(new URL(server.issuer), 'bank', {}, client.PrivateKeyJwt(privateKey), {
    execute,
  })
  return { config, browser: browserOf(server), key: privateKey, registered: registered as Scene['registered'] }
}

async function openTlsScene(test: TestContext): Promise<Omit<Scene, 'key'>> {
  const data = await dataDirectory(test)
  const { flags, root, vouching } = await openTlsGround(data)
  const server = await startServer(test, { data, flags })
  await addUser(data)
  const registered = await pawlJson([...asBank, '--tls-name', 'san_dns=bank.example', '--data', data])
  const certificate = await vouching.issue({ names: [{ type: 'dns', value: 'bank.example' }] })
  const fetched = tlsFetch({ authority: root, certificate }) as client.CustomFetch
  const options = { [client.customFetch]: fetched, execute: [client.enableNonRepudiationChecks] }
  const about = { use_mtls_endpoint_aliases: true }
  const config = await client.discovery(new URL(server.issuer), 'bank', about, client.TlsClientAuth(), options)
  const fetchPage = tlsFetch({ authority: root })
  const ground: Ground = {
    issuer: server.issuer,
    send: (path, init = {}) => fetchPage(new URL(path, server.issuer).href, init),
  }
  return { config, browser: browserOn(ground, '127.0.0.1'), registered: registered as Scene['registered'] }
}

async function addUser(data: string): Promise<void> {
  const words = ['user', 'add', 'ada@example.com', '--password-stdin', '--email-verified', '--data', data]
  await pawlJson(words, { stdin: `${stagePassword}\n` })
}

async function asked() {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: redirectUri,
    scope: 'openid email offline_access',
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
  return { parameters, checks }
}
