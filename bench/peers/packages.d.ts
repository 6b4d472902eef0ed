/** The parts of the peers that the bench uses: their own packages are not installed with the repository. */

declare module '@node-oauth/oauth2-server' {
  import type { IncomingMessage } from 'node:http'

  export interface NodeOauthClient {
    readonly id: string
    readonly grants: readonly string[]
  }
  export interface NodeOauthToken {
    readonly accessToken: string
    readonly accessTokenExpiresAt?: Date
    readonly refreshToken: string
    readonly refreshTokenExpiresAt: Date
    readonly scope: readonly string[]
    readonly client: NodeOauthClient
    readonly user: { readonly id: string }
  }
  export interface RefreshTokenModel {
    getClient(id: string, secret: string): Promise<NodeOauthClient | null>
    generateAccessToken(client: NodeOauthClient, user: { id: string }, scope: readonly string[]): Promise<string>
    getRefreshToken(refreshToken: string): Promise<Omit<NodeOauthToken, 'accessToken'> | null>
    revokeToken(token: { readonly refreshToken: string }): Promise<boolean>
    saveToken(
      token: Omit<NodeOauthToken, 'client' | 'user'>,
      client: NodeOauthClient,
      user: { id: string },
    ): Promise<NodeOauthToken>
  }
  interface Answer {
    readonly status?: number
    readonly headers?: Record<string, string>
    readonly body?: unknown
  }
  interface NodeOauth {
    new (options: object): { token(request: object, response: object): Promise<unknown> }
    readonly Request: new (request: Pick<IncomingMessage, 'headers' | 'method'> & { query: object; body: object }) => object
    readonly Response: new () => Answer
  }
  const oauth: NodeOauth
  export = oauth
}

declare module '@jmondi/oauth2-server' {
  export interface Scope {
    readonly name: string
  }
  export interface JmondiClient {
    readonly id: string
    readonly name: string
    readonly secret: string
    readonly redirectUris: readonly string[]
    readonly allowedGrants: readonly string[]
    readonly scopes: readonly Scope[]
  }
  export interface JmondiToken {
    readonly accessToken: string
    accessTokenExpiresAt: Date
    refreshToken: string | null
    refreshTokenExpiresAt: Date | null
    readonly client: JmondiClient
    readonly user: { readonly id: string } | null
    readonly scopes: readonly Scope[]
  }
  export class AuthorizationServer {
    constructor(clients: object, tokens: object, scopes: object, jwt: object, options: object)
    enableGrantTypes(...grants: readonly unknown[]): void
    respondToAccessTokenRequest(request: OAuthRequest): Promise<OAuthResponse>
  }
  export class DateInterval {
    constructor(interval: string)
    getEndDate(): Date
  }
  export class OAuthRequest {
    constructor(request: { headers: object; body: object })
  }
  export interface OAuthResponse {
    readonly status: number
    readonly headers: Record<string, string>
    readonly body: unknown
  }
  export class OAuthException extends Error {
    readonly status: number
    readonly errorType: string
    static invalidGrant(description: string): OAuthException
  }
  export function generateRandomToken(): string
}

declare module 'better-auth' {
  export interface Row {
    readonly id: string
  }
  export interface BetterAuth {
    readonly handler: (request: Request) => Promise<Response>
    readonly $context: Promise<{
      readonly adapter: { create(row: { model: string; data: object }): Promise<Row> }
    }>
  }
  export function betterAuth(options: object): BetterAuth
}

declare module 'better-auth/db/migration' {
  export function getMigrations(options: object): Promise<{ readonly runMigrations: () => Promise<void> }>
}

declare module 'better-auth/node' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { BetterAuth } from 'better-auth'
  export function toNodeHandler(auth: BetterAuth): (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

declare module 'better-auth/plugins' {
  export function jwt(options: object): object
}

declare module '@better-auth/oauth-provider' {
  export function oauthProvider(options: object): object
}
