/**
 * The way to the authorization server and back: PKCE, state and nonce (RFC 9700 §2.1.1). What has to be remembered in
 * between rides in a sealed cookie of ten minutes, so that somebody who only looks at the first page costs no memory.
 */

import * as client from 'openid-client'
import { type Keys, seal, unseal } from './seal.ts'
import { redirectUriOf, type Settings } from './settings.ts'
import { sessionAfter } from './session-keeper.ts'
import type { Session } from './session-store.ts'

export interface Attempt {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** Several tabs may be on their way at once; the oldest attempt gives way. */
export const attemptsMax = 3
export const attemptSeconds = 600

export const scope = 'openid profile email offline_access'

export type SignInOutcome =
  | { readonly kind: 'signed_in'; readonly session: Session }
  | { readonly kind: 'denied' }
  /** The answer belongs to no attempt of this browser, or its code is used up: the person starts again. */
  | { readonly kind: 'stale' }

export async function beginSignIn(
  config: client.Configuration,
  settings: Settings,
): Promise<{ readonly url: URL; readonly attempt: Attempt }> {
  const attempt = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    verifier: client.randomPKCECodeVerifier(),
  }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUriOf(settings).href,
    scope,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
  })
  return { url, attempt }
}

/** `callbackUrl` is built from the registered redirect URI, never from a Host header. Throws when the server cannot be asked. */
export async function finishSignIn(
  config: client.Configuration,
  callbackUrl: URL,
  attempts: readonly Attempt[],
  nowMs: number,
): Promise<SignInOutcome> {
  const attempt = attempts.find(each => each.state === callbackUrl.searchParams.get('state'))
  if (attempt === undefined) return { kind: 'stale' }
  try {
    const tokens = await client.authorizationCodeGrant(config, callbackUrl, {
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      pkceCodeVerifier: attempt.verifier,
      idTokenExpected: true,
    })
    return { kind: 'signed_in', session: sessionAfter(tokens, nowMs, null) }
  } catch (cause) {
    if (cause instanceof client.AuthorizationResponseError && cause.error === 'access_denied') return { kind: 'denied' }
    // A reload, or an answer that got lost: the code is used up, and nobody is harmed by starting again.
    if (cause instanceof client.ResponseBodyError && cause.error === 'invalid_grant') return { kind: 'stale' }
    throw cause
  }
}

const belongsTo = 'sign-in attempts'

export function sealAttempts(keys: Keys, attempts: readonly Attempt[]): string {
  const newest = attempts.slice(-attemptsMax)
  return Buffer.from(seal(keys, JSON.stringify(newest), belongsTo)).toString('base64url')
}

export function unsealAttempts(keys: Keys, cookie: string | undefined): readonly Attempt[] {
  const text = cookie === undefined ? null : unseal(keys, Buffer.from(cookie, 'base64url'), belongsTo)
  return text === null ? [] : (JSON.parse(text) as readonly Attempt[])
}
