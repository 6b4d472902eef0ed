/** What the adapter for the MCP SDK stands on: its options, what is kept, and what one process remembers meanwhile. */

import {
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  None,
} from 'oauth4webapi'
import { encodeBase64Url } from '../custody/custody-key.ts'
import { grantNameCharactersMax, type Lease } from '../custody/custody-store.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { holdGrants } from '../holder/hold-grants.ts'
import type { Custody, Holder, HolderOptions, TokenAnswer } from '../holder/holder.ts'
import { type Attempt, type ConnectionRecord, connectionRecord, type Signed } from './connection.ts'
import type { SdkClient, SdkClientMetadata, SdkDiscovery } from './sdk.ts'

export interface McpOptions extends Omit<HolderOptions, 'server' | 'client' | 'authentication'> {
  /** The MCP server, as the transport is given it. */
  readonly serverUrl: string | URL
  /** One per person and MCP server: processes that use the same name in the same store share one sign-in. */
  readonly name: string
  /** Where the server sends people back to: a function where the port is not known before it is opened. */
  readonly redirectUrl: string | URL | (() => string | URL)
  /** How the client registers itself (RFC 7591). Grant types and response types need not be named. */
  readonly clientMetadata: SdkClientMetadata
  /** The client as a document on the web, for servers that take one. */
  readonly clientMetadataUrl?: string
  /** A client that was registered beforehand, and where. */
  readonly client?: SdkClient & { readonly issuer: string }
  /** How a confidential client authenticates, where that is not by its secret. */
  readonly authentication?: ClientAuth
  /** The authorization servers that are trusted. Without them it is the one that the MCP server names at the first sign-in. */
  readonly issuers?: readonly string[]
  /** Opens the person's browser, or sends it there. */
  readonly onRedirect: (url: URL) => void | Promise<void>
  /** So long another process that waits for a person is waited for, before a second browser is opened. */
  readonly signInSeconds?: number
}

export const signInSecondsDefault = 180

export interface Ground {
  readonly options: McpOptions
  readonly serverUrl: URL
  readonly clock: HolderClock
  readonly record: ConnectionRecord
  readonly flow: Flow
  readonly holders: Map<string, Holder>
}

/** What this process remembers between the calls of the SDK, which come one by one and without a thread. */
export interface Flow {
  discovery: { readonly found: SdkDiscovery; readonly server: AuthorizationServer } | null
  /** Clients by id, as they were told in this process: a registration that came second is in no record. */
  readonly clients: Map<string, SdkClient>
  /** Code verifiers by challenge. */
  readonly verifiers: Map<string, string>
  answered: Answered | null
  /** Held from the decision to ask a person until they have signed in. */
  lease: Lease | null
  /** Whether somebody was sent away under the lease. */
  isAway: boolean
  /** How many have been sent away, and when the last one was. */
  redirects: number
  redirectedAtMs: number
}

/** A callback that came, and what its code brought. */
export interface Answered {
  readonly attempt: Attempt
  readonly code: string
  tokens: TokenAnswer | null
}

export function groundOf(options: McpOptions): Ground {
  const serverUrl = new URL(options.serverUrl)
  serverUrl.hash = ''
  const { store, custodyKey, name } = options
  if (name === '' || name.length > nameCharactersMax) {
    throw new RangeError(`the name of an MCP connection has 1 to ${nameCharactersMax} characters`)
  }
  return {
    options,
    serverUrl,
    clock: options.clock ?? machineClock,
    record: connectionRecord({ store, custodyKey, name: `${name}.mcp`, serverUrl: serverUrl.href }),
    flow: {
      discovery: null,
      clients: new Map(),
      verifiers: new Map(),
      answered: null,
      lease: null,
      isAway: false,
      redirects: 0,
      redirectedAtMs: Number.NEGATIVE_INFINITY,
    },
    holders: new Map(),
  }
}

/** The holder for a grant: each is of one issuer and one client, and sends its tokens nowhere else. */
export function holderOf(ground: Ground, { grant, issuer, client }: Signed): Holder {
  const known = ground.holders.get(grant)
  if (known !== undefined) return known
  const { authentication } = ground.options
  const holder = holdGrants({
    ...ground.options,
    server: issuer,
    client: clientFor(client),
    authentication: authentication ?? authenticationOf(client),
  })
  ground.holders.set(grant, holder)
  return holder
}

/** What the request for the first tokens of an attempt goes out of. */
export function custodyOf({ options }: Ground, { server, client }: Attempt): Custody {
  const { authentication, ...rest } = options
  return { ...rest, server, client: clientFor(client), authentication: authentication ?? authenticationOf(client) }
}

function clientFor({ client_id }: SdkClient): Client {
  return { client_id }
}

function authenticationOf({ client_secret: secret, token_endpoint_auth_method: method }: SdkClient): ClientAuth {
  if (secret === undefined || method === 'none') return None()
  return method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret)
}

const hashCharacters = 22
/** What is kept is named after the connection and a hash. */
export const nameCharactersMax = grantNameCharactersMax - hashCharacters - 1

/** The name of a grant: another one for each issuer and client, so that none is opened, or written over, as another's. */
export async function grantNameOf(name: string, issuer: string, clientId: string): Promise<string> {
  return `${name}.${(await sha256(JSON.stringify([issuer, clientId]))).slice(0, hashCharacters)}`
}

/** In base64url; of a code verifier it is the challenge (RFC 7636 §4.2). */
export async function sha256(text: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}
