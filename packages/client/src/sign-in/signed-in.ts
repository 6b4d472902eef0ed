/**
 * From the answer of the token endpoint to a grant that may be kept. An ID token is checked as OIDC Core §3.1.3.7 asks:
 * issuer, audience, authorized party, times, nonce, `auth_time`, `acr`. Its signature is not, because it came straight
 * from the token endpoint over TLS, which §3.1.3.7 (6) takes for proof enough of who wrote it.
 */

import {
  type AuthorizationServer,
  expectNoNonce,
  getValidatedIdTokenClaims,
  type IDToken,
  None,
  processAuthorizationCodeResponse,
  revocationRequest,
} from 'oauth4webapi'
import type { Custody, FreshGrant, TokenAnswer } from '../holder/holder.ts'
import { clientAt, requestOptions } from '../holder/server.ts'
import { SignInFailed } from './failures.ts'
import { type Answered, signInRequestSeconds } from './token-request.ts'
import { withoutSecrets } from './without-secrets.ts'

/** For `holder.keep`, with what an application may want to know of the person. */
export interface SignedIn extends FreshGrant {
  /** Of the validated ID token; null where none was asked for. */
  readonly claims: IDToken | null
  /** What `beginSignIn` was given to carry. */
  readonly carried: string | null
}

/** What the answer must show to be the one that was asked for. */
export interface Expected {
  /** Null where no nonce was sent; then there must be none. */
  readonly nonce: string | null
  readonly isIdTokenNeeded: boolean
  readonly maxAgeSeconds: number | null
  readonly essentialAcr: readonly string[] | null
  readonly subject: string | null
  readonly dpopKey: CryptoKeyPair | null
  readonly resource: string | null
  readonly carried: string | null
}

/** Rejects with `SignInFailed` (`invalid_answer`), after giving tokens back that it does not take. */
export async function signedIn(
  custody: Custody,
  server: AuthorizationServer,
  answered: Answered,
  expected: Expected,
): Promise<SignedIn> {
  try {
    return await validated(custody, server, answered, expected)
  } catch (cause) {
    await giveBack(custody, server, answered)
    if (cause instanceof SignInFailed) throw cause
    throw new SignInFailed('invalid_answer', 'the answer of the server is not valid', { cause: withoutSecrets(cause) })
  }
}

async function validated(
  custody: Custody,
  server: AuthorizationServer,
  { text, headers, skewMs }: Answered,
  expected: Expected,
): Promise<SignedIn> {
  const { dpopKey, resource, carried } = expected
  const response = new Response(text, { headers })
  const tokens = await processAuthorizationCodeResponse(server, clientAt(custody, skewMs ?? 0), response, {
    expectedNonce: expected.nonce ?? expectNoNonce,
    // Where nothing was asked for, what the client registered counts (`default_max_age`).
    ...(expected.maxAgeSeconds === null ? {} : { maxAge: expected.maxAgeSeconds }),
    requireIdToken: expected.isIdTokenNeeded,
  })
  const claims = getValidatedIdTokenClaims(tokens) ?? null
  checkPerson(claims, expected)
  if (dpopKey !== null && tokens.token_type !== 'dpop') {
    throw new SignInFailed('invalid_answer', 'the server did not bind the tokens to the key')
  }
  const sessionId = claims?.['sid']
  return {
    issuer: server.issuer,
    // What oauth4webapi lets through has the members of RFC 6749 §5.1 in their types.
    tokens: tokens as unknown as TokenAnswer,
    ...(skewMs === null ? {} : { skewMs }),
    ...(resource === null ? {} : { resource }),
    ...(claims === null ? {} : { subject: claims.sub }),
    ...(typeof sessionId === 'string' ? { sessionId } : {}),
    ...(dpopKey === null ? {} : { dpopKey }),
    claims,
    carried,
  }
}

function checkPerson(claims: IDToken | null, { essentialAcr, subject }: Expected): void {
  const acr = claims?.['acr']
  if (essentialAcr !== null && (typeof acr !== 'string' || !essentialAcr.includes(acr))) {
    throw new SignInFailed('invalid_answer', 'the person did not sign in as surely as was asked for')
  }
  if (subject !== null && claims?.sub !== subject) {
    throw new SignInFailed('not_ours', 'somebody else signed in than was asked for')
  }
}

/** What is not kept is not left lying about either. */
async function giveBack(custody: Custody, server: AuthorizationServer, { body, skewMs }: Answered): Promise<void> {
  const { authentication = None() } = custody
  const token = body['refresh_token'] ?? body['access_token']
  if (typeof token !== 'string' || server.revocation_endpoint === undefined) return
  try {
    const options = requestOptions(custody, signInRequestSeconds)
    await revocationRequest(server, clientAt(custody, skewMs ?? 0), authentication, token, options)
  } catch {
    // The sign-in has failed for a better reason, and nobody has these tokens: they run out by themselves.
  }
}
