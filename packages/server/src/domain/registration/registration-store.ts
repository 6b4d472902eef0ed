/** What stands behind dynamic registration: the tokens that open it, and the clients that came through it. */

import type { ClientId } from '@pawl/family'
import type { Client, ClientKind } from '../client/client.ts'
import type { AuditEvent } from '../event/event.ts'

/** Opens registration for somebody the operator gave it to (RFC 7591 §1.2). The token itself is kept as a keyed hash. */
export interface InitialAccessToken {
  /** The operator's name for it: it stands in events and on the clients that came by it. */
  readonly name: string
  readonly kinds: readonly ClientKind[]
  readonly scopes: readonly string[]
  /** The partner its clients belong to, so that they can be cut off together. */
  readonly partner: string | null
  readonly usesLeft: number
  readonly expiresAtMs: number
  readonly createdAtMs: number
}

export interface RegistrationTerms {
  /** The initial access token that pays for this client with one use; null where none is asked for. */
  readonly tokenName: string | null
  /** A client without any family by then is forgotten; see `keptUntilMs`. */
  readonly keptUntilMs: number
}

/** How long a client that nobody vouches for is kept without having been used. */
export const unusedClientKeptSeconds = 86_400
/** How long it is kept after a person last let it in, or after it was last seen to hold something. */
export const idleClientKeptSeconds = 90 * 86_400

/**
 * Until when a client is kept that has just come. One that paid with a use of an operator's token is sent away by somebody
 * only; for all others there is no end to how many may come, so those that nobody uses leave by themselves.
 */
export function keptUntilMs(tokenName: string | null, nowMs: number): number {
  return tokenName === null ? nowMs + unusedClientKeptSeconds * 1000 : foreverMs
}

/** The last instant there is (ECMA-262 §21.4.1.1). */
const foreverMs = 8_640_000_000_000_000

export interface RegistrationStore {
  /** `moved`: there is a token of that name. */
  addToken(token: InitialAccessToken, secretHash: string, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Whatever is left of it: it may be used up or over. */
  findToken(secretHash: string): Promise<InitialAccessToken | null>
  listTokens(limit: number): Promise<readonly InitialAccessToken[]>
  /** `moved`: there is none of that name. The clients that came by it stay. */
  removeToken(name: string, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Adds the client and takes one use off the token, in one transaction. `moved`: the id is taken or the token is used up. */
  addClient(client: Client, terms: RegistrationTerms, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Keeps a client until then that would be forgotten before; not worth a write for less than a day. */
  keepClient(id: ClientId, untilMs: number): Promise<void>
  /** How many clients came by themselves and are still there; counts no further than `max`. */
  countClients(max: number): Promise<number>
}
