/**
 * What has been revoked lately, in the order of a line that every node shares. A revocation is written in the transaction
 * of the end or cut-off that causes it, without a place: transactions become visible in another order than they began in,
 * and whoever reads by a time that was written inside of one misses what becomes visible late. It is given its place once
 * it can be seen, behind everything that has one, so who has read up to a place has read all that is before it.
 */

import type { ClientId, FamilyId } from '@pawl/family'

/** What is dead, in words that an access token can be compared with. */
export type Revoked =
  | { readonly kind: 'family'; readonly familyId: FamilyId }
  /** Tokens that were exchanged for this client before that moment, out of a token of this family (RFC 8693). */
  | {
      readonly kind: 'exchanged'
      readonly familyId: FamilyId
      readonly clientId: ClientId
      readonly beforeMs: number
    }
  | { readonly kind: 'client'; readonly clientId: ClientId; readonly beforeMs: number }
  | { readonly kind: 'everyone'; readonly beforeMs: number }
  | { readonly kind: 'token'; readonly tokenId: string; readonly expiresAtMs: number }

/** One that is in line. Those that one cut-off caused share a place. */
export interface PlacedRevocation {
  readonly place: number
  readonly revoked: Revoked
}

export interface RevocationPage {
  readonly revocations: readonly PlacedRevocation[]
  /** Where to go on: the place of the last row that was read, or the one that was asked for. */
  readonly place: number
  /** There may be more behind it. */
  readonly isFull: boolean
}

/** How far the line reaches. */
export interface LineEnd {
  /** The last place that is given, 0 for none. */
  readonly place: number
  /** Everything that was acknowledged before this moment of the store's time has a place up to that one, or left long ago. */
  readonly asOfMs: number
}

/** How much longer than a token lives it is told of: for the clocks of resource servers. */
export const revocationSlackSeconds = 600
/** How long a revocation is told of, from the moment it could be seen: no access token lives longer than an hour. */
export const revocationToldSeconds = 3600 + revocationSlackSeconds

/**
 * A place is a moment of the store's time and a number within it. That time never goes back, not even where a database is
 * put back from a backup: what comes later always stands behind whatever place anybody was told.
 */
export const placesPerMs = 1000

export function placedAtMs(place: number): number {
  return Math.floor(place / placesPerMs)
}

export function placeAt(atMs: number): number {
  return atMs * placesPerMs
}

export interface RevocationStore {
  /** Gives a place to everything that was visible when it began. Writes nothing where nothing waits for one. */
  line(): Promise<LineEnd>
  /** What is in line behind this place, at most so many rows; a row that concerns many families brings all of them. */
  after(place: number, rows: number): Promise<RevocationPage>
}
