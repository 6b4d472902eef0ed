/** A client as it is registered. Field names are those of RFC 7591 in camelCase. */

import type { ClientId, ReuseEnds } from '@pawl/family'
import { originOfRedirectUri } from '@pawl/protocol'
import type { AuditEvent } from '../event/event.ts'
import type { Acr } from '../session/acr.ts'
import type { ClientAbout } from './client-about.ts'
import type { ClientProfile } from './client-profile.ts'
import type { ClientSource } from './client-source.ts'
import { clientSignatureAlgorithms, type Jwk } from './client-key.ts'
import type { LogoutChannels } from './logout-channels.ts'
import type { ExchangeRule } from './exchange-rule.ts'
import type { RequestRules } from './request-rules.ts'
import type { SigningAlgorithm } from './signing-algorithm.ts'
import type { TokenRules } from './token-rules.ts'

export const clientKinds = ['web', 'bff', 'spa', 'native', 'device', 'integration', 'service'] as const
export type ClientKind = (typeof clientKinds)[number]

export const authMethods = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'attest_jwt_client_auth',
] as const
export type AuthMethod = (typeof authMethods)[number]

/** What a client secret signs with in `client_secret_jwt`. */
export const secretAlgorithm = 'HS256'

/** Names a certificate may be known by (RFC 8705 §2.1.2). */
export const certificateNameTypes = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const
export type CertificateNameType = (typeof certificateNameTypes)[number]

/** The one name in a certificate that is this client. */
export interface CertificateName {
  readonly type: CertificateNameType
  readonly value: string
}

/** RFC 8628 §3.4. */
export const deviceCodeGrantType = 'urn:ietf:params:oauth:grant-type:device_code'
/** RFC 8693 §2.1. */
export const tokenExchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'

export const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceCodeGrantType,
  tokenExchangeGrantType,
] as const
export type GrantType = (typeof grantTypes)[number]

/** A client secret is 256 random bits of ours, so a keyed hash is enough. Two may be valid while one is being replaced. */
export interface SecretHash {
  readonly hash: string
  /** Null: no end. Set on the old secret when a new one is made. */
  readonly expiresAtMs: number | null
  /** The secret itself, sealed: for `client_secret_jwt`, which a hash cannot verify. Null for every other method. */
  readonly sealed: string | null
}

export const authAlgorithms = [...clientSignatureAlgorithms, secretAlgorithm] as const
export type AuthAlgorithm = (typeof authAlgorithms)[number]

/**
 * `always`; or `or_nonce` for a confidential OpenID client that sends a nonce instead; or `optional` for one that may send
 * neither, as OIDC Core has it: whoever gets hold of its code can then slip it into another person's sign-in.
 */
export const pkceRules = ['always', 'or_nonce', 'optional'] as const
export type PkceRule = (typeof pkceRules)[number]

export interface Client {
  readonly id: ClientId
  readonly kind: ClientKind
  readonly name: string
  /** What it has promised to keep, and is held to; null: nothing beyond its other settings. */
  readonly profile: ClientProfile | null
  readonly authMethod: AuthMethod
  readonly secretHashes: readonly SecretHash[]
  /** The one algorithm its assertions are signed with (OIDC Registration §2); null: whichever of ours fits its key. */
  readonly authAlgorithm: AuthAlgorithm | null
  /** Its public keys, judged. Empty where it publishes them itself. */
  readonly jwks: readonly Jwk[]
  readonly jwksUri: string | null
  /** Of `tls_client_auth`. */
  readonly certificateName: CertificateName | null
  /** Whose attestations count: the keys they are signed with. Of `attest_jwt_client_auth`. */
  readonly attesterJwks: readonly Jwk[]
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly GrantType[]
  readonly exchange: ExchangeRule
  readonly scopes: readonly string[]
  /** Resource indicators this client may ask for. Empty: any absolute URI without fragment that the user agrees to. */
  readonly resources: readonly string[]
  /** Audiences this client answers to, besides its own id: it may introspect tokens meant for them. */
  readonly audiences: readonly string[]
  readonly pkce: PkceRule
  readonly requests: RequestRules
  readonly firstParty: boolean
  /** Every token request shows a DPoP proof (RFC 9449 §5.2). Without it a proof binds the tokens of its own request. */
  readonly dpopBoundAccessTokens: boolean
  /** Every token request shows a client certificate, and access tokens are bound to it (RFC 8705 §3.4). */
  readonly tlsClientCertificateBoundAccessTokens: boolean
  /** For people to read. */
  readonly about: ClientAbout
  readonly idTokenAlgorithm: SigningAlgorithm
  readonly tokens: TokenRules
  readonly logout: LogoutChannels
  readonly accessTokenSeconds: number
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly repeatWindowSeconds: number
  readonly reuseEnds: ReuseEnds
  /** The least level of authentication that its users must have shown, at every authorization and refresh; null: any. */
  readonly minimumAcr: Acr | null
  /** How long ago its users may have proved who they are, at every authorization and refresh; null: any time. */
  readonly maxAuthAgeSeconds: number | null
  /** A label shared by the clients of one partner. */
  readonly partner: string | null
  /** Where it came from; null for one that an operator added. */
  readonly source: ClientSource | null
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

/** True where every token request of the client shows a key. */
export function isBound({ dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens }: Client): boolean {
  return dpopBoundAccessTokens || tlsClientCertificateBoundAccessTokens
}

/**
 * FAPI 2.0 §5.3.2.1: a confidential client that shows a key in every request gains nothing by rotation, and may lose its
 * token by it. One of that profile always shows a key.
 */
export function keepsRefreshToken(client: Client): boolean {
  return client.profile === 'fapi2' || (client.kind === 'integration' && isBound(client))
}

/** True of the methods that show or use a secret of ours. */
export function usesSecret(method: AuthMethod): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post' || method === 'client_secret_jwt'
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
