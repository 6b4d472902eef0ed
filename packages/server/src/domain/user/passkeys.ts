/**
 * Signing in with a passkey. The challenge is a keyed name of the page's own sealed state, so it opens in one browser
 * only and is never twice the same; whoever answers it first has taken it (WebAuthn §13.4.3).
 */

import type { Entropy } from '../entropy.ts'
import type { EventStore } from '../event/event.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import type { MarkStore } from '../mark/mark-store.ts'
import { networkOf } from '../throttle/network.ts'
import { charge, findOver, type Limit, refund, secondsUntil } from '../throttle/throttle.ts'
import type { ThrottleStore } from '../throttle/throttle-store.ts'
import type { CredentialStore, Passkey } from './credentials.ts'
import { emailKey } from './email-key.ts'
import { type KeyOf, knownDevice, rememberDevice } from './known-device.ts'
import { checkUse, type ClaimedUse, readUse, type RelyingParty } from './passkey-ceremony.ts'
import { passkeyLimits, type SignInLimits } from './sign-in-limits.ts'
import type { User, UserStore } from './user.ts'

export interface PasskeyMeans {
  readonly users: Pick<UserStore, 'read'>
  readonly credentials: Pick<CredentialStore, 'readPasskey' | 'usePasskey'>
  readonly marks: MarkStore
  readonly throttles: ThrottleStore
  readonly events: Pick<EventStore, 'record'>
  readonly hashes: KeyOf
  readonly entropy: Entropy
  /** The store's time. */
  readonly nowMs: () => Promise<number>
  readonly limits: SignInLimits
}

export interface PasskeyAttempt {
  readonly party: RelyingParty
  readonly challenge: string
  /** When the page that carries the challenge is over: the challenge is remembered as taken until then. */
  readonly challengeEndsAtMs: number
  /** `PublicKeyCredential.toJSON()`, as text. */
  readonly answer: string
  readonly deviceSecret: string | null
  readonly caller: Caller
}

export type PasskeyOutcome =
  | {
      readonly kind: 'signed_in'
      readonly user: User
      /** Read before the user was, so that a cut-off set meanwhile covers what is opened with it. */
      readonly authTimeMs: number
      readonly deviceSecret: string
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }

/**
 * An unknown passkey, a wrong answer, a copied authenticator and a disabled user are told apart by no answer. A browser that
 * the account knows answers for itself, so that no stranger in its network closes the door for it.
 */
export async function signInWithPasskey(means: PasskeyMeans, attempt: PasskeyAttempt): Promise<PasskeyOutcome> {
  const authTimeMs = await means.nowMs()
  const use = readUse(attempt.answer)
  const passkey = use === null ? null : await means.credentials.readPasskey(use.passkeyId)
  const user = passkey === null ? null : ((await means.users.read(passkey.subject))?.user ?? null)
  const limits = limitsOf(means, attempt, user)
  const charged = (await findOver(means.throttles, limits)) ?? (await charge(means.throttles, limits))
  if (charged.kind === 'over') {
    return { kind: 'throttled', retryAfterSeconds: secondsUntil(charged.endsAtMs, authTimeMs) }
  }
  if (use === null || passkey === null || user === null || user.disabled) return { kind: 'refused' }
  if (!(await isRight(means, attempt, { use, passkey, atMs: authTimeMs }))) return { kind: 'refused' }
  await refund(means.throttles, charged.keys)
  const deviceSecret = rememberDevice(means, attempt.deviceSecret, emailKey(user.email) ?? '')
  return { kind: 'signed_in', user, authTimeMs, deviceSecret }
}

function limitsOf(means: PasskeyMeans, { caller, deviceSecret }: PasskeyAttempt, user: User | null): readonly Limit[] {
  const network = networkOf(caller.address)
  const accountKey = user === null ? null : emailKey(user.email)
  if (accountKey === null) return passkeyLimits(means.limits, means.hashes, { network, account: null })
  const account = { accountKey, network, deviceId: knownDevice(means.hashes, deviceSecret, accountKey) }
  return passkeyLimits(means.limits, means.hashes, { network, account })
}

interface Shown {
  readonly use: ClaimedUse
  readonly passkey: Passkey
  readonly atMs: number
}

async function isRight(means: PasskeyMeans, attempt: PasskeyAttempt, shown: Shown): Promise<boolean> {
  const { use, passkey, atMs } = shown
  const { party, challenge } = attempt
  // A discoverable credential brings its owner's handle along, and it must be the one we gave (WebAuthn §7.2 step 6).
  if (use.subject !== null && use.subject !== passkey.subject) return false
  const checked = await checkUse(party, challenge, use, passkey)
  if (checked.kind === 'cloned') {
    const detail = { passkey: passkey.id.slice(0, 100) }
    const about = { subject: passkey.subject, caller: attempt.caller, atMs, detail }
    await means.events.record([newEvent('passkey_cloned', about, means.entropy)])
  }
  if (checked.kind !== 'right') return false
  if (!(await means.marks.take('passkey', challenge, attempt.challengeEndsAtMs))) return false
  return (await means.credentials.usePasskey(passkey, checked.counter, atMs)) === 'done'
}
