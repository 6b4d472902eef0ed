/** Client libraries, each used as its own documentation shows it, over a storage that all processes share. */

import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { InMemoryWebStorage, User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import * as openid from 'openid-client'
import { custodyKeyFrom, holdGrants, memoryStore, SignInNeeded } from '@pawl/client'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import type { Asked, Contender, Site } from './site.ts'

const redirectUri = 'http://127.0.0.1/cb'

const pawlClient: Contender = {
  name: '`@pawl/client`',
  about: '`holdGrants` over one store; `holder.accessToken` for every call.',
  usesRetryKeys: true,
  keep: async site => {
    const { clock, issuer, clientId, network, tokens } = site
    const store = memoryStore(clock)
    const custodyKey = await custodyKeyFrom(new Uint8Array(32).fill(7))
    const custody = { server: issuer, client: { client_id: clientId }, chance: () => 0.5 }
    const first = holdGrants({ ...custody, store, custodyKey, clock, fetch: network.fetch })
    await clock.run(first.keep('grant', { tokens }))
    return process => {
      const outside = { clock: process.clock, fetch: process.fetch(network.fetch) }
      const holder = holdGrants({ ...custody, store: process.store(store), custodyKey, ...outside })
      return () =>
        signInIf(
          error => error instanceof SignInNeeded,
          () => holder.accessToken('grant'),
        )
    }
  },
}

const openidClient: Contender = {
  name: '`openid-client` alone',
  about:
    '`refreshTokenGrant` when the stored access token is over, and the answer saved, as its README shows; `invalid_grant` sends the person to sign in.',
  usesRetryKeys: false,
  keep: async site => {
    const saved = savedTokens(site)
    return process => {
      const configuration = discovered(site, process)
      return () =>
        signInIf(
          error => error instanceof openid.ResponseBodyError && error.error === 'invalid_grant',
          async () => {
            const { refreshToken, expiresAtMs } = await process.effect('store load', async () => saved.row())
            if (site.clock.nowMs() < expiresAtMs) return
            const tokens = await openid.refreshTokenGrant(await configuration(), refreshToken)
            await process.effect('store save', async () => saved.save(tokens))
          },
        )
    }
  },
}

function discovered(site: Site, process: MortalProcess): () => Promise<openid.Configuration> {
  const fetch: openid.CustomFetch = (url, options) => process.fetch(site.network.fetch)(url, options as RequestInit)
  let found: Promise<openid.Configuration> | undefined
  return () => {
    found ??= openid.discovery(new URL(site.issuer), site.clientId, undefined, openid.None(), {
      [openid.customFetch]: fetch,
      ...(site.issuer.startsWith('http:') && { execute: [openid.allowInsecureRequests] }),
    })
    return found
  }
}

const oidcClientTs: Contender = {
  name: '`oidc-client-ts`',
  about:
    '`UserManager` over one web storage; `getUser`, and `signinSilent` when the user has expired; `invalid_grant` sends the person to sign in. Its processes are tabs.',
  usesRetryKeys: false,
  keep: async site => {
    const storage = new InMemoryWebStorage()
    const { tokens, clock } = site
    const { access_token = '', token_type = 'Bearer', refresh_token = '', scope = '' } = tokens
    const expires_at = Math.floor(clock.nowMs() / 1000) + site.accessSeconds
    const profile = { sub: 'ada', iss: site.issuer, aud: site.clientId, exp: expires_at, iat: expires_at }
    await managerOf(site, storage).storeUser(
      new User({ access_token, token_type, refresh_token, scope, expires_at, profile }),
    )
    return process => {
      const manager = managerOf(site, storage, process)
      return () =>
        signInIf(
          error => error instanceof Error && 'error' in error && error.error === 'invalid_grant',
          async () => {
            const user = await manager.getUser()
            if (user === null || user.expired === true) await manager.signinSilent()
          },
        )
    }
  },
}

function managerOf(site: Site, storage: Storage, process?: MortalProcess): UserManager {
  const { issuer: authority, clientId: client_id } = site
  const store = new WebStorageStateStore({ store: storage })
  const userStore =
    process === undefined
      ? store
      : {
          get: (key: string) => process.effect('store load', () => store.get(key)),
          set: (key: string, value: string) => process.effect('store save', () => store.set(key, value)),
          remove: (key: string) => process.effect('store remove', () => store.remove(key)),
          getAllKeys: () => store.getAllKeys(),
        }
  const nowhere: never = { prepare: unreachable, callback: unreachable } as never
  const settings = { authority, client_id, redirect_uri: redirectUri, userStore, automaticSilentRenew: false }
  return new UserManager(settings, nowhere, nowhere, nowhere)
}

function unreachable(): never {
  throw new Error('there is no window to sign in')
}

const mcpSdk: Contender = {
  name: 'MCP SDK',
  about:
    '`auth` of `@modelcontextprotocol/sdk` with a provider that saves what it is given, called when the access token is over, as its transports do after a 401; `REDIRECT` sends the person to sign in.',
  usesRetryKeys: false,
  keep: async site => {
    const saved = savedTokens(site)
    return process => {
      let isSentAway = false
      const provider = mcpProvider(site, process, saved, () => {
        isSentAway = true
      })
      const fetch = process.fetch(site.network.fetch)
      const fetchFn = (url: string | URL, init?: RequestInit): Promise<Response> => fetch(String(url), init ?? {})
      return async () => {
        const { expiresAtMs } = await process.effect('store load', async () => saved.row())
        if (site.clock.nowMs() < expiresAtMs) return 'living token'
        isSentAway = false
        await auth(provider, { serverUrl: site.issuer, fetchFn })
        return isSentAway ? 'sign in' : 'living token'
      }
    }
  },
}

function mcpProvider(site: Site, process: MortalProcess, saved: Saved, sendAway: () => void): OAuthClientProvider {
  return {
    redirectUrl: redirectUri,
    clientMetadata: { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: site.clientId }),
    tokens: () => {
      const { refreshToken } = saved.row()
      return refreshToken === ''
        ? undefined
        : { access_token: 'over', token_type: 'Bearer', refresh_token: refreshToken }
    },
    invalidateCredentials: scope => {
      if (scope === 'all' || scope === 'tokens') saved.forget()
    },
    saveTokens: (tokens: OAuthTokens) => process.effect('store save', async () => saved.save(tokens)),
    redirectToAuthorization: sendAway,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
  }
}

interface Saved {
  readonly row: () => { readonly refreshToken: string; readonly expiresAtMs: number }
  readonly forget: () => void
  readonly save: (tokens: { readonly refresh_token?: string | undefined }) => void
}

/** One row of a database, as any of these documents would have it. */
function savedTokens({ clock, accessSeconds, tokens }: Site): Saved {
  const rowOf = (refreshToken: string) => ({ refreshToken, expiresAtMs: clock.nowMs() + accessSeconds * 1000 })
  let now = rowOf(tokens.refresh_token ?? '')
  return {
    row: () => now,
    forget: () => {
      now = { refreshToken: '', expiresAtMs: 0 }
    },
    save: answer => {
      now = rowOf(answer.refresh_token ?? now.refreshToken)
    },
  }
}

async function signInIf(isOver: (error: unknown) => boolean, ask: () => Promise<unknown>): Promise<Asked> {
  try {
    await ask()
    return 'living token'
  } catch (error) {
    if (isOver(error)) return 'sign in'
    throw error
  }
}

export const contenders: readonly Contender[] = [pawlClient, openidClient, oidcClientTs, mcpSdk]
