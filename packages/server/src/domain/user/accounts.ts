/**
 * What an operator does to people. Disabling somebody and giving somebody a new password end every session and family of
 * before, in the transaction that makes it true; enabling brings none of them back.
 */

import type { Subject } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import type { EventKind } from '../event/event.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import { newSubject } from '../identifiers.ts'
import { StoreUnavailable } from '../store.ts'
import { emailKey } from './email-key.ts'
import type { Ends } from './ends.ts'
import { type PasswordFault, passwordFault, type PasswordHasher, type TooBusy } from './password.ts'
import type { User, UserStore } from './user.ts'

export interface AccountMeans {
  readonly users: UserStore
  readonly passwords: PasswordHasher
  readonly entropy: Entropy
  /** The store's time. */
  readonly nowMs: () => Promise<number>
}

export interface NewUser {
  readonly email: string
  readonly emailVerified: boolean
  readonly password: string
  readonly claims: User['claims']
}

export type PasswordRefused = { readonly kind: 'password_refused'; readonly fault: PasswordFault }

export type UserAdded =
  | { readonly kind: 'added'; readonly user: User }
  | { readonly kind: 'email_invalid' }
  | { readonly kind: 'email_taken' }
  | PasswordRefused
  | TooBusy

/** `unchanged`: it was so already, no event was written, and that it is so is durable. */
export type UserChanged = { readonly kind: 'changed'; readonly user: User } | { readonly kind: 'unchanged' | 'unknown' }

/** How often a change is tried anew because somebody else wrote the row in between. */
const changeAttemptsMax = 5

export async function addUser(means: AccountMeans, wanted: NewUser, caller: Caller): Promise<UserAdded> {
  const email = wanted.email.trim()
  if (emailKey(email) === null) return { kind: 'email_invalid' }
  const fault = passwordFault(wanted.password)
  if (fault !== null) return { kind: 'password_refused', fault }
  const hashed = await means.passwords.hash(wanted.password)
  if (hashed.kind === 'too_busy') return hashed
  const nowMs = await means.nowMs()
  const user: User = {
    subject: newSubject(means.entropy),
    email,
    emailVerified: wanted.emailVerified,
    passwordHash: hashed.phc,
    claims: wanted.claims,
    disabled: false,
    createdAtMs: nowMs,
  }
  const event = newEvent('user_added', { subject: user.subject, caller, atMs: nowMs }, means.entropy)
  const added = await means.users.add(user, [event])
  return added === 'done' ? { kind: 'added', user } : { kind: 'email_taken' }
}

/**
 * Nobody signs in as this user any more, and what was opened before is over; also where they were disabled already,
 * because then whoever did that may not have been told that everything is over.
 */
export async function disableUser(means: AccountMeans, subject: Subject, caller: Caller): Promise<UserChanged> {
  const change = (user: User) => ({ ...user, disabled: true })
  const isSoAlready = (user: User) => user.disabled
  return changeUser(means, { subject, caller, kind: 'user_disabled', ends: 'all', change, isSoAlready })
}

/** The user may sign in again. Sessions and families of before stay over (the cut-off stands). */
export async function enableUser(means: AccountMeans, subject: Subject, caller: Caller): Promise<UserChanged> {
  const change = (user: User) => ({ ...user, disabled: false })
  const isSoAlready = (user: User) => !user.disabled
  return changeUser(means, { subject, caller, kind: 'user_enabled', ends: 'nothing', change, isSoAlready })
}

/**
 * Changes what is known of a user. Nothing of before ends: whatever is issued or answered from now on tells it, because
 * every refresh and every userinfo reads it anew.
 */
export async function changeProfile(
  means: AccountMeans,
  subject: Subject,
  change: (user: User) => Pick<User, 'claims' | 'emailVerified'>,
  caller: Caller,
): Promise<UserChanged> {
  const replace = (user: User) => {
    const { claims, emailVerified } = change(user)
    return { ...user, claims, emailVerified }
  }
  const isSoAlready = (before: User, after: User) =>
    after.emailVerified === before.emailVerified && JSON.stringify(after.claims) === JSON.stringify(before.claims)
  return changeUser(means, { subject, caller, kind: 'user_changed', ends: 'nothing', change: replace, isSoAlready })
}

export interface NewPassword {
  readonly subject: Subject
  readonly password: string
}

/** A reset, by an operator or by mail: whoever was signed in with the old password is signed out everywhere. */
export async function resetPassword(
  means: AccountMeans,
  reset: NewPassword,
  caller: Caller,
): Promise<UserChanged | PasswordRefused | TooBusy> {
  return setPassword(means, { ...reset, ends: 'all', emailVerified: false }, caller)
}

export interface PasswordSetting extends NewPassword {
  readonly ends: Ends
  /** The person has just shown that mail to their address reaches them. */
  readonly emailVerified: boolean
  /** Asked of the very row that is to be replaced: where it says no, nothing is changed. */
  readonly isDue?: (user: User) => boolean
}

export async function setPassword(
  means: AccountMeans,
  setting: PasswordSetting,
  caller: Caller,
): Promise<UserChanged | PasswordRefused | TooBusy> {
  const { subject, password, ends } = setting
  const fault = passwordFault(password)
  if (fault !== null) return { kind: 'password_refused', fault }
  const hashed = await means.passwords.hash(password)
  if (hashed.kind === 'too_busy') return hashed
  const { emailVerified, isDue = () => true } = setting
  const change = (user: User) =>
    isDue(user) ? { ...user, passwordHash: hashed.phc, emailVerified: user.emailVerified || emailVerified } : null
  const isSoAlready = () => false
  return changeUser(means, { subject, caller, kind: 'password_changed', ends, change, isSoAlready })
}

interface UserChange {
  readonly subject: Subject
  readonly caller: Caller
  readonly kind: EventKind
  readonly ends: Ends
  /** The user as it must be saved; null where nothing is to change any more. */
  readonly change: (user: User) => User | null
  /** True where the change changes nothing: then there is no event. */
  readonly isSoAlready: (before: User, after: User) => boolean
}

async function changeUser(means: AccountMeans, wanted: UserChange): Promise<UserChanged> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const reading = await means.users.read(wanted.subject)
    if (reading === null) return { kind: 'unknown' }
    const user = wanted.change(reading.user)
    if (user === null) return { kind: 'unchanged' }
    const isChanged = !wanted.isSoAlready(reading.user, user)
    const about = { subject: user.subject, caller: wanted.caller, atMs: await means.nowMs() }
    const events = isChanged ? [newEvent(wanted.kind, about, means.entropy)] : []
    // That it was so already was only read. It is written again: the answer says that it is durable.
    if ((await means.users.change(user, reading.version, wanted.ends, events)) === 'done') {
      return isChanged ? { kind: 'changed', user } : { kind: 'unchanged' }
    }
  }
  throw new StoreUnavailable(`the user's row moved ${changeAttemptsMax} times while it was being changed`)
}
