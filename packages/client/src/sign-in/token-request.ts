/**
 * The request that brings the first tokens, and what is done when its answer is lost. A code may be sent again: with the
 * retry key its server knows the same holder and ends nothing, and a server that takes the second time for theft ends
 * tokens that nobody has. What cannot be had again that way is had by a new sign-in.
 */

import type { Client, DPoPHandle } from 'oauth4webapi'
import { drawBytes } from '../custody/entropy.ts'
import { parsedObject, refused, skewOf } from '../holder/ask.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import type { Custody } from '../holder/holder.ts'
import { clientAt, platformFetch, requestOptions, type RequestOptions } from '../holder/server.ts'
import { SignInFailed, SignInRefused, type SignInStep } from './failures.ts'

export interface TokenSending {
  readonly client: Client
  readonly options: RequestOptions & { readonly DPoP?: DPoPHandle }
}

export interface TokenRequest {
  readonly step: SignInStep
  readonly dpop: DPoPHandle | null
  send(sending: TokenSending): Promise<Response>
}

export type TokenReply =
  | { readonly kind: 'answered'; readonly answer: Answered }
  | { readonly kind: 'refused'; readonly code: string; readonly description: string | null; readonly cause: unknown }
  | { readonly kind: 'nonce' }
  | {
      readonly kind: 'unknown'
      /** The server said that it did nothing, and to ask less often. */
      readonly isUnspent: boolean
      readonly retryAfterMs: number | null
      readonly cause: unknown
    }

/** A 200 with tokens in it, read to its end and not validated yet. */
export interface Answered {
  readonly body: { readonly [name: string]: unknown }
  readonly text: string
  readonly headers: Headers
  /** By how much the server's clock is ahead of ours. */
  readonly skewMs: number
}

export const signInRequestSeconds = 10
export const redemptionAttemptsMax = 4
export const redemptionSeconds = 40
/** A server that asks for another nonce each time is not answered for ever. */
const noncesMax = 3

/** Sends until the outcome is known. Rejects with `SignInRefused` or `SignInFailed` (`unanswered`). */
export async function askForTokens(custody: Custody, request: TokenRequest): Promise<Answered> {
  const { clock = machineClock } = custody
  const endsAtMs = clock.nowMs() + redemptionSeconds * 1000
  let lost: { readonly cause: unknown } | null = null
  for (let attempt = 1; ; attempt++) {
    const reply = await askOnce(custody, request)
    if (reply.kind === 'answered') return reply.answer
    if (reply.kind === 'refused') throw refusalOf(request, reply, lost)
    const pauseMs = Math.max(
      reply.kind === 'unknown' ? (reply.retryAfterMs ?? 0) : 0,
      shareOf(custody) * pauseMsMax(attempt),
    )
    lost = { cause: reply.kind === 'unknown' ? reply.cause : null }
    if (attempt === redemptionAttemptsMax || clock.nowMs() + pauseMs > endsAtMs) throw unanswered(lost.cause)
    await clock.wait(pauseMs)
  }
}

/** Sends once, and again at once with each new nonce of the server. Never rejects because of the server or the network. */
export async function askOnce(custody: Custody, request: TokenRequest): Promise<TokenReply> {
  for (let nonces = 0; ; nonces++) {
    const reply = await sendOnce(custody, request)
    if (reply.kind !== 'nonce' || nonces === noncesMax) return reply
  }
}

async function sendOnce(custody: Custody, { dpop, send }: TokenRequest): Promise<TokenReply> {
  const { clock = machineClock } = custody
  const sending = { hasBegun: false }
  const options = { ...requestOptions(watched(custody, sending), signInRequestSeconds), ...(dpop && { DPoP: dpop }) }
  const sentAtMs = clock.nowMs()
  let response: Response
  let text: string
  try {
    response = await send({ client: clientAt(custody, 0), options })
    text = await response.text()
  } catch (cause) {
    // What fails before anything was sent is the configuration: metadata without the endpoint, a key that does not sign.
    if (!sending.hasBegun) throw new SignInFailed('unsupported', 'the token request could not be made', { cause })
    return { kind: 'unknown', isUnspent: false, retryAfterMs: null, cause }
  }
  const body = parsedObject(text)
  if (response.status !== 200) return refusal(response, text, body)
  // A proxy or a captive portal answers 200 too: whether the server was asked at all, nobody knows.
  if (typeof body?.['access_token'] !== 'string') {
    return {
      kind: 'unknown',
      isUnspent: false,
      retryAfterMs: null,
      cause: new TypeError('the answer has no tokens in it'),
    }
  }
  const skewMs = skewOf(response, sentAtMs, clock.nowMs()) ?? 0
  return { kind: 'answered', answer: { body, text, headers: response.headers, skewMs } }
}

function watched(custody: Custody, sending: { hasBegun: boolean }): Custody {
  const { fetch: through = platformFetch } = custody
  return {
    ...custody,
    fetch: (url, init) => {
      sending.hasBegun = true
      return through(url, init)
    },
  }
}

function refusal(response: Response, text: string, body: Answered['body'] | null): TokenReply {
  const reply = refused(response, text)
  if (reply.kind !== 'refused') return reply
  const description = body?.['error_description']
  return { ...reply, description: typeof description === 'string' ? description : null }
}

/** Refused after an answer was lost: the lost one may have brought the tokens, and they cannot be had again. */
function refusalOf(
  { step }: TokenRequest,
  { code, description, cause }: Extract<TokenReply, { kind: 'refused' }>,
  lost: { readonly cause: unknown } | null,
): SignInFailed | SignInRefused {
  if (lost !== null && code === 'invalid_grant') return unanswered(lost.cause)
  return new SignInRefused(step, code, description, { cause })
}

function unanswered(cause: unknown): SignInFailed {
  return new SignInFailed('unanswered', 'the answer of the server was lost and could not be had again', { cause })
}

const firstPauseMsMax = 500

function pauseMsMax(attempt: number): number {
  return firstPauseMsMax * 2 ** attempt
}

/** Full jitter: many clients that lost their answers together do not come back together. */
export function shareOf({ chance }: { readonly chance?: () => number; readonly clock?: HolderClock }): number {
  return chance === undefined ? (drawBytes(1)[0] ?? 0) / 256 : chance()
}
