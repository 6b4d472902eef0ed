/** An application: sends people to the server, redeems what comes back, and keeps its tokens. */

import { createHash } from 'node:crypto'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import type { Browser, BrowserPage, Ground } from './browser.ts'

export interface AppOptions {
  readonly redirectUri?: string
  readonly address?: string
  readonly userAgent?: string
  /** How it proves itself at each request, where that is neither a secret nor nothing. */
  readonly authenticate?: () => Promise<Authentication>
}

export interface Authentication {
  readonly fields?: Fields
  readonly headers?: { readonly [name: string]: string }
}

export interface Tokens {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly [name: string]: unknown }
  readonly accessToken: string
  readonly refreshToken: string
  readonly requestId: string
}

export interface Authorization {
  readonly code: string
  readonly verifier: string
  readonly parameters: URLSearchParams
}

export type Fields = { readonly [name: string]: string | undefined }

export interface App {
  readonly redirectUri: string
  /** The path and query of an authorization request; a field of undefined takes a default away. */
  readonly authorizePath: (fields?: Fields) => { readonly path: string; readonly verifier: string }
  /** Signs the user in where needed, agrees where asked, and answers the code. */
  readonly authorize: (browser: Browser, fields?: Fields) => Promise<Authorization>
  readonly redeem: (authorization: Authorization, fields?: Fields, headers?: HeadersInit) => Promise<Tokens>
  readonly refresh: (refreshToken: string, fields?: Fields, headers?: HeadersInit) => Promise<Tokens>
  readonly signIn: (browser: Browser, fields?: Fields) => Promise<Tokens>
  readonly revoke: (token: string, fields?: Fields) => Promise<Response>
  readonly introspect: (token: string) => Promise<{ readonly active: boolean; readonly [name: string]: unknown }>
  readonly userinfo: (accessToken: string) => Promise<Response>
  /** A form post with the client's own authentication. */
  readonly post: (path: string, fields: Fields, headers?: HeadersInit) => Promise<Response>
}

export function app(stage: Ground, registered: ClientWithSecret, options: AppOptions = {}): App {
  const { client, secret } = registered
  const redirectUri = options.redirectUri ?? client.redirectUris[0] ?? 'https://none.example/cb'
  let authorizations = 0

  async function post(path: string, fields: Fields, headers: HeadersInit = {}): Promise<Response> {
    const sent = new Headers({
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': options.userAgent ?? 'stage-app/1',
    })
    const shown = (await options.authenticate?.()) ?? {}
    for (const [name, value] of Object.entries(shown.headers ?? {})) sent.set(name, value)
    const all: { [name: string]: string } = {}
    for (const [name, value] of Object.entries({ ...shown.fields, ...fields }))
      if (value !== undefined) all[name] = value
    if (client.authMethod === 'client_secret_basic') sent.set('authorization', basic(client.id, secret ?? ''))
    if (client.authMethod === 'client_secret_post') all['client_secret'] ??= secret ?? ''
    if (client.authMethod !== 'client_secret_basic') all['client_id'] ??= client.id
    for (const [name, value] of new Headers(headers)) sent.set(name, value)
    return stage.send(
      path,
      { method: 'POST', headers: sent, body: new URLSearchParams(all).toString() },
      options.address,
    )
  }

  const self: App = {
    redirectUri,
    post,
    authorizePath: (fields = {}) => {
      authorizations += 1
      const verifier = createHash('sha256').update(`${client.id} verifier ${authorizations}`).digest('base64url')
      const query: Fields = {
        response_type: 'code',
        client_id: client.id,
        redirect_uri: redirectUri,
        scope: 'openid email offline_access',
        state: `state-${authorizations}`,
        nonce: `nonce-${authorizations}`,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...fields,
      }
      const sent = new URLSearchParams()
      for (const [name, value] of Object.entries(query)) if (value !== undefined) sent.set(name, value)
      return { path: `/authorize?${sent.toString()}`, verifier }
    },
    authorize: async (browser, fields) => {
      const { path, verifier } = self.authorizePath(fields)
      const left = await agree(browser, await browser.open(path))
      const code = left.searchParams.get('code')
      if (code === null) throw new Error(`no code came back: ${left.searchParams.toString()}`)
      return { code, verifier, parameters: left.searchParams }
    },
    redeem: async (authorization, fields, headers) => {
      const { code, verifier } = authorization
      const sent = {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: redirectUri,
        ...fields,
      }
      return tokensOf(await post('/token', sent, headers))
    },
    refresh: async (refreshToken, fields, headers) =>
      tokensOf(await post('/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...fields }, headers)),
    signIn: async (browser, fields) => {
      const tokens = await self.redeem(await self.authorize(browser, fields))
      if (tokens.status !== 200) throw new Error(`the code was refused: ${JSON.stringify(tokens.body)}`)
      return tokens
    },
    revoke: (token, fields) => post('/revoke', { token, ...fields }),
    introspect: async token => {
      const response = await post('/introspect', { token })
      return (await response.json()) as { readonly active: boolean }
    },
    userinfo: accessToken =>
      stage.send('/userinfo', { headers: { authorization: `Bearer ${accessToken}` } }, options.address),
  }
  return self
}

export function basic(id: string, secret: string): string {
  const encoded = [id, secret].map(part => encodeURIComponent(part)).join(':')
  return `Basic ${Buffer.from(encoded).toString('base64')}`
}

/** A retry key as a client derives it: any 43 base64url characters that stand for one store and one credential. */
export function retryKey(name: string): { readonly 'idempotency-key': string } {
  return { 'idempotency-key': `"rk1.${createHash('sha256').update(name).digest('base64url')}"` }
}

export async function tokensOf(response: Response): Promise<Tokens> {
  const body = (await response.json()) as { readonly [name: string]: unknown }
  return {
    status: response.status,
    headers: response.headers,
    body,
    accessToken: typeof body['access_token'] === 'string' ? body['access_token'] : '',
    refreshToken: typeof body['refresh_token'] === 'string' ? body['refresh_token'] : '',
    requestId: response.headers.get('pawl-request-id') ?? '',
  }
}

/** Goes through sign-in and consent as far as they are asked for. */
export async function agree(browser: Browser, first: BrowserPage): Promise<URL> {
  let page = first
  for (let step = 0; step < 3 && page.leftTo === null; step++) {
    page = page.body.includes('name="password"') ? await browser.signIn(page) : await browser.decide(page, 'allow')
  }
  if (page.leftTo === null) throw new Error(`stuck on a page of status ${page.status}: ${page.body.slice(0, 200)}`)
  return page.leftTo
}
