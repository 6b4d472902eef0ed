/** A browser that has signed in. The cookie holds a secret; the row holds its keyed hash and the public `sid`. */

import type { SessionId, Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'

export interface Session {
  readonly id: SessionId
  /** Keyed hash of the cookie's value. Changes at every sign-in and step-up. */
  readonly secretHash: string
  readonly subject: Subject
  readonly authTimeMs: number
  /** One of `acr.ts`. */
  readonly acr: string
  readonly amr: readonly string[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** Whence and with what its person signed in last: by that they know it again among their sessions. */
  readonly address: string
  readonly agent: string
}

export interface SessionStore {
  /** The living session of this cookie: not expired, not ended, not cut off by user, session, logout or everyone. */
  readBySecretHash(secretHash: string): Promise<Session | null>
  read(id: SessionId): Promise<Session | null>
  /** The living sessions of a user, the latest sign-in first. */
  ofUser(subject: Subject, limit: number): Promise<readonly Session[]>
  /**
   * For a cookie that opens nothing. Once this answers null, that is durable, and whatever end of its session was begun
   * is finished; a session that lives after all is answered.
   */
  settleEnd(secretHash: string): Promise<Session | null>
  /** Saves a new session or replaces the row of the same id; `replaces` is another session of the browser and ends by `logout`. */
  save(session: Session, replaces: SessionId | null, events: readonly AuditEvent[]): Promise<void>
  /**
   * Ends the session: a cut-off stands in its place, and then the row goes. `logout` ends the families that end with
   * the session; `session` ends every family that was opened in it.
   */
  end(id: SessionId, cutOff: 'logout' | 'session', reason: string, events: readonly AuditEvent[]): Promise<void>
}
