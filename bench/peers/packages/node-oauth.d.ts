/** The part of the package that the bench uses: it is not installed with the repository. */

declare module '@node-oauth/oauth2-server' {
  import type { IncomingMessage } from 'node:http'

  namespace OAuth2Server {
    interface Client {
      readonly id: string
      readonly grants: readonly string[]
    }
    interface User {
      readonly id: string
    }
    interface SavedToken {
      readonly refreshToken: string
      readonly refreshTokenExpiresAt: Date
      readonly scope: readonly string[]
    }
    interface RefreshTokenModel {
      getClient(id: string, secret: string): Promise<Client | null>
      generateAccessToken(client: Client, user: User, scope: readonly string[]): Promise<string>
      getRefreshToken(refreshToken: string): Promise<(SavedToken & { client: Client; user: User }) | null>
      revokeToken(token: { readonly refreshToken: string }): Promise<boolean>
      saveToken(token: SavedToken, client: Client, user: User): Promise<object>
    }
    interface Request {
      readonly body: object
    }
    interface Response {
      readonly status?: number
      readonly headers?: Record<string, string>
      readonly body?: unknown
    }
  }
  interface OAuth2Server {
    token(request: OAuth2Server.Request, response: OAuth2Server.Response): Promise<object>
  }
  type Received = Pick<IncomingMessage, 'headers' | 'method'> & { query: object; body: object }
  const OAuth2Server: {
    new (options: object): OAuth2Server
    readonly Request: new (request: Received) => OAuth2Server.Request
    readonly Response: new () => OAuth2Server.Response
  }
  export = OAuth2Server
}
