/**
 * The second factor: a one-time code or, in its place, a recovery code. Six digits can be guessed, so tries are few: each
 * is charged before it is looked at, by account for all strangers together, and apart for each browser the account knows,
 * so that who has stolen a password does not also lock the owner out. No code is taken twice.
 */

import type { Subject } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import type { EventStore } from '../event/event.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import type { EventId } from '../identifiers.ts'
import type { Sealer } from '../keys/seal.ts'
import { charge, findOver, type Over, refund, secondsUntil } from '../throttle/throttle.ts'
import type { ThrottleStore } from '../throttle/throttle-store.ts'
import type { CredentialStore, Totp } from './credentials.ts'
import { type KeyOf, knownDevice } from './known-device.ts'
import { type KeysOf, recoveryHashes } from './recovery-codes.ts'
import { secondFactorLimits, type SignInLimits } from './sign-in-limits.ts'
import { codePattern, openTotpKey, sealTotpKey, stepOfCode } from './totp.ts'

export interface SecondFactorMeans {
  readonly credentials: Pick<CredentialStore, 'ofUser' | 'spendTotp' | 'resealTotp' | 'spendRecoveryCode'>
  readonly throttles: ThrottleStore
  readonly events: Pick<EventStore, 'record'>
  readonly hashes: KeyOf & KeysOf
  readonly sealer: Sealer
  readonly entropy: Entropy
  /** The store's time. */
  readonly nowMs: () => Promise<number>
  readonly limits: SignInLimits
}

export interface SecondFactorAttempt {
  readonly subject: Subject
  /** The `emailKey` of the user: known devices are known by it. */
  readonly accountKey: string
  readonly code: string
  /** The device cookie as it came, or null. */
  readonly deviceSecret: string | null
  readonly caller: Caller
}

export type SecondFactorOutcome =
  | { readonly kind: 'shown'; readonly by: 'code' | 'recovery_code' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

export async function showSecondFactor(
  means: SecondFactorMeans,
  attempt: SecondFactorAttempt,
): Promise<SecondFactorOutcome> {
  const nowMs = await means.nowMs()
  const deviceId = knownDevice(means.hashes, attempt.deviceSecret, attempt.accountKey)
  const limits = secondFactorLimits(means.limits, means.hashes, { subject: attempt.subject, deviceId })
  const charged = (await findOver(means.throttles, limits)) ?? (await charge(means.throttles, limits))
  if (charged.kind === 'over') {
    await recordAlarm(means, charged, attempt, nowMs)
    return { kind: 'throttled', retryAfterSeconds: secondsUntil(charged.endsAtMs, nowMs) }
  }
  const by = await spend(means, attempt, nowMs)
  if (by === null) return { kind: 'refused' }
  await refund(means.throttles, charged.keys)
  return { kind: 'shown', by }
}

async function spend(
  means: SecondFactorMeans,
  { subject, code, caller }: SecondFactorAttempt,
  nowMs: number,
): Promise<'code' | 'recovery_code' | null> {
  const { totp } = await means.credentials.ofUser(subject)
  if (totp === null) return null
  const digits = code.replace(/\s/g, '')
  if (codePattern.test(digits)) {
    return (await spendCode(means, totp, digits, nowMs)) ? 'code' : null
  }
  const hashes = recoveryHashes(means.hashes, subject, code)
  if (hashes.length === 0) return null
  const event = newEvent('recovery_code_used', { subject, caller, atMs: nowMs }, means.entropy)
  const outcome = await means.credentials.spendRecoveryCode(subject, hashes, [event])
  return outcome === 'done' ? 'recovery_code' : null
}

async function spendCode(means: SecondFactorMeans, totp: Totp, digits: string, nowMs: number): Promise<boolean> {
  const { subject, sealedKey } = totp
  const key = openTotpKey(means.sealer, subject, sealedKey)
  const step = key === null ? null : stepOfCode(key, digits, nowMs)
  if (key === null || step === null || (await means.credentials.spendTotp(subject, step)) !== 'done') return false
  // The master key of before can go once everybody has been here.
  if (!means.sealer.isUnderCurrentKey(sealedKey)) {
    await means.credentials.resealTotp(totp, sealTotpKey(means.sealer, subject, key))
  }
  return true
}

/** Somebody knows this person's password and guesses on: one event per limit and window. */
async function recordAlarm(
  means: SecondFactorMeans,
  over: Over,
  attempt: SecondFactorAttempt,
  atMs: number,
): Promise<void> {
  if (!over.isFirstOver) return
  const detail = { limit: over.limit.name, failures: over.limit.failuresMax }
  const about = { subject: attempt.subject, caller: attempt.caller, atMs, detail }
  const id = `${over.limit.key}.${over.endsAtMs}.sign_in_throttled` as EventId
  await means.events.record([{ ...newEvent('sign_in_throttled', about, means.entropy), id }])
}
