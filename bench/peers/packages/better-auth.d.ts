/** The part of the package that the bench uses: it is not installed with the repository. */

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
