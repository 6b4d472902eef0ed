/**
 * An authorization request that is kept for a while: because its client pushed it (RFC 9126), or because it is too long
 * to ride through sign-in in a form. It was checked before it came here. The id of the family that its answer will open
 * was chosen with it, so that one pushed request opens one family, however often its address is followed.
 */

import type { ClientId } from '@pawl/family'

export interface PushedRequest {
  /** The digest of what its `request_uri` ends with; the table opens nothing to whoever reads it. */
  readonly id: string
  readonly clientId: ClientId
  /** The checked request as JSON, with the id of the family that its answer opens. */
  readonly request: string
  /** Until when its `request_uri` starts an authorization; 0 where it has none, or was answered. */
  readonly opensUntilMs: number
  /** Until when an authorization that has started may go on with it. */
  readonly expiresAtMs: number
}

export interface PushedRequestStore {
  save(pushed: PushedRequest): Promise<void>
  /** As it stands, whether or not its times are over. */
  read(id: string): Promise<PushedRequest | null>
  /** Keeps it until then at least. What has gone already stays gone. */
  keep(id: string, untilMs: number): Promise<void>
  /** It was answered: its `request_uri` starts nothing any more. Durable before it resolves. */
  close(id: string): Promise<void>
}
