/** Signing in and out: PKCE, state and nonce by openid-client; what comes of it goes to the holder and no further. */

import * as client from 'openid-client'
import { type Attempt, openAttempt, sealAttempt } from './attempt.ts'
import {
  attemptCookie,
  cookie,
  grantNamed,
  grantOf,
  newSessionId,
  readCookie,
  redirectTo,
  sessionCookie,
} from './cookies.ts'
import type { Parts } from './parts.ts'
import { redirectUriOf } from './settings.ts'

export async function beginSignIn(parts: Parts): Promise<Response> {
  const attempt: Attempt = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    verifier: client.randomPKCECodeVerifier(),
  }
  const url = client.buildAuthorizationUrl(parts.config, {
    redirect_uri: redirectUriOf(parts.settings).href,
    scope: 'openid profile email offline_access',
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
  })
  return redirectTo(url, cookie(attemptCookie, await sealAttempt(parts, attempt)))
}

/** An answer to no attempt of this browser, a refusal and a code that is used up all lead back to the start. */
export async function finishSignIn(parts: Parts, request: Request): Promise<Response> {
  const { settings, config, holder } = parts
  const sealed = readCookie(request, attemptCookie)
  const attempt = sealed === null ? null : await openAttempt(parts, sealed)
  const callbackUrl = redirectUriOf(settings)
  callbackUrl.search = new URL(request.url).search
  const isOurs = attempt !== null && callbackUrl.searchParams.get('state') === attempt.state
  const tokens = isOurs ? await redeemed(config, callbackUrl, attempt) : null
  if (tokens === null) return redirectTo(settings.appUrl, cookie(attemptCookie, null))
  // Always a new id, so that one planted in this browser before is worth nothing.
  const id = newSessionId()
  const subject = tokens.claims()?.sub
  await holder.keep(await grantNamed(id), { tokens, ...(subject !== undefined && { subject }) })
  return redirectTo(settings.appUrl, cookie(attemptCookie, null), cookie(sessionCookie, id))
}

async function redeemed(config: client.Configuration, callbackUrl: URL, attempt: Attempt) {
  try {
    return await client.authorizationCodeGrant(config, callbackUrl, {
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      pkceCodeVerifier: attempt.verifier,
      idTokenExpected: true,
    })
  } catch (cause) {
    if (cause instanceof client.AuthorizationResponseError) return null
    if (cause instanceof client.ResponseBodyError && cause.error === 'invalid_grant') return null
    throw cause
  }
}

/** `SameSite` counts every port of localhost, and every sibling host, as the same site: a post has to be of this origin. */
export async function signOut(parts: Parts, request: Request): Promise<Response> {
  if (request.headers.get('origin') !== parts.settings.appUrl.origin) return new Response(null, { status: 403 })
  const grant = await grantOf(request)
  if (grant !== null) await parts.holder.end(grant)
  return redirectTo(parts.settings.appUrl, cookie(sessionCookie, null))
}
