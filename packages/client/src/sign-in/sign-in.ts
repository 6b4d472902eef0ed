/**
 * Signing in with an authorization code (OAuth 2.1 §4.1): `beginSignIn` makes the address to send the person to,
 * `finishSignIn` turns the address they come back to into a grant. In between the caller keeps the sealed transaction where
 * only this person's browser has it, and throws it away once it was used. An answer goes no further than its checks:
 * transaction, address, `iss` and state come before any request to the server (RFC 9700 §4.4, §4.5, §4.7).
 */

import {
  AuthorizationResponseError,
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  None,
  OperationProcessingError,
  UnsupportedOperationError,
  validateAuthResponse,
  validateJwtAuthResponse,
} from 'oauth4webapi'
import { formatRetryKey, retryKeyHeader } from '@pawl/protocol'
import { takesRetryKeys } from '../holder/ask.ts'
import type { Custody } from '../holder/holder.ts'
import { clientAt, requestOptions } from '../holder/server.ts'
import { addressOf, checkServerCan, parametersOf, resourcesOf, type SignInWishes } from './authorization-request.ts'
import { SignInFailed, SignInRefused } from './failures.ts'
import { beginProofKey, takeProofKey } from './proof-key.ts'
import { redirectPlace } from './redirect-place.ts'
import { metadataFor } from './server-of-custody.ts'
import { type SignedIn, signedIn } from './signed-in.ts'
import { askForTokens, signInRequestSeconds } from './token-request.ts'
import { newTransactionExpiryMs, openTransaction, sealTransaction, type Transaction } from './transaction.ts'

export interface BegunSignIn {
  /** Where to send the person. */
  readonly url: string
  /** Sealed; for the caller's cookie or `sessionStorage`, and for one use. */
  readonly transaction: string
  /** As it will come back: how a callback finds its transaction where several are under way. */
  readonly state: string
}

/** Rejects with `SignInRefused` (a pushed request), `SignInFailed`, or what store and custody key reject with. */
export async function beginSignIn(custody: Custody, wishes: SignInWishes): Promise<BegunSignIn> {
  checkRedirectUri(wishes.redirectUri)
  const server = await metadataFor(custody)
  const useDpop = wishes.useDpop ?? custody.client['dpop_bound_access_tokens'] === true
  checkServerCan(server, useDpop)
  const expiresAtMs = newTransactionExpiryMs(custody)
  const key = useDpop ? await beginProofKey(custody, expiresAtMs) : null
  const codeVerifier = generateRandomCodeVerifier()
  const state = generateRandomState()
  const nonce = hasOpenid(wishes.scope) ? generateRandomNonce() : null
  const codeChallenge = await calculatePKCECodeChallenge(codeVerifier)
  const secrets = { state, nonce, codeChallenge, dpopThumbprint: key?.thumbprint ?? null }
  const url = await addressOf(custody, server, parametersOf(custody, wishes, secrets), wishes.isPushed)
  const transaction: Transaction = {
    state,
    nonce,
    codeVerifier,
    redirectUri: wishes.redirectUri,
    scope: wishes.scope ?? null,
    resource: resourcesOf(wishes.resource)[0] ?? null,
    maxAgeSeconds: wishes.maxAgeSeconds ?? null,
    essentialAcr: wishes.essentialAcr ?? null,
    expectedSubject: wishes.expectedSubject ?? null,
    isSigned: wishes.isAnswerSigned === true,
    dpop: key?.remembered ?? null,
    carried: wishes.carried ?? null,
    expiresAtMs,
  }
  return { url, transaction: await sealTransaction(custody, transaction), state }
}

/**
 * `currentUrl` is the address that the person came back to, as their browser sees it: behind a proxy it is built from
 * the public address. Rejects with `SignInRefused` when the server said no, and with `SignInFailed` when the answer is not
 * the one to this transaction, or none could be had. The grant is not stored yet: that is `holder.keep`.
 */
export async function finishSignIn(custody: Custody, transaction: string, currentUrl: string | URL): Promise<SignedIn> {
  const opened = await openTransaction(custody, transaction)
  const arrivedAt = new URL(currentUrl)
  checkAddress(opened, arrivedAt)
  const server = await metadataFor(custody)
  const parameters = await checkedAnswer(custody, server, opened, arrivedAt)
  const dpopKey = await takeProofKey(custody, opened.dpop)
  const answered = await redeem(custody, server, { opened, parameters, dpopKey })
  return signedIn(custody, server, answered, {
    nonce: opened.nonce,
    isIdTokenNeeded: hasOpenid(opened.scope ?? undefined),
    maxAgeSeconds: opened.maxAgeSeconds,
    essentialAcr: opened.essentialAcr,
    subject: opened.expectedSubject,
    dpopKey,
    resource: opened.resource,
    carried: opened.carried,
  })
}

function hasOpenid(scope: string | undefined): boolean {
  return scope?.split(' ').includes('openid') === true
}

function checkRedirectUri(redirectUri: string): void {
  if (!URL.canParse(redirectUri) || redirectUri.includes('#')) {
    throw new TypeError('a redirect URI is absolute and has no fragment')
  }
}

/** An answer to one connection that arrives at the address of another is none (RFC 9700 §4.4.2.2). */
function checkAddress({ redirectUri }: Transaction, arrivedAt: URL): void {
  const [wanted, found] = [redirectPlace(redirectUri), redirectPlace(arrivedAt)]
  if (found !== wanted) throw new SignInFailed('not_ours', `the answer was to arrive at ${wanted}, not ${found}`)
}

async function checkedAnswer(
  custody: Custody,
  server: AuthorizationServer,
  { state, isSigned }: Transaction,
  { searchParams }: URL,
): Promise<URLSearchParams> {
  const client = clientAt(custody, 0)
  try {
    if (!isSigned) return validateAuthResponse(server, client, searchParams, state)
    const options = requestOptions(custody, signInRequestSeconds)
    return await validateJwtAuthResponse(server, client, searchParams, state, options)
  } catch (cause) {
    if (cause instanceof AuthorizationResponseError) {
      throw new SignInRefused('authorization', cause.error, cause.error_description ?? null)
    }
    if (!(cause instanceof OperationProcessingError || cause instanceof UnsupportedOperationError)) {
      throw new SignInFailed('unanswered', 'the keys of the server could not be had', { cause })
    }
    // These causes have the parameters in them, a code perhaps, so they are not handed on; their sentences are fixed.
    throw new SignInFailed('not_ours', `the answer is not one to this sign-in (${cause.message})`)
  }
}

interface Redemption {
  readonly opened: Transaction
  readonly parameters: URLSearchParams
  readonly dpopKey: CryptoKeyPair | null
}

async function redeem(custody: Custody, server: AuthorizationServer, redemption: Redemption) {
  const { opened, parameters, dpopKey } = redemption
  const { authentication = None(), custodyKey } = custody
  const code = parameters.get('code')
  if (code === null) throw new SignInFailed('not_ours', 'the answer has neither a code nor an error')
  // With the same retry key a code that is sent again ends nothing, and the family is keyed from its first token on.
  const retryKey = takesRetryKeys(server) ? await custodyKey.retryKeyFor(code) : null
  const headers = retryKey === null ? {} : { [retryKeyHeader]: formatRetryKey(retryKey) }
  const additionalParameters = opened.resource === null ? {} : { resource: opened.resource }
  return askForTokens(custody, {
    step: 'redemption',
    dpopKey,
    send: ({ client, options }) =>
      authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        parameters,
        opened.redirectUri,
        opened.codeVerifier,
        { ...options, headers, additionalParameters },
      ),
  })
}
