/**
 * An event is what the audit log keeps. Openings, ends and reuses leave exactly one, in the transaction that makes them
 * true (I12). Repeats, stales and proof-less presentations leave one per family, generation and kind, with a count.
 */

import type { ClientId, FamilyId, SessionId, Subject } from '@pawl/family'
import type { EventId, RequestId } from '../identifiers.ts'

export const eventKinds = [
  'family_opened',
  'family_ended',
  'token_reused',
  'token_repeated',
  'token_stale',
  'token_ahead',
  'retry_key_missing',
  'binding_missing',
  'wrong_client',
  'access_token_revoked',
  'cut_off_set',
  'client_added',
  'client_changed',
  'client_removed',
  'client_secret_rotated',
  'registration_token_added',
  'registration_token_revoked',
  'details_type_added',
  'details_type_changed',
  'details_type_removed',
  'resource_added',
  'resource_changed',
  'resource_removed',
  'user_added',
  'user_changed',
  'user_disabled',
  'user_enabled',
  'password_changed',
  'password_mail_sent',
  'signed_in',
  'session_raised',
  'totp_set',
  'totp_removed',
  'recovery_codes_made',
  'recovery_code_used',
  'passkey_added',
  'passkey_removed',
  'passkey_cloned',
  'factors_reset',
  'upstream_added',
  'upstream_removed',
  'upstream_linked',
  'upstream_unlinked',
  'sign_in_throttled',
  'signed_out',
  'delivery_failed',
  'consent_given',
  'consent_withdrawn',
  'signing_key_added',
  'suspicious_pkce',
  'device_denied',
  'user_codes_throttled',
  'token_exchanged',
] as const
export type EventKind = (typeof eventKinds)[number]

export interface AuditEvent {
  /** A UUIDv7; for counted kinds `countedEventId`, so that the second one finds the first. */
  readonly id: EventId
  readonly kind: EventKind
  readonly atMs: number
  readonly requestId: RequestId | null
  readonly familyId: FamilyId | null
  readonly clientId: ClientId | null
  readonly subject: Subject | null
  readonly sessionId: SessionId | null
  /** Where and who: generation, reason, address, user agent, operator. Plain JSON, no secret, at most `detailBytesMax`. */
  readonly detail: EventDetail
}

export type EventDetail = { readonly [name: string]: string | number | boolean | null }

/** An event as the log gives it back. */
export interface RecordedEvent extends AuditEvent {
  readonly count: number
  readonly lastAtMs: number
}

export const detailBytesMax = 2048

/** One id per family, generation and kind: recording it again only counts. */
export function countedEventId(kind: EventKind, familyId: FamilyId, generation: number): EventId {
  return `${familyId}.${generation}.${kind}` as EventId
}

export interface EventStore {
  /** Records events that change nothing else. Counted ids already there are counted up. */
  record(events: readonly AuditEvent[]): Promise<void>
  ofFamily(familyId: FamilyId, limit: number): Promise<readonly RecordedEvent[]>
  ofRequest(requestId: RequestId, limit: number): Promise<readonly RecordedEvent[]>
  latest(limit: number): Promise<readonly RecordedEvent[]>
}
