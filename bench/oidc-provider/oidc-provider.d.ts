/** The part of `oidc-provider` that the bench uses. The package brings no types of its own. */

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Adapter {
    upsert(id: string, payload: AdapterPayload, expiresInSeconds?: number): Promise<void>
    find(id: string): Promise<AdapterPayload | undefined>
    findByUid(uid: string): Promise<AdapterPayload | undefined>
    findByUserCode(userCode: string): Promise<AdapterPayload | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  export interface AdapterPayload {
    grantId?: string
    uid?: string
    userCode?: string
    consumed?: number
    [name: string]: unknown
  }

  export interface GrantModel {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  export interface Saveable {
    save(): Promise<string>
  }

  export interface ClientModel {
    readonly clientId: string
  }

  export interface ProviderInstance {
    readonly Client: { find(id: string): Promise<ClientModel | undefined> }
    readonly Grant: new (properties: { accountId: string; clientId: string }) => GrantModel
    readonly RefreshToken: new (properties: object) => Saveable
    readonly AuthorizationCode: new (properties: object) => Saveable
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): void
  }

  export const Provider: new (issuer: string, configuration: object) => ProviderInstance
}
