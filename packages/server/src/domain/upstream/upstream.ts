/**
 * Upstream providers: other OpenID providers at which people may sign in here. A person of theirs is a person of ours
 * only where a link says so, and a link is made by proof alone: somebody signed in on both sides in one browser, or
 * there was nobody here and the provider vouches for the address. That two accounts have one e-mail proves nothing.
 */

import type { Subject } from '@pawl/family'
import type { AuditEvent } from '../event/event.ts'
import type { Ends } from '../user/ends.ts'
import type { User } from '../user/user.ts'

export interface Upstream {
  /** As it stands in addresses: `google`, `acme-staff`. */
  readonly id: string
  /** What stands on the button. */
  readonly name: string
  readonly issuer: string
  /** Who we are there. */
  readonly clientId: string
  /** Sealed under the id, in base64url; null where we are a public client. */
  readonly sealedSecret: string | null
  readonly scopes: readonly string[]
  /** People who are nobody here yet get an account, where the provider says that their address is verified. */
  readonly createsUsers: boolean
  readonly createdAtMs: number
}

export interface UpstreamLink {
  readonly upstreamId: string
  /** `sub` there: the only thing about a person that an issuer never gives to another (OIDC Core §5.7). */
  readonly upstreamSubject: string
  readonly subject: Subject
  readonly createdAtMs: number
}

/** Somebody on the way there and back. */
export interface UpstreamAttempt {
  /** A keyed name of the `state` that travels: the row opens nothing by itself. */
  readonly id: string
  /** Sealed for one browser. */
  readonly sealed: string
  readonly expiresAtMs: number
}

/** Buttons on the sign-in page. */
export const upstreamsMax = 16
export const linksPerUserMax = 16
export const upstreamSubjectCharactersMax = 255

export interface UpstreamStore {
  read(id: string): Promise<Upstream | null>
  /** In the order of their ids. */
  list(limit: number): Promise<readonly Upstream[]>
  /** `moved`: the id is taken. */
  add(upstream: Upstream, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /**
   * None of its links counts from that moment on: whoever takes the id later is somebody else. They are taken away a few
   * at a time, after it. `moved`: it was gone already.
   */
  remove(id: string, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  readLink(upstreamId: string, upstreamSubject: string): Promise<UpstreamLink | null>
  linksOf(subject: Subject): Promise<readonly UpstreamLink[]>
  /** `moved`: that person is linked already, or the user has `linksPerUserMax`. */
  link(link: UpstreamLink, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Somebody new, with their link, in one transaction. `moved`: the address is taken, and nothing was written. */
  addUser(user: User, link: UpstreamLink, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /** Takes every link of this person to that provider away. `moved`: there was none, and that is as durable. */
  unlink(
    link: Pick<UpstreamLink, 'upstreamId' | 'subject'>,
    ends: Ends,
    events: readonly AuditEvent[],
  ): Promise<'done' | 'moved'>
  keepAttempt(attempt: UpstreamAttempt): Promise<void>
  /** Reads and takes it away: an answer counts once. */
  takeAttempt(id: string): Promise<UpstreamAttempt | null>
}

export function sealUpstreamSecret(
  sealer: { readonly sealText: (purpose: string, identity: string, plain: string) => string },
  id: string,
  secret: string,
): string {
  return sealer.sealText(secretPurpose, id, secret)
}

/** Null where the master key that sealed it is gone. */
export function openUpstreamSecret(
  sealer: { readonly openText: (purpose: string, identity: string, sealed: string) => string | null },
  id: string,
  sealed: string,
): string | null {
  return sealer.openText(secretPurpose, id, sealed)
}

const secretPurpose = 'upstream-secret'
