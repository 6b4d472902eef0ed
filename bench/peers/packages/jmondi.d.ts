/** The part of the package that the bench uses: it is not installed with the repository. */

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
  export interface AuthorizationServer {
    enableGrantTypes(...grants: readonly unknown[]): void
    respondToAccessTokenRequest(request: OAuthRequest): Promise<OAuthResponse>
  }
  /** Repositories of clients, tokens and scopes, the JWT service, and the options. */
  export const AuthorizationServer: new (...parts: readonly object[]) => AuthorizationServer
  export const DateInterval: new (interval: string) => { getEndDate(): Date }
  export interface OAuthRequest {
    readonly body: object
  }
  export const OAuthRequest: new (request: { headers: object; body: object }) => OAuthRequest
  export interface OAuthResponse {
    readonly status: number
    readonly headers: Record<string, string>
    readonly body: unknown
  }
  export interface OAuthException extends Error {
    readonly status: number
    readonly errorType: string
  }
  export const OAuthException: {
    new (message: string, errorType: string): OAuthException
    invalidGrant(description: string): OAuthException
  }
  export function generateRandomToken(): string
}
