/**
 * What `openid-client` makes of tokens for one key, with its own checks on: DPoP with and without nonces, and client
 * certificates on a port that asks for them. Servers are processes, clients are registered with the command line.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { tlsFetch } from './network/tls-fetch.ts'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, startServer } from './processes/server-process.ts'
import { openTlsGround } from './processes/tls-flags.ts'
import { agree } from './stage/app.ts'
import { browser as browserOn, type Ground, stagePassword } from './stage/browser.ts'

const redirectUri = 'https://app.example/cb'
const scope = 'openid email offline_access'
const spaFlags = ['--kind', 'spa', '--redirect', redirectUri, '--refresh']

describe('openid-client with DPoP', () => {
  for (const flags of [[], ['--dpop-nonces']]) {
    const about = flags.length === 0 ? 'without nonces' : 'with a nonce in every proof'
    it(`signs in, refreshes and reads userinfo as a single-page application, ${about}`, async test => {
      const { config, browser } = await openDpopScene(test, flags)
      const DPoP = await newHandle(config)
      const { url, checks } = await asked(config)
      const callback = await agree(browser, await browser.open(url.pathname + url.search))
      const first = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
      assert.equal(first.token_type, 'dpop')
      const second = await client.refreshTokenGrant(config, first.refresh_token ?? '', undefined, { DPoP })
      assert.notEqual(second.refresh_token, first.refresh_token)
      const again = await client.refreshTokenGrant(config, first.refresh_token ?? '', undefined, { DPoP })
      assert.equal(again.refresh_token, second.refresh_token, 'a repeat for the same key')
      const subject = second.claims()?.sub ?? client.skipSubjectCheck
      const info = await client.fetchUserInfo(config, second.access_token, subject, { DPoP })
      assert.equal(info.email, 'ada@example.com')
      const thief = await newHandle(config)
      const stolen = client.refreshTokenGrant(config, second.refresh_token ?? '', undefined, { DPoP: thief })
      await assert.rejects(stolen, isOAuthError('invalid_grant'))
      const bare = client.refreshTokenGrant(config, second.refresh_token ?? '')
      await assert.rejects(bare, isOAuthError('invalid_dpop_proof'))
    })
  }

  it('binds a pushed request to its key, and redeems the code with no other', async test => {
    const { config, browser } = await openDpopScene(test, [])
    const [DPoP, other] = [await newHandle(config), await newHandle(config)]
    const { parameters, checks } = await asked(config)
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    const stolen = client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: other })
    await assert.rejects(stolen, isOAuthError('invalid_grant'))
    const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
  })

  for (const algorithm of ['ES256', 'Ed25519', 'PS256', 'RS256']) {
    it(`proves with ${algorithm}`, async test => {
      const { config, browser } = await openDpopScene(test, [])
      const DPoP = await newHandle(config, algorithm)
      const { url, checks } = await asked(config)
      const callback = await agree(browser, await browser.open(url.pathname + url.search))
      const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
      assert.equal(tokens.token_type, 'dpop')
    })
  }
})

describe('openid-client with a certificate', () => {
  it('is known by it, gets tokens bound to it, and keeps its refresh token', async test => {
    const { config, browser, metadata, stranger } = await openTlsScene(test)
    assert.notEqual(new URL(metadata.mtls_endpoint_aliases?.token_endpoint ?? '').port, new URL(metadata.issuer).port)
    const { url, checks } = await asked(config)
    const callback = await agree(browser, await browser.open(url.pathname + url.search))
    const first = await client.authorizationCodeGrant(config, callback, checks)
    assert.equal(first.token_type, 'bearer')
    const { cnf } = decodeJwt(first.access_token) as { readonly cnf?: { readonly [name: string]: string } }
    assert.match(cnf?.['x5t#S256'] ?? '', /^[\w-]{43}$/)
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    assert.equal(second.refresh_token, first.refresh_token)
    const told = await client.tokenIntrospection(config, second.access_token)
    assert.deepEqual(told['cnf'], cnf)
    const info = await client.fetchUserInfo(config, second.access_token, second.claims()?.sub ?? '')
    assert.equal(info.email, 'ada@example.com')
    const stolen = client.fetchUserInfo(stranger, second.access_token, second.claims()?.sub ?? '')
    await assert.rejects(stolen, isUnauthenticated)
    const refused = client.refreshTokenGrant(stranger, first.refresh_token ?? '')
    await assert.rejects(refused, isUnauthenticated)
  })
})

async function openDpopScene(test: TestContext, flags: readonly string[]) {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data, flags })
  await addUser(data)
  await pawlJson(['client', 'add', 'page', '--data', data, ...spaFlags])
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  const config = await client.discovery(new URL(server.issuer), 'page', {}, client.None(), { execute })
  return { config, browser: browserOf(server) }
}

/** Two threads share both ports. */
async function openTlsScene(test: TestContext) {
  const data = await dataDirectory(test)
  const { flags, root, vouching } = await openTlsGround(data)
  const server = await startServer(test, { data, workers: 2, flags })
  await addUser(data)
  const asIntegration = ['--kind', 'integration', '--redirect', redirectUri, '--data', data]
  const byCertificate = ['--auth', 'tls_client_auth', '--tls-name', 'san_dns=ledger.example', '--certificate-bound']
  await pawlJson(['client', 'add', 'ledger', ...asIntegration, ...byCertificate])
  const configOf = async (name: string): Promise<client.Configuration> => {
    const certificate = await vouching.issue({ names: [{ type: 'dns', value: name }] })
    const fetched = tlsFetch({ authority: root, certificate }) as client.CustomFetch
    const options = { [client.customFetch]: fetched, execute: [client.enableNonRepudiationChecks] }
    const about = { use_mtls_endpoint_aliases: true }
    return client.discovery(new URL(server.issuer), 'ledger', about, client.TlsClientAuth(), options)
  }
  const fetchPage = tlsFetch({ authority: root })
  const ground: Ground = {
    issuer: server.issuer,
    send: (path, init = {}) => fetchPage(new URL(path, server.issuer).href, init),
  }
  const [config, stranger] = [await configOf('ledger.example'), await configOf('stranger.example')]
  return { config, stranger, browser: browserOn(ground, '127.0.0.1'), metadata: config.serverMetadata() }
}

async function addUser(data: string): Promise<void> {
  const words = ['user', 'add', 'ada@example.com', '--password-stdin', '--email-verified', '--data', data]
  await pawlJson(words, { stdin: `${stagePassword}\n` })
}

async function newHandle(config: client.Configuration, algorithm = 'ES256'): Promise<client.DPoPHandle> {
  return client.getDPoPHandle(config, await client.randomDPoPKeyPair(algorithm))
}

async function asked(config: client.Configuration) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
  return { url: client.buildAuthorizationUrl(config, parameters), parameters, checks }
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof client.WWWAuthenticateChallengeError && error.status === 401
}

function isOAuthError(code: string): (error: unknown) => boolean {
  return error => error instanceof client.ResponseBodyError && error.error === code
}
