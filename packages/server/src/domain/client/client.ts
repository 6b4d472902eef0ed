/** A client as it is registered. Field names are those of RFC 7591 in camelCase. */

import type { ClientId, ReuseEnds } from '@pawl/family'
import { originOfRedirectUri } from '@pawl/protocol'
import type { AuditEvent } from '../event/event.ts'

export const clientKinds = ['web', 'bff', 'spa', 'native', 'device', 'integration', 'service'] as const
export type ClientKind = (typeof clientKinds)[number]

export const authMethods = ['none', 'client_secret_basic', 'client_secret_post'] as const
export type AuthMethod = (typeof authMethods)[number]

export const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const
export type GrantType = (typeof grantTypes)[number]

export const signingAlgorithms = ['ES256', 'RS256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** A client secret is 256 random bits of ours, so a keyed hash is enough. Two may be valid while one is being replaced. */
export interface SecretHash {
  readonly hash: string
  /** Null: no end. Set on the old secret when a new one is made. */
  readonly expiresAtMs: number | null
}

export interface Client {
  readonly id: ClientId
  readonly kind: ClientKind
  readonly name: string
  readonly authMethod: AuthMethod
  readonly secretHashes: readonly SecretHash[]
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  /** Resource indicators this client may ask for. Empty: any absolute URI without fragment that the user agrees to. */
  readonly resources: readonly string[]
  /** Audiences this client answers to, besides its own id: it may introspect tokens meant for them. */
  readonly audiences: readonly string[]
  /** `always`, or `or_nonce` for a confidential OpenID client that sends a nonce instead. */
  readonly pkce: 'always' | 'or_nonce'
  readonly firstParty: boolean
  /** Every token request shows a DPoP proof (RFC 9449 §5.2). Without it a proof binds the tokens of its own request. */
  readonly dpopBoundAccessTokens: boolean
  /** Every token request shows a client certificate, and access tokens are bound to it (RFC 8705 §3.4). */
  readonly tlsClientCertificateBoundAccessTokens: boolean
  readonly idTokenAlgorithm: SigningAlgorithm
  readonly accessTokenSeconds: number
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly repeatWindowSeconds: number
  readonly reuseEnds: ReuseEnds
  /** A label shared by the clients of one partner. */
  readonly partner: string | null
  readonly disabled: boolean
  readonly createdAtMs: number
}

/** A client with the version its row stands at; `change` compares and sets it. */
export interface ClientReading {
  readonly client: Client
  readonly version: number
}

export function isPublicClient(client: Client): boolean {
  return client.authMethod === 'none'
}

/** Where pages of this client run: the origins of its redirect URIs, each once. A disabled client has none. */
export function originsOf(client: Client): readonly string[] {
  if (client.disabled) return []
  const origins = client.redirectUris.map(originOfRedirectUri)
  return [...new Set(origins.filter(origin => origin !== null))]
}

export interface ClientStore {
  /** Always what every process last wrote: nothing is cached without a version check. */
  read(id: ClientId): Promise<ClientReading | null>
  list(limit: number): Promise<readonly Client[]>
  /** True where some client that is not disabled has this origin (`originsOf`). One look, however many clients there are. */
  hasOrigin(origin: string): Promise<boolean>
  /** `moved`: the id is taken. */
  add(client: Client, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** With `cutsOff`, everything that was opened for the client before is over, in the same transaction. */
  change(client: Client, version: number, cutsOff: boolean, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Deletes the row and cuts its families off, in one transaction. */
  remove(id: ClientId, version: number, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
}
