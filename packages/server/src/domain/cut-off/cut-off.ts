/**
 * A cut-off ends many families with one row: nothing of `key` that stands on a moment before `atMs` is valid. It is read
 * inside every step and by introspection, never cached. The latest wins; there is no way to take one back.
 */

import type { ClientId, GrantId, SessionId, Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'

export type CutOffTarget =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'client'; readonly clientId: ClientId }
  /** `spares` is the session in which its user asked for it: what stands on that session lives. */
  | { readonly kind: 'user'; readonly subject: Subject; readonly spares?: SessionId }
  | { readonly kind: 'session'; readonly sessionId: SessionId }
  /** The session's user signed out: only families that end with the session are over. */
  | { readonly kind: 'logout'; readonly sessionId: SessionId }
  | { readonly kind: 'grant'; readonly grantId: GrantId }
  | { readonly kind: 'consent'; readonly subject: Subject; readonly clientId: ClientId }

export interface CutOff {
  readonly target: CutOffTarget
  readonly reason: string
  readonly by: string
  /**
   * What stood before this instant is over. Null: everything up to the acknowledgement. The store then takes its own
   * time plus one millisecond and moves its time there, so that what is opened afterwards stands on T or later and
   * what was opened before stands below it, with no gap and no overlap.
   */
  readonly beforeMs: number | null
}

export interface RecordedCutOff {
  readonly target: CutOffTarget
  readonly atMs: number
  readonly reason: string
  readonly by: string
  readonly setAtMs: number
}

/** The key under which the store keeps it: unique per target, so that the latest replaces the one before. */
export function cutOffKey(target: CutOffTarget): string {
  switch (target.kind) {
    case 'everyone':
      return ''
    case 'client':
      return target.clientId
    case 'user':
      return target.subject
    case 'session':
    case 'logout':
      return target.sessionId
    case 'grant':
      return target.grantId
    case 'consent':
      return consentKey(target.subject, target.clientId)
  }
}

/** A space is in neither id. */
export function consentKey(subject: Subject, clientId: ClientId): string {
  return `${subject} ${clientId}`
}

export interface CutOffStore {
  /** Sets the cut-off durably; answers T. A cut-off earlier than the one recorded changes nothing and answers the recorded T. */
  set(cutOff: CutOff, events: readonly AuditEvent[]): Promise<number>
  /** T of the cut-off on record for this very target, 0 where there is none. Families read theirs with their row. */
  latest(target: CutOffTarget): Promise<number>
  /** How many living families it would end now. For a preview; O(families of the target). */
  countLiving(target: CutOffTarget, beforeMs: number | null): Promise<number>
  list(limit: number): Promise<readonly RecordedCutOff[]>
}
