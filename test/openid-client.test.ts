/**
 * What `openid-client` makes of a real server: every flow with its own checks on, and with no setting but the one that lets
 * it speak plain http to this machine. Clients are registered with the command line and used from what it prints.
 */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { signingAlgorithms } from '../packages/server/src/domain/client/signing-algorithm.ts'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from './processes/server-process.ts'
import { agree } from './stage/app.ts'
import { type Browser, formOf, stagePassword } from './stage/browser.ts'

const redirectUri = 'https://app.example/cb'
const returnUri = 'https://app.example/signed-out'
const email = 'ada@example.com'
const scope = 'openid profile email offline_access'

describe('openid-client', () => {
  it('discovers the server by either document, from the issuer alone', async test => {
    const { server, register } = await openScene(test)
    const { client_id: clientId, client_secret: secret } = await register('shop', webFlags)
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const options = { execute: [client.allowInsecureRequests], algorithm }
      const config = await client.discovery(new URL(server.issuer), clientId, secret, undefined, options)
      const metadata = config.serverMetadata()
      assert.equal(metadata.issuer, server.issuer)
      assert.equal(metadata.supportsPKCE(), true)
      assert.deepEqual(metadata.id_token_signing_alg_values_supported, signingAlgorithms)
      assert.equal(metadata.authorization_response_iss_parameter_supported, true)
      for (const endpoint of endpoints) {
        const url = metadata[endpoint]
        assert.equal(typeof url === 'string' && new URL(url).origin, server.issuer, endpoint)
      }
    }
  })

  it('signs a person in with PKCE, state, nonce and max_age, and verifies every signature', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { tokens, nonce } = await signIn(config, browser, { max_age: '300' })
    const claims = tokens.claims()
    assert.ok(claims !== undefined && tokens.id_token !== undefined)
    assert.equal(claims.nonce, nonce)
    assert.equal(claims.aud, 'shop')
    assert.equal(typeof claims.auth_time, 'number')
    assert.equal(decodeProtectedHeader(tokens.id_token).alg, 'ES256')
    // OIDC Core §3.1.3.6: the left half of the hash, under the ID token's own algorithm.
    const half = hash('sha256', tokens.access_token, 'buffer').subarray(0, 16)
    assert.equal(claims['at_hash'], half.toString('base64url'))
    assert.equal(tokens.token_type, 'bearer')
    assert.equal(tokens.scope, scope)
  })

  it('refuses an answer that is not the one it asked for', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { callbackUrl, checks } = await authorize(config, browser)
    const otherIssuer = new URL(callbackUrl)
    otherIssuer.searchParams.set('iss', 'https://another.example')
    await assert.rejects(client.authorizationCodeGrant(config, otherIssuer, checks), isCausedBy(/"iss"/))
    const otherState = client.authorizationCodeGrant(config, callbackUrl, { ...checks, expectedState: 'another' })
    await assert.rejects(otherState, isCausedBy(/"state"/))
    const otherNonce = client.authorizationCodeGrant(config, callbackUrl, { ...checks, expectedNonce: 'another' })
    await assert.rejects(otherNonce, isCausedBy(/"nonce"/))
  })

  it('is told by redirect that a silent sign-in is not possible', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { url, checks } = await request(config, { prompt: 'none' })
    const page = await browser.open(url.pathname + url.search)
    assert.ok(page.leftTo !== null)
    const refused = client.authorizationCodeGrant(config, page.leftTo, checks)
    await assert.rejects(refused, error => {
      return error instanceof client.AuthorizationResponseError && error.error === 'login_required'
    })
  })

  it('takes a code by form_post', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { url, checks } = await request(config, { response_mode: 'form_post' })
    const asked = await browser.signIn(await browser.open(url.pathname + url.search), email)
    const form = formOf(await browser.decide(asked, 'allow'), {})
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const posted = new Request(form.action, { method: 'POST', headers, body: form.body })
    const tokens = await client.authorizationCodeGrant(config, posted, checks)
    assert.equal(tokens.claims()?.aud, 'shop')
  })

  it('refreshes, with less scope and then with all of it again', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { tokens: first } = await signIn(config, browser)
    const narrow = await client.refreshTokenGrant(config, refreshTokenOf(first), { scope: 'openid email' })
    assert.equal(narrow.scope, 'openid email')
    const subject = subjectOf(first)
    assert.equal(narrow.claims()?.sub, subject)
    assert.equal(narrow.claims()?.auth_time, first.claims()?.auth_time)
    const seen = await client.fetchUserInfo(config, narrow.access_token, subject)
    assert.deepEqual([seen.email, seen.name], [email, undefined])
    const whole = await client.refreshTokenGrant(config, refreshTokenOf(narrow))
    assert.equal(whole.scope, scope)
    assert.equal((await client.fetchUserInfo(config, whole.access_token, subject)).name, 'Ada Lovelace')
    const wider = client.refreshTokenGrant(config, refreshTokenOf(whole), { scope: `${scope} phone` })
    await assert.rejects(wider, isOAuthError('invalid_scope'))
    assert.equal(typeof whole['refresh_token_timeout'], 'number')
    assert.equal(typeof whole['authorization_expires_in'], 'number')
  })

  it('reads userinfo for the person it signed in, and for nobody else', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { tokens } = await signIn(config, browser)
    const info = await client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens))
    assert.deepEqual([info.email, info.email_verified], [email, true])
    await assert.rejects(
      client.fetchUserInfo(config, tokens.access_token, 'somebody else'),
      /unexpected JSON attribute/,
    )
    const made = client.fetchUserInfo(config, 'made.up.token', subjectOf(tokens))
    await assert.rejects(made, error => error instanceof client.WWWAuthenticateChallengeError && error.status === 401)
  })

  it('introspects and revokes what it holds', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { tokens } = await signIn(config, browser)
    const told = await client.tokenIntrospection(config, tokens.access_token)
    assert.deepEqual([told.active, told.client_id, told.sub], [true, 'shop', subjectOf(tokens)])
    assert.equal((await client.tokenIntrospection(config, refreshTokenOf(tokens))).active, true)
    await client.tokenRevocation(config, refreshTokenOf(tokens))
    assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false })
    assert.deepEqual(await client.tokenIntrospection(config, refreshTokenOf(tokens)), { active: false })
    await assert.rejects(client.refreshTokenGrant(config, refreshTokenOf(tokens)), isOAuthError('invalid_grant'))
  })

  it('asks for a token in its own name', async test => {
    const { configure } = await openScene(test)
    const api = 'https://api.example'
    const flags = ['--kind', 'service', '--scope', 'stock.read', '--resource', api, '--audience', api]
    const config = await configure('warehouse', flags)
    const tokens = await client.clientCredentialsGrant(config, { scope: 'stock.read', resource: api })
    assert.equal(tokens.scope, 'stock.read')
    assert.equal(tokens.refresh_token, undefined)
    const told = await client.tokenIntrospection(config, tokens.access_token)
    assert.deepEqual([told.active, told.aud, told.client_id], [true, api, 'warehouse'])
  })

  it('takes RS256 ID tokens and sends its secret in the body where it is registered so', async test => {
    const { browser, configure } = await openScene(test)
    const flags = [...webFlags, '--auth', 'client_secret_post', '--id-token-alg', 'RS256']
    const config = await configure('shop', flags, 'client_secret_post')
    const { tokens } = await signIn(config, browser)
    assert.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'RS256')
    const next = await client.refreshTokenGrant(config, refreshTokenOf(tokens))
    assert.equal(decodeProtectedHeader(next.id_token ?? '').alg, 'RS256')
    assert.equal(next.claims()?.sub, subjectOf(tokens))
  })

  it('signs a public client in on a loopback port of its own', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('phone', ['--kind', 'native', '--redirect', 'http://127.0.0.1/cb'], 'none')
    const { tokens } = await signIn(config, browser, { redirect_uri: 'http://127.0.0.1:53682/cb' })
    const next = await client.refreshTokenGrant(config, refreshTokenOf(tokens))
    assert.notEqual(next.refresh_token, tokens.refresh_token)
  })

  it('signs a person out and gets them back with its state', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('shop', webFlags)
    const { tokens } = await signIn(config, browser)
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: returnUri,
      state: 'on the way out',
    })
    const { leftTo } = await browser.open(url.pathname + url.search)
    assert.equal(leftTo?.href, `${returnUri}?state=on+the+way+out`)
    const silent = await request(config, { prompt: 'none' })
    const page = await browser.open(silent.url.pathname + silent.url.search)
    assert.equal(page.leftTo?.searchParams.get('error'), 'login_required')
  })
})

const webFlags = ['--kind', 'web', '--redirect', redirectUri, '--post-logout-redirect', returnUri]
const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'userinfo_endpoint',
  'end_session_endpoint',
] as const

interface Registered {
  readonly client_id: string
  readonly client_secret?: string
}

type Authentication = 'client_secret_basic' | 'client_secret_post' | 'none'

interface Scene {
  readonly server: ServerProcess
  readonly browser: Browser
  readonly register: (id: string, flags: readonly string[]) => Promise<Registered>
  /** Registers a client and discovers the server for it, with the ID token's signature checked too. */
  readonly configure: (
    id: string,
    flags: readonly string[],
    authentication?: Authentication,
  ) => Promise<client.Configuration>
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const words = ['user', 'add', email, '--password-stdin', '--email-verified', '--claim', 'name=Ada Lovelace']
  await pawlJson([...words, '--data', data], { stdin: `${stagePassword}\n` })
  const register = async (id: string, flags: readonly string[]): Promise<Registered> =>
    (await pawlJson(['client', 'add', id, '--data', data, ...flags])) as Registered
  const configure: Scene['configure'] = async (id, flags, authentication = 'client_secret_basic') => {
    const { client_id: clientId, client_secret: secret } = await register(id, flags)
    const means = authenticationOf(authentication, secret ?? '')
    const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
    return client.discovery(new URL(server.issuer), clientId, {}, means, { execute })
  }
  return { server, browser: browserOf(server), register, configure }
}

function authenticationOf(authentication: Authentication, secret: string): client.ClientAuth {
  switch (authentication) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(secret)
    case 'client_secret_post':
      return client.ClientSecretPost(secret)
    case 'none':
      return client.None()
  }
}

type Fields = { readonly [name: string]: string }
type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>

interface Asked {
  readonly url: URL
  readonly checks: client.AuthorizationCodeGrantChecks
  readonly nonce: string
}

async function request(config: client.Configuration, fields: Fields = {}): Promise<Asked> {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...fields,
  })
  const maxAge = fields['max_age'] === undefined ? {} : { maxAge: Number(fields['max_age']) }
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
  return { url, checks: { ...checks, ...maxAge }, nonce }
}

async function authorize(
  config: client.Configuration,
  browser: Browser,
  fields: Fields = {},
): Promise<Asked & { readonly callbackUrl: URL }> {
  const asked = await request(config, fields)
  const callbackUrl = await agree(browser, await browser.open(asked.url.pathname + asked.url.search))
  return { ...asked, callbackUrl }
}

async function signIn(
  config: client.Configuration,
  browser: Browser,
  fields: Fields = {},
): Promise<{ readonly tokens: Tokens; readonly nonce: string }> {
  const { callbackUrl, checks, nonce } = await authorize(config, browser, fields)
  return { tokens: await client.authorizationCodeGrant(config, callbackUrl, checks), nonce }
}

function refreshTokenOf(tokens: client.TokenEndpointResponse): string {
  assert.ok(tokens.refresh_token !== undefined, 'there is no refresh token')
  return tokens.refresh_token
}

function subjectOf(tokens: Tokens): string {
  const subject = tokens.claims()?.sub
  assert.ok(subject !== undefined, 'there is no ID token')
  return subject
}

function isOAuthError(code: string): (error: unknown) => boolean {
  return error => error instanceof client.ResponseBodyError && error.error === code
}

/** The library's own words are general; what it found is the cause. */
function isCausedBy(pattern: RegExp): (error: unknown) => boolean {
  return error =>
    error instanceof client.ClientError && error.cause instanceof Error && pattern.test(error.cause.message)
}
