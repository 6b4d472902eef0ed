/** A type of authorization details that this server knows (RFC 9396 §2.1): what it may hold, and how a person reads it. */

import type { AuditEvent } from '../event/event.ts'
import type { ObjectSchema } from './details-schema.ts'

export interface DetailsType {
  /** Names the row and never changes. */
  readonly type: string
  /** What the person reads, with the values of required members in braces: `Pay {amount.value} {amount.currency}`. */
  readonly sentence: string
  /** Where it may be used: the only values of `locations`. Empty: the schema alone says. */
  readonly resources: readonly string[]
  /** Of everything but `type`. */
  readonly schema: ObjectSchema
  readonly createdAtMs: number
}

export interface DetailsTypeReading {
  readonly detailsType: DetailsType
  readonly version: number
}

export interface DetailsTypeStore {
  read(type: string): Promise<DetailsTypeReading | null>
  list(limit: number): Promise<readonly DetailsType[]>
  names(limit: number): Promise<readonly string[]>
  /** `moved`: the name is taken. */
  add(detailsType: DetailsType, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  change(detailsType: DetailsType, version: number, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** What was granted stays granted; nothing more is. */
  remove(type: string, version: number, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
}

export const detailsTypesMax = 256
