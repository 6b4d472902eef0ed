/**
 * The register of resources: the APIs that access tokens are meant for (RFC 8707), each with what its tokens look like
 * and who may ask about them. A client names a resource by its indicator; the tokens carry its audience.
 */

import type { ClientId } from '@pawl/family'
import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { AuditEvent } from '../event/event.ts'

export const accessTokenFormats = ['jwt', 'opaque'] as const
/** A JWT can be checked by whoever has our keys (RFC 9068); an opaque one only by asking us (RFC 7662). */
export type AccessTokenFormat = (typeof accessTokenFormats)[number]

export interface Resource {
  /** What clients send as `resource`: an absolute URI without a fragment. It names the row and never changes. */
  readonly indicator: string
  /** `aud` of its access tokens. Several resources may be one audience. */
  readonly audience: string
  /** The scopes it knows: its tokens carry no others. Empty: whatever was granted. */
  readonly scopes: readonly string[]
  /** Null: as the client has it. */
  readonly accessTokenFormat: AccessTokenFormat | null
  /** At most; a client with shorter ones keeps its own. Null: as the client has it. */
  readonly accessTokenSeconds: number | null
  readonly signingAlgorithm: SigningAlgorithm
  /** Who may introspect its tokens, besides the client that holds them. */
  readonly introspectors: readonly ClientId[]
  readonly createdAtMs: number
}

/** A resource of which nothing is known but its name. */
export function plainResource(indicator: string, createdAtMs: number): Resource {
  return {
    indicator,
    audience: indicator,
    scopes: [],
    accessTokenFormat: null,
    accessTokenSeconds: null,
    signingAlgorithm: 'ES256',
    introspectors: [],
    createdAtMs,
  }
}

/** A resource with the version its row stands at; `change` and `remove` compare it. */
export interface ResourceReading {
  readonly resource: Resource
  readonly version: number
}

/** No more rows than that are looked at for one audience. */
export const resourcesOfAudienceMax = 16

export interface ResourceStore {
  /** Always what every process last wrote. */
  read(indicator: string): Promise<ResourceReading | null>
  /** At most `resourcesOfAudienceMax`, in the order of their indicators. */
  ofAudience(audience: string): Promise<readonly Resource[]>
  list(limit: number): Promise<readonly Resource[]>
  /** `moved`: there is one with this indicator. */
  add(resource: Resource, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  change(resource: Resource, version: number, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  remove(indicator: string, version: number, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
}
