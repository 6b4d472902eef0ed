/** What a user once allowed a client, remembered so that the question need not be asked again. Not a grant. */

import type { ClientId, Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'

export interface Consent {
  readonly subject: Subject
  readonly clientId: ClientId
  readonly scopes: readonly string[]
  readonly givenAtMs: number
}

export interface ConsentStore {
  read(subject: Subject, clientId: ClientId): Promise<Consent | null>
  /** Adds to what was allowed before. */
  save(consent: Consent, events: readonly AuditEvent[]): Promise<void>
  /** Forgets the consent and cuts off every family that stands on it, in one transaction. */
  withdraw(subject: Subject, clientId: ClientId, by: string, events: readonly AuditEvent[]): Promise<void>
}
