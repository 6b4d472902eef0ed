/** Signing in with a passkey, whatever page asks for it. The challenge belongs to the page's own sealed state. */

import type { Subject } from '@pawl/family'
import type { Caller } from '../domain/event/new-event.ts'
import { shownByPasskey } from '../domain/session/acr.ts'
import { relyingPartyOf, requestOptions } from '../domain/user/passkey-ceremony.ts'
import { type PasskeyOutcome, signInWithPasskey as usePasskey } from '../domain/user/passkeys.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { type BrowserSecrets, openSession, type SignedIn } from './browser.ts'

/** A keyed name of the sealed state, which is never the same twice and opens in one browser alone. */
export function challengeOf(server: AuthorizationServer, stateToken: string): string {
  return server.hasher.keyOf('passkey-challenge', stateToken)
}

/**
 * What the page hands to `navigator.credentials.get`, as JSON; null where the issuer has no name for passkeys. Of a user
 * who is known, only their own passkeys are asked for.
 */
export async function passkeyRequest(
  server: AuthorizationServer,
  stateToken: string,
  subject: Subject | null,
): Promise<string | null> {
  const party = relyingPartyOf(server.issuer)
  if (party === null) return null
  const known = subject === null ? [] : (await server.store.credentials.ofUser(subject)).passkeys
  return JSON.stringify(requestOptions(party, challengeOf(server, stateToken), known))
}

export interface PasskeySignIn {
  readonly stateToken: string
  /** When what is sealed in the state is over. */
  readonly stateEndsAtMs: number
  readonly answer: string
  readonly browser: BrowserSecrets
  readonly caller: Caller
}

export type PasskeySignInOutcome = SignedIn | Exclude<PasskeyOutcome, { readonly kind: 'signed_in' }>

export async function signInWithPasskey(
  server: AuthorizationServer,
  attempt: PasskeySignIn,
): Promise<PasskeySignInOutcome> {
  const { stateToken, stateEndsAtMs, answer, browser, caller } = attempt
  const party = relyingPartyOf(server.issuer)
  if (party === null) return { kind: 'refused' }
  const { store, hasher, entropy, signInLimits } = server
  const means = {
    users: store.users,
    credentials: store.credentials,
    marks: store.marks,
    throttles: store.throttles,
    events: store.events,
    hashes: hasher,
    entropy,
    nowMs: () => store.now(),
    limits: signInLimits,
  }
  const outcome = await usePasskey(means, {
    party,
    challenge: challengeOf(server, stateToken),
    challengeEndsAtMs: stateEndsAtMs,
    answer,
    deviceSecret: browser.device,
    caller,
  })
  if (outcome.kind !== 'signed_in') return outcome
  const { user, authTimeMs, deviceSecret } = outcome
  const opening = { subject: user.subject, authTimeMs, shown: shownByPasskey, deviceSecret, browser, caller }
  return openSession(server, opening)
}
