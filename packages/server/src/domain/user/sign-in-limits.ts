/**
 * How many failures each limit bears. A browser that has signed in to the account before has a limit of its own and
 * meets none of the others, so a stranger can fill them all and the owner still signs in. Every other browser meets, in
 * this order: account and network together, the account from everywhere, and the network over all accounts.
 */

import type { Subject } from '@pawl/family'
import type { Limit } from '../throttle/throttle.ts'
import type { KeyOf } from './known-device.ts'

export interface Allowance {
  readonly failuresMax: number
  readonly windowSeconds: number
}

export interface SignInLimits {
  /** Each longer window bears fewer failures per hour than the one before: whoever goes on waits longer and longer. */
  readonly accountAndNetwork: readonly Allowance[]
  readonly knownDevice: readonly Allowance[]
  readonly account: Allowance
  /** Guesses of six digits by whoever has shown the password: by account, and apart for each browser it knows. */
  readonly secondFactor: readonly Allowance[]
  readonly network: Allowance
  /** What a network bears, in the same window, while the whole server sees more failures than `server` bears. */
  readonly networkUnderSprayFailuresMax: number
  /** Refuses nobody by itself: that would let a stranger close the door for everybody. */
  readonly server: Allowance
}

const minutes = 60
const hours = 3600

const growing: readonly Allowance[] = [
  { failuresMax: 10, windowSeconds: 15 * minutes },
  { failuresMax: 30, windowSeconds: 6 * hours },
  { failuresMax: 60, windowSeconds: 24 * hours },
]

/** In a day, one code in about eleven thousand is hit by somebody who knows the password and tries them all. */
const fewer: readonly Allowance[] = [
  { failuresMax: 5, windowSeconds: 15 * minutes },
  { failuresMax: 15, windowSeconds: 6 * hours },
  { failuresMax: 30, windowSeconds: 24 * hours },
]

export const signInLimits: SignInLimits = {
  accountAndNetwork: growing,
  knownDevice: growing,
  account: { failuresMax: 100, windowSeconds: hours },
  secondFactor: fewer,
  network: { failuresMax: 100, windowSeconds: 15 * minutes },
  networkUnderSprayFailuresMax: 10,
  server: { failuresMax: 1000, windowSeconds: hours },
}

/** Who is trying, as far as it can be told before the password is looked at. */
export interface Attempter {
  readonly accountKey: string
  readonly network: string
  /** The device id of a browser that has signed in to this account before. */
  readonly deviceId: string | null
}

/** The limits that belong to the account, narrowest first. */
export function accountLimits(limits: SignInLimits, hashes: KeyOf, who: Attempter): readonly Limit[] {
  const { accountKey, network, deviceId } = who
  if (deviceId !== null) {
    return limits.knownDevice.map(allowance => limit('known_device', `${deviceId} ${accountKey}`, allowance, hashes))
  }
  return [
    ...limits.accountAndNetwork.map(allowance =>
      limit('account_network', `${network} ${accountKey}`, allowance, hashes),
    ),
    limit('account', accountKey, limits.account, hashes),
  ]
}

export function secondFactorLimits(
  limits: SignInLimits,
  hashes: KeyOf,
  who: { readonly subject: Subject; readonly deviceId: string | null },
): readonly Limit[] {
  const name = who.deviceId === null ? 'second_factor' : 'second_factor_known_device'
  return limits.secondFactor.map(allowance => limit(name, `${who.deviceId ?? ''} ${who.subject}`, allowance, hashes))
}

/**
 * Passkeys are guessed by nobody, so these bear the noise of wrong answers only. They count apart from passwords: who fills
 * the limits of one way to sign in does not close the other.
 */
export function passkeyLimits(
  limits: SignInLimits,
  hashes: KeyOf,
  who: { readonly network: string; readonly account: Attempter | null },
): readonly Limit[] {
  const { network, account } = who
  const everybody = limit('passkey_network', network, limits.network, hashes)
  if (account === null) return [everybody]
  const { accountKey, deviceId } = account
  if (deviceId !== null) {
    const known = `${deviceId} ${accountKey}`
    return limits.knownDevice.map(allowance => limit('passkey_known_device', known, allowance, hashes))
  }
  const narrow = `${network} ${accountKey}`
  const own = limits.accountAndNetwork.map(allowance => limit('passkey_account_network', narrow, allowance, hashes))
  return [...own, everybody]
}

export function networkLimit(limits: SignInLimits, hashes: KeyOf, network: string, underSpray: boolean): Limit {
  // One counter serves both allowances: what the network did before the alarm counts after it.
  const failuresMax = underSpray ? limits.networkUnderSprayFailuresMax : limits.network.failuresMax
  return { ...limit('network', network, limits.network, hashes), failuresMax }
}

export function serverLimit(limits: SignInLimits, hashes: KeyOf): Limit {
  return limit('server', '', limits.server, hashes)
}

function limit(name: string, who: string, allowance: Allowance, hashes: KeyOf): Limit {
  const key = hashes.keyOf('sign-in-throttle', `${name} ${allowance.windowSeconds} ${who}`)
  return { name, key, failuresMax: allowance.failuresMax, windowSeconds: allowance.windowSeconds }
}
