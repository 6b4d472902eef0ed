/** What `openid-client` makes of devices and token exchange, with no setting but the one that lets it speak plain http. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { browserOf } from './processes/registered.ts'
import { dataDirectory, pawlJson, startServer } from './processes/server-process.ts'
import { agree } from './stage/app.ts'
import { type Browser, stagePassword } from './stage/browser.ts'
import { answerDevice } from './stage/device.ts'

const email = 'ada@example.com'
const redirectUri = 'https://app.example/cb'
const scope = 'openid email offline_access'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const refreshTokenType = 'urn:ietf:params:oauth:token-type:refresh_token'
const orders = 'https://orders.example/'
const stock = 'https://stock.example/'

describe('openid-client on a device', () => {
  it('waits for the person, holds their tokens and refreshes them', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('tv', ['--kind', 'device'], client.None())
    const asked = await client.initiateDeviceAuthorization(config, { scope })
    assert.equal(asked.interval, 1)
    const waiting = client.pollDeviceAuthorizationGrant(config, asked)
    await answerDevice(browser, asked.user_code)
    const tokens = await waiting
    assert.equal(tokens.scope, scope)
    const subject = tokens.claims()?.sub ?? ''
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, subject)).email, email)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.notEqual(next.refresh_token, tokens.refresh_token)
  })

  it('binds its tokens to a DPoP key', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('tv', ['--kind', 'device'], client.None())
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const asked = await client.initiateDeviceAuthorization(config, { scope })
    await answerDevice(browser, asked.user_code)
    const tokens = await client.pollDeviceAuthorizationGrant(config, asked, undefined, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ''), isOAuthError('invalid_grant'))
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    assert.equal(next.token_type, 'dpop')
  })

  it('is told that the person said no', async test => {
    const { browser, configure } = await openScene(test)
    const config = await configure('tv', ['--kind', 'device'], client.None())
    const asked = await client.initiateDeviceAuthorization(config, { scope })
    await answerDevice(browser, asked.user_code, 'deny')
    await assert.rejects(client.pollDeviceAuthorizationGrant(config, asked), isOAuthError('access_denied'))
  })
})

describe('openid-client and token exchange', () => {
  it('branches a family, and asks for the same branch again', async test => {
    const { browser, configure } = await openScene(test)
    const flags = ['--kind', 'web', '--redirect', redirectUri, '--exchange', 'branching']
    const config = await configure('shop', flags)
    const tokens = await signIn(config, browser, { scope })
    const fields = {
      subject_token: tokens.refresh_token ?? '',
      subject_token_type: refreshTokenType,
      requested_token_type: refreshTokenType,
      branch_name: 'nightly',
    }
    const branched = await client.genericGrantRequest(config, exchangeGrant, fields)
    assert.deepEqual([branched.token_type, branched['issued_token_type']], ['n_a', refreshTokenType])
    const again = await client.genericGrantRequest(config, exchangeGrant, fields)
    assert.equal(again.access_token, branched.access_token)
    assert.equal(again.refresh_token, branched.refresh_token)
    const own = await client.refreshTokenGrant(config, branched.access_token)
    const parent = await client.refreshTokenGrant(config, branched.refresh_token ?? '')
    assert.equal(own.claims()?.sub, parent.claims()?.sub)
    await client.tokenRevocation(config, own.refresh_token ?? '')
    await assert.rejects(client.refreshTokenGrant(config, own.refresh_token ?? ''), isOAuthError('invalid_grant'))
    await client.refreshTokenGrant(config, parent.refresh_token ?? '')
  })

  it('exchanges a token that it was sent for one to the next API', async test => {
    const { browser, configure } = await openScene(test)
    const shopFlags = ['--kind', 'web', '--redirect', redirectUri, '--scope', 'openid offline_access read write']
    const shop = await configure('shop', shopFlags)
    const apiFlags = ['--kind', 'service', '--scope', 'read', '--audience', orders, '--resource', stock]
    const api = await configure('orders', [...apiFlags, '--exchange', 'delegation'])
    const sent = await signIn(shop, browser, { scope: 'openid offline_access read write', resource: orders })
    const tokens = await client.genericGrantRequest(api, exchangeGrant, {
      subject_token: sent.access_token,
      subject_token_type: accessTokenType,
      resource: stock,
    })
    assert.deepEqual(
      [tokens.token_type, tokens.scope, tokens['issued_token_type']],
      ['bearer', 'read', accessTokenType],
    )
    const claims = decodeJwt(tokens.access_token)
    assert.deepEqual([claims.aud, claims['client_id']], [stock, 'orders'])
    assert.equal((claims['act'] as { readonly sub: string }).sub, 'orders')
    assert.equal((await client.tokenIntrospection(api, tokens.access_token)).active, true)
  })
})

interface Scene {
  readonly browser: Browser
  readonly configure: (
    id: string,
    flags: readonly string[],
    authentication?: client.ClientAuth,
  ) => Promise<client.Configuration>
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data, flags: ['--device-interval-seconds', '1'] })
  await pawlJson(['user', 'add', email, '--password-stdin', '--data', data], { stdin: `${stagePassword}\n` })
  const configure: Scene['configure'] = async (id, flags, authentication) => {
    const registered = (await pawlJson(['client', 'add', id, '--data', data, ...flags])) as {
      readonly client_secret?: string
    }
    const means = authentication ?? client.ClientSecretBasic(registered.client_secret ?? '')
    const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
    return client.discovery(new URL(server.issuer), id, {}, means, { execute })
  }
  return { browser: browserOf(server), configure }
}

async function signIn(
  config: client.Configuration,
  browser: Browser,
  fields: { readonly [name: string]: string },
): Promise<Awaited<ReturnType<typeof client.authorizationCodeGrant>>> {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...fields,
  })
  const callbackUrl = await agree(browser, await browser.open(url.pathname + url.search))
  return client.authorizationCodeGrant(config, callbackUrl, { expectedState: state, pkceCodeVerifier: verifier })
}

function isOAuthError(code: string): (error: unknown) => boolean {
  return error => error instanceof client.ResponseBodyError && error.error === code
}
