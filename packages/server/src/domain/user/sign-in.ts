/**
 * Signing in with a password. Two promises: an unknown name, a disabled user and a wrong password cannot be told apart,
 * by answer or by time; and nobody can lock somebody else out. Throttles count failures only, survive a restart, and a
 * browser that has signed in to the account before answers for itself alone (`known-device.ts`).
 */

import type { Entropy } from '../entropy.ts'
import type { EventStore } from '../event/event.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import type { EventId } from '../identifiers.ts'
import { networkOf } from '../throttle/network.ts'
import { charge, type Charged, findOver, type Over, refund, secondsUntil } from '../throttle/throttle.ts'
import type { ThrottleStore } from '../throttle/throttle-store.ts'
import { emailKey } from './email-key.ts'
import { type KeyOf, knownDevice, rememberDevice } from './known-device.ts'
import { type PasswordHasher, tooBusyRetrySeconds } from './password.ts'
import { accountLimits, type Attempter, networkLimit, serverLimit, type SignInLimits } from './sign-in-limits.ts'
import type { User, UserStore } from './user.ts'

export interface SignInMeans {
  readonly users: Pick<UserStore, 'readByEmailKey'>
  readonly throttles: ThrottleStore
  readonly events: Pick<EventStore, 'record'>
  readonly passwords: PasswordHasher
  readonly hashes: KeyOf
  readonly entropy: Entropy
  /** The store's time. */
  readonly nowMs: () => Promise<number>
  readonly limits: SignInLimits
}

export interface SignInAttempt {
  readonly username: string
  readonly password: string
  /** The device cookie as it came, or null. */
  readonly deviceSecret: string | null
  /** Its address is the one the socket or a trusted proxy gave: never a header that anybody can send. */
  readonly caller: Caller
}

export type SignInOutcome =
  | {
      readonly kind: 'signed_in'
      readonly user: User
      /** Read before the user was, so that a cut-off set meanwhile covers what is opened with it. */
      readonly authTimeMs: number
      /** What the device cookie must hold from now on. */
      readonly deviceSecret: string
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

export async function signIn(means: SignInMeans, attempt: SignInAttempt): Promise<SignInOutcome> {
  // Asked first: under a flood the limits are not even charged, which would take the disk that refreshes need.
  if (means.passwords.isFull()) return busy
  const authTimeMs = await means.nowMs()
  const accountKey = accountKeyOf(attempt.username)
  const user = (await means.users.readByEmailKey(accountKey))?.user ?? null
  const deviceId = knownDevice(means.hashes, attempt.deviceSecret, accountKey)
  const who = { accountKey, deviceId, network: networkOf(attempt.caller.address) }
  const { charged, alarms } = await chargeAttempt(means, who)
  await recordAlarms(means, alarms, { who, user, caller: attempt.caller, atMs: authTimeMs })
  if (charged.kind === 'over') {
    return { kind: 'throttled', retryAfterSeconds: secondsUntil(charged.endsAtMs, authTimeMs) }
  }
  const verified = await means.passwords.verify(user?.passwordHash ?? means.passwords.dummyPhc, attempt.password)
  if (verified === 'too_busy') {
    await refund(means.throttles, charged.keys)
    return busy
  }
  if (verified === 'wrong' || user === null || user.disabled) return { kind: 'refused' }
  await refund(means.throttles, charged.keys)
  return { kind: 'signed_in', user, authTimeMs, deviceSecret: rememberDevice(means, attempt.deviceSecret, accountKey) }
}

const busy: SignInOutcome = { kind: 'busy', retryAfterSeconds: tooBusyRetrySeconds }

/**
 * What is no address is nobody's account, but walks the same way under a key of its own: no answer and no delay tells
 * one name from another. A key of an address never begins with a space.
 */
function accountKeyOf(username: string): string {
  const text = username.trim()
  return emailKey(text) ?? ` ${text}`
}

interface ChargedAttempt {
  readonly charged: Charged
  /** The limits that this attempt was the first to find full. */
  readonly alarms: readonly Over[]
}

async function chargeAttempt(means: SignInMeans, who: Attempter): Promise<ChargedAttempt> {
  const own = accountLimits(means.limits, means.hashes, who)
  const shared = who.deviceId === null ? [networkLimit(means.limits, means.hashes, who.network, false)] : []
  const over = await findOver(means.throttles, [...own, ...shared])
  if (over !== null) return { charged: over, alarms: [] }
  const narrow = await charge(means.throttles, own)
  // A known device answers for itself: no stranger can fill its limit, and it cannot spray.
  if (narrow.kind === 'over' || who.deviceId !== null) return { charged: narrow, alarms: alarmsOf(narrow) }
  const server = serverLimit(means.limits, means.hashes)
  const everywhere = await charge(means.throttles, [server])
  const underSpray = everywhere.kind === 'over'
  const wide = await charge(means.throttles, [networkLimit(means.limits, means.hashes, who.network, underSpray)])
  const alarms = [...alarmsOf(everywhere), ...alarmsOf(wide)]
  const keys = [...narrow.keys, server.key]
  if (wide.kind === 'within') return { charged: { kind: 'within', keys: [...keys, ...wide.keys] }, alarms }
  await refund(means.throttles, keys)
  return { charged: wide, alarms }
}

function alarmsOf(charged: Charged): readonly Over[] {
  return charged.kind === 'over' && charged.isFirstOver ? [charged] : []
}

interface Circumstances {
  readonly who: Attempter
  readonly user: User | null
  readonly caller: Caller
  readonly atMs: number
}

/** One event per limit and window, however often the count passes the mark: the id is the same, and so it only counts. */
async function recordAlarms(means: SignInMeans, alarms: readonly Over[], seen: Circumstances): Promise<void> {
  if (alarms.length === 0) return
  await means.events.record(
    alarms.map(({ limit, endsAtMs }) => {
      const detail = { limit: limit.name, failures: limit.failuresMax, network: seen.who.network }
      const about = { subject: seen.user?.subject ?? null, caller: seen.caller, atMs: seen.atMs, detail }
      const id = `${limit.key}.${endsAtMs}.sign_in_throttled` as EventId
      return { ...newEvent('sign_in_throttled', about, means.entropy), id }
    }),
  )
}
