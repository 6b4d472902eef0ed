/** What a holder is made of, what it does, and what it tells. `hold-grants.ts` makes one. */

import type { AuthorizationServer, Client, ClientAuth } from 'oauth4webapi'
import type { CustodyKey } from '../custody/custody-key.ts'
import type { CustodyStore } from '../custody/custody-store.ts'
import type { EndReason } from '../custody/kept-grant.ts'
import type { HolderClock } from './clock.ts'

/** The fetch of the platform, or anything that answers like it. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>

/** One client of one server, and where its grants are kept. The sign-in helpers take the same. */
export interface Custody {
  /** The issuer, whose metadata is fetched when first needed (RFC 8414, OpenID Connect Discovery), or the metadata itself. */
  readonly server: string | AuthorizationServer
  /** At least `client_id`. */
  readonly client: Client
  /** How a confidential client authenticates, out of `oauth4webapi`; a public client leaves it out. */
  readonly authentication?: ClientAuth
  readonly store: CustodyStore
  readonly custodyKey: CustodyKey
  /**
   * The store may forget a grant that was not refreshed for so long. By default it keeps one for a day longer than the
   * server says that it can live, and for ever where the server does not say.
   */
  readonly keepSeconds?: number
  readonly fetch?: Fetch
  readonly clock?: HolderClock
  /** A number from 0 up to but not including 1, for jitter. */
  readonly chance?: () => number
}

export interface HolderOptions extends Custody {
  readonly onEvent?: (event: HolderEvent) => void
  /** A `Meter` of `@opentelemetry/api` fits. */
  readonly meter?: CounterMaker
  readonly limits?: Partial<HolderLimits>
}

/** Every waiting of a holder has a limit, and here it is. */
export interface HolderLimits {
  /** One request to the server, from sending to the last byte of the answer. */
  readonly requestSeconds: number
  /** All attempts of one refresh together; the lease is held a little longer. */
  readonly refreshSeconds: number
  /** An access token is renewed in the background once it has less than this share of its life left. */
  readonly renewAheadShare: number
  /** With less than this left an access token is not handed out any more. */
  readonly expiryMarginSeconds: number
  /** So long a record is used without looking into the store whether somebody else moved or ended it. */
  readonly rereadSeconds: number
  /** The longest cooldown of a grant whose server does not answer. */
  readonly cooldownSecondsMax: number
}

export interface Holder {
  /**
   * Keeps what a sign-in brought under `grant`, and answers once it is stored. What was kept there before is revoked at
   * the server. Rejects with `CustodyFailed` when it could not be stored: then the caller still has the tokens.
   */
  keep(grant: string, fresh: FreshGrant): Promise<GrantView>
  /** What is known of a grant without asking the server, or null. Never a token. */
  look(grant: string): Promise<GrantView | null>
  /**
   * A living access token: the kept one, or one that is refreshed now. Rejects with `SignInNeeded`, `RefreshPostponed`,
   * `RefreshRefused` or `CustodyFailed`.
   */
  accessToken(grant: string, wanted?: Wanted): Promise<AccessToken>
  /**
   * A fetch that sends the grant's access token, with a DPoP proof where it is bound to a key. After a 401 that blames
   * the token it asks once more with a new one, where the body can be sent again. It refuses origins other than `origins`
   * (by default that of `resource`) with a `TypeError`, before anything is sent.
   */
  fetchAs(grant: string, target: FetchTarget): (input: string | URL, init?: RequestInit) => Promise<Response>
  /**
   * Presents the refresh token for something else than an access token, with the care of a refresh: token exchange at
   * Pawl's branching. `taken` gets the answer first and stores what is new in it; then the `refresh_token` of the answer
   * becomes the grant's. When it rejects nothing is stored, and the same call gets the same answer again. A refusal is
   * `RefreshRefused`, whatever its code: it never ends the grant.
   */
  exchange(grant: string, request: ExchangeRequest, taken: (tokens: TokenAnswer) => Promise<void>): Promise<GrantView>
  /**
   * Refreshes now, though the kept access token may live: how an idle grant is kept alive. Rejects like `accessToken`.
   */
  refresh(grant: string): Promise<GrantView>
  /**
   * Signs out: revokes the refresh token at the server (RFC 7009), removes the record, tells others. Removes the record
   * also when the server could not be reached, and then answers `unreachable`.
   */
  end(grant: string): Promise<'revoked' | 'unreachable' | 'absent'>
  /** Stops watching the store and waits for refreshes that were sent. The store stays open: it is the caller's. */
  close(): Promise<void>
}

/** Tokens as a token endpoint answered them, with the wire's names: of `oauth4webapi`, `openid-client` or any other. */
export interface TokenAnswer {
  /** Absent where a branch brings a refresh token alone; the first access token is asked for when it is needed. */
  readonly access_token?: string
  readonly token_type?: string
  readonly expires_in?: number
  readonly refresh_token?: string
  readonly refresh_token_timeout?: number
  readonly authorization_expires_in?: number
  readonly scope?: string
  readonly id_token?: string
}

export interface FreshGrant {
  /** Who issued the tokens, where the sign-in says so: a holder of another server does not take them. */
  readonly issuer?: string
  readonly tokens: TokenAnswer
  /** The resource that the access token is for, where one was asked for. */
  readonly resource?: string
  /** `sub` and `sid` of the ID token that was validated at sign-in. */
  readonly subject?: string
  readonly sessionId?: string
  /** By how many milliseconds the issuer's clock is ahead of ours, where the sign-in found out. */
  readonly skewMs?: number
  /** The key that the tokens are bound to. Extractable, unless the store keeps keys. */
  readonly dpopKey?: CryptoKeyPair
}

export interface Wanted {
  /** RFC 8707: what the token is for. One at a time; it must be among those granted. */
  readonly resource?: string
  /** Less than was granted, space-separated. */
  readonly scope?: string
  /** A token that an API refused: get another one. Whoever asks with the same one shares one refresh. */
  readonly ifNot?: string
}

export interface AccessToken {
  readonly token: string
  readonly type: 'Bearer' | 'DPoP'
  /** By the clock of this machine. */
  readonly expiresAtMs: number
  readonly scope: string | null
  /** For proofs, where `type` is `DPoP`. */
  readonly dpopKey: CryptoKeyPair | null
}

export interface ExchangeRequest {
  readonly grantType: string
  /** All but `grant_type` and `subject_token`. */
  readonly parameters: { readonly [name: string]: string }
}

export interface FetchTarget extends Omit<Wanted, 'ifNot'> {
  readonly origins?: readonly string[]
}

/** What may be shown of a grant: nothing of it can be used. */
export interface GrantView {
  readonly grant: string
  readonly subject: string | null
  readonly sessionId: string | null
  readonly scope: string | null
  readonly generation: number
  readonly createdAtMs: number
  readonly refreshedAtMs: number
  readonly idleExpiresAtMs: number | null
  readonly absoluteExpiresAtMs: number | null
  readonly hasRefreshToken: boolean
  readonly end: { readonly reason: EndReason; readonly atMs: number } | null
}

/**
 * How a refresh came out. `advanced`: asked, answered, stored. `adopted`: somebody else had refreshed. `recovered`: stored
 * after at least one attempt whose answer was lost. `postponed`: no answer; the token is kept. `unsaved`: answered, but
 * the store failed; the tokens are held in memory. `refused`: the server refused for a reason no sign-in mends.
 */
export type RefreshOutcome =
  | 'advanced'
  | 'adopted'
  | 'recovered'
  | 'postponed'
  | 'unsaved'
  | 'refused'
  | `ended:${EndReason}`

export type HolderEvent =
  | { readonly kind: 'kept'; readonly grant: string }
  /** The application signed out here. */
  | { readonly kind: 'ended'; readonly grant: string }
  | {
      readonly kind: 'refresh'
      readonly grant: string
      readonly outcome: RefreshOutcome
      readonly requests: number
      readonly error?: unknown
    }
  /** The store or the listener of something else failed where nobody waits for an answer. */
  | { readonly kind: 'trouble'; readonly grant: string; readonly error: unknown }
  /** Somebody else signed out or saved: another tab, another process. */
  | { readonly kind: 'moved'; readonly grant: string; readonly isRemoved: boolean }

export interface CounterMaker {
  createCounter(name: string, options?: { readonly description?: string }): Counter
}

export interface Counter {
  add(value: number, attributes?: { readonly [name: string]: string }): void
}
