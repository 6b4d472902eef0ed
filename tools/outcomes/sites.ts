/** The servers that contenders are tried at: Pawl as delivered and strict, oidc-provider, and two kinds of this world. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type ProviderInstance } from 'oidc-provider'
import { type AdapterDatabase, openAdapterDatabase } from '../../bench/oidc-provider/adapter.ts'
import { fixedCustodyKey } from '../../test/client/holder-world.ts'
import { networkTo } from '../../test/client/sign-in-ground.ts'
import { openLifetime } from '../../test/stage/lifetime.ts'
import { openScene, phone, type Scene } from '../../test/stage/scene.ts'
import { stageStartsAtMs } from '../../test/stage/stage.ts'
import type { Fetch, TokenAnswer } from '@pawl/client'
import { flakyNetwork } from '../../packages/client/src/testing/flaky-network.ts'
import type { FlakyPolicyName } from '../../packages/client/src/testing/flaky-policy.ts'
import { flakyServer } from '../../packages/client/src/testing/flaky-server.ts'
import type { SiteKind } from './site.ts'

const accessSeconds = 600
/** Contenders that take the platform's fetch are given another one for a while. */
const platformFetch = globalThis.fetch

export async function openSites(): Promise<readonly SiteKind[]> {
  return [
    await pawl('Pawl as delivered', 'A public client; the repeat window is 60 seconds.', {}),
    await pawl('Pawl, strict', 'The same with the repeat window at 0: only a retry key repeats.', { repeatSeconds: 0 }),
    await oidcProvider(),
    flaky('reuse-revokes', 'A server that rotates and ends the grant when an old token comes again.'),
    flaky('no-rotation', 'A server that gives one refresh token for all time.'),
  ]
}

async function pawl(name: string, about: string, changes: object): Promise<SiteKind> {
  const lifetime = openLifetime()
  const scene = await openScene(lifetime, { client: { ...phone, ...changes }, seed: name })
  return {
    name,
    about,
    open: async (clock, isKeyed) => {
      scene.stage.clock.set(clock.nowMs())
      const tokens = await signIn(scene, isKeyed)
      const { issuer } = scene.stage
      return { clock, network: networkTo(scene.stage, clock), issuer, clientId: phone.id, accessSeconds, tokens }
    },
    close: lifetime.end,
    startsAtMs: () => Math.max(stageStartsAtMs, scene.stage.clock.nowMs()),
  }
}

async function signIn({ app, browser }: Scene, isKeyed: boolean): Promise<TokenAnswer> {
  const authorization = await app.authorize(browser, { scope: 'offline_access' })
  const key = await (await fixedCustodyKey).retryKeyFor(authorization.code)
  const headers: HeadersInit = isKeyed ? { 'idempotency-key': `"rk1.${key}"` } : {}
  const { status, body } = await app.redeem(authorization, {}, headers)
  if (status !== 200) throw new Error(`the code was refused: ${JSON.stringify(body)}`)
  return tokenAnswer(body)
}

function tokenAnswer(body: { readonly [name: string]: unknown }): TokenAnswer {
  const { access_token, token_type, refresh_token } = body
  return {
    access_token: String(access_token),
    token_type: String(token_type),
    refresh_token: String(refresh_token),
    expires_in: accessSeconds,
  }
}

function flaky(policy: FlakyPolicyName, about: string): SiteKind {
  return {
    name: `\`flakyServer\`, \`${policy}\``,
    about,
    open: async clock => {
      const server = flakyServer({ clock, policy })
      return { clock, network: server, issuer: server.issuer, clientId: 'app', accessSeconds, tokens: server.signIn() }
    },
    close: async () => {},
    startsAtMs: () => stageStartsAtMs,
  }
}

/** As its documentation has it: rotation on, and a consumed token that comes again ends the grant. */
async function oidcProvider(): Promise<SiteKind> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  const database = openAdapterDatabase(':memory:', 'alone')
  const provider = newProvider(issuer, database)
  listener.on('request', provider.callback())
  let latestMs = stageStartsAtMs
  const send: Fetch = (url, init) => {
    const headers = { ...Object.fromEntries(new Headers(init.headers)), connection: 'close' }
    return platformFetch(url, { ...init, headers })
  }
  return {
    name: '`oidc-provider`',
    about: 'Version 9, a public client, rotation on: a token that comes again ends the grant.',
    open: async clock => {
      const tokens = await signInAt(provider)
      const network = flakyNetwork(clock, (url, init) => {
        latestMs = Math.max(latestMs, clock.nowMs())
        return send(url, init)
      })
      return { clock, network, issuer, clientId: providerClient.client_id, accessSeconds, tokens }
    },
    close: async () => {
      listener.closeAllConnections()
      listener.close()
      await database.close()
    },
    startsAtMs: () => latestMs,
  }
}

const providerClient = {
  client_id: 'app',
  redirect_uris: ['http://127.0.0.1/cb'],
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}

function newProvider(issuer: string, { adapter }: AdapterDatabase): ProviderInstance {
  return new Provider(issuer, {
    adapter,
    clients: [providerClient],
    cookies: { keys: ['outcomes'] },
    scopes: ['openid', 'offline_access'],
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: { AccessToken: accessSeconds, Grant: 30 * 86_400, RefreshToken: 30 * 86_400 },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  })
}

async function signInAt(provider: ProviderInstance): Promise<TokenAnswer> {
  const client = await provider.Client.find(providerClient.client_id)
  const grant = new provider.Grant({ accountId: 'ada', clientId: providerClient.client_id })
  grant.addOIDCScope('offline_access')
  const terms = { client, accountId: 'ada', grantId: await grant.save(), scope: 'offline_access' }
  const token = new provider.RefreshToken({ ...terms, gty: 'authorization_code', expiresWithSession: false })
  return { access_token: 'unused', token_type: 'Bearer', expires_in: accessSeconds, refresh_token: await token.save() }
}
