/** A person who can sign in. The subject never changes and is never given to anyone else. */

import type { Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'
import type { Ends } from './ends.ts'

export interface User {
  readonly subject: Subject
  /** As the person wrote it; `emailKey` of it is what must be unique. */
  readonly email: string
  readonly emailVerified: boolean
  /** A PHC string (argon2id). */
  readonly passwordHash: string
  /** OIDC Core §5.1 claims besides `sub` and `email`: name, given_name, locale, phone_number, address … */
  readonly claims: { readonly [name: string]: unknown }
  readonly disabled: boolean
  readonly createdAtMs: number
}

/** The groups that an operator put the user into: the claim `groups` (RFC 9068 §2.2.3.1). */
export function groupsOf({ claims }: Pick<User, 'claims'>): readonly string[] {
  const { groups } = claims
  return Array.isArray(groups) ? groups.filter(group => typeof group === 'string') : []
}

export interface UserReading {
  readonly user: User
  readonly version: number
}

export interface UserStore {
  read(subject: Subject): Promise<UserReading | null>
  /** By `emailKey`, never by what was typed. */
  readByEmailKey(emailKey: string): Promise<UserReading | null>
  list(limit: number): Promise<readonly User[]>
  /** `moved`: the e-mail is taken. */
  add(user: User, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** What the change ends of before, it ends in the same transaction. */
  change(user: User, version: number, ends: Ends, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
}
