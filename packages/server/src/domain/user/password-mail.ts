/**
 * Choosing a password by mail. The link carries everything, sealed: whom it is for, until when, and which password was
 * in force when it was asked for. Nothing is stored, so nothing of it can be stolen from the store, and the moment a
 * password is set every link of before is dead, the one that was used among them.
 */

import type { Subject } from '@pawl/family'
import type { Sealer } from '../keys/seal.ts'
import { charge, findOver, type Limit } from '../throttle/throttle.ts'
import type { ThrottleStore } from '../throttle/throttle-store.ts'
import { type KeyOf, knownDevice } from './known-device.ts'
import type { User } from './user.ts'

export const linkSeconds = 900
/** Mails to one account, whoever asks for them. */
export const mailsPerHourMax = 5
/** Of one network, to all accounts together. */
export const mailsPerNetworkAndHourMax = 20
/** Word to one person of changes to how they sign in. */
export const noticesPerHourMax = 10
const hourSeconds = 3600

export type Link =
  /** To somebody who has an account. */
  | { readonly kind: 'reset'; readonly subject: Subject; readonly password: string; readonly endsAtMs: number }
  /** To somebody who wants one: that they read this mail proves the address theirs. */
  | { readonly kind: 'sign_up'; readonly email: string; readonly endsAtMs: number }

export function resetLink(hashes: KeyOf, user: User, nowMs: number): Link {
  return { kind: 'reset', subject: user.subject, password: passwordMark(hashes, user), endsAtMs: endOf(nowMs) }
}

export function signUpLink(email: string, nowMs: number): Link {
  return { kind: 'sign_up', email, endsAtMs: endOf(nowMs) }
}

/** True while the password is the one it was when the link was asked for. */
export function isStillDue(hashes: KeyOf, link: Link & { readonly kind: 'reset' }, user: User): boolean {
  return !user.disabled && passwordMark(hashes, user) === link.password
}

export function sealLink(sealer: Sealer, link: Link): string {
  return sealer.sealText(purpose, '', JSON.stringify(link))
}

/** Null for what we did not seal, and at the end of its time. */
export function openLink(sealer: Sealer, token: string, nowMs: number): Link | null {
  const text = sealer.openText(purpose, '', token)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const link = JSON.parse(text) as Link
  return nowMs < link.endsAtMs ? link : null
}

export interface MailWanted {
  readonly accountKey: string
  readonly network: string
  /** The device cookie as it came, or null. */
  readonly deviceSecret: string | null
}

/**
 * Counts one more mail; false where there were enough. The same work for an account that is there and one that is not. A
 * browser that has signed in to the account before does not wait for what others of its network ask for.
 */
export async function mayMail(throttles: ThrottleStore, hashes: KeyOf, wanted: MailWanted): Promise<boolean> {
  const { accountKey, network, deviceSecret } = wanted
  const isKnown = knownDevice(hashes, deviceSecret, accountKey) !== null
  const limits = [
    mailLimit(hashes, 'mail_account', accountKey, mailsPerHourMax),
    ...(isKnown ? [] : [mailLimit(hashes, 'mail_network', network, mailsPerNetworkAndHourMax)]),
  ]
  // Asked first: whoever goes on against a full limit leaves no rows behind.
  if ((await findOver(throttles, limits)) !== null) return false
  return (await charge(throttles, limits)).kind === 'within'
}

/** Counts one more notice; false where there were enough: whoever changes things back and forth buries nobody in mail. */
export async function mayTell(throttles: ThrottleStore, hashes: KeyOf, subject: Subject): Promise<boolean> {
  return (await charge(throttles, [mailLimit(hashes, 'mail_notice', subject, noticesPerHourMax)])).kind === 'within'
}

function mailLimit(hashes: KeyOf, name: string, who: string, failuresMax: number): Limit {
  const key = hashes.keyOf('mail-throttle', `${name} ${who}`)
  return { name, key, failuresMax, windowSeconds: hourSeconds }
}

const purpose = 'password-link'

function endOf(nowMs: number): number {
  return nowMs + linkSeconds * 1000
}

/** Salted anew each time a password is set, even the same one, so no two are alike. */
function passwordMark(hashes: KeyOf, user: User): string {
  return hashes.keyOf('password-mark', user.passwordHash)
}
