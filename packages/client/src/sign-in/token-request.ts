/**
 * The request that brings the first tokens, and what is done when its answer is lost. A code may be sent again: with the
 * retry key its server knows the same holder and ends nothing, and a server that takes the second time for theft ends
 * tokens that nobody has. What cannot be had again that way is had by a new sign-in.
 */

import { type Client, DPoP, type DPoPHandle } from 'oauth4webapi'
import { drawBytes } from '../custody/entropy.ts'
import { parsedObject, refused, skewMsMin, skewOf } from '../holder/ask.ts'
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
  readonly dpopKey: CryptoKeyPair | null
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
  /** By how much the server's clock is ahead of ours, where it says so. */
  readonly skewMs: number | null
}

export const signInRequestSeconds = 10
export const redemptionAttemptsMax = 4
export const redemptionSeconds = 40
/** A server that asks for another nonce or clock each time is not answered for ever. */
const againAtOnceMax = 3
/** What a server says of proofs and assertions that are too old for it, or from its future. */
const clockCodes: ReadonlySet<string> = new Set(['invalid_dpop_proof', 'invalid_client'])

/** Sends until the outcome is known. Rejects with `SignInRefused` or `SignInFailed` (`unanswered`). */
export async function askForTokens(custody: Custody, request: TokenRequest): Promise<Answered> {
  const { clock = machineClock } = custody
  const endsAtMs = clock.nowMs() + redemptionSeconds * 1000
  const ask = asker(custody, request)
  let lost: { readonly cause: unknown } | null = null
  for (let attempt = 1; ; attempt++) {
    const reply = await ask()
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

/**
 * Asks once each time it is called, and again at once where all it takes is another nonce, or the time of the server's
 * clock. Never rejects because of the server or the network.
 */
export function asker(custody: Custody, request: TokenRequest): () => Promise<TokenReply> {
  let proving = provingAt(custody, request, 0)
  return async () => {
    for (let times = 0; ; times++) {
      const { reply, skewMs } = await sendOnce(custody, request, proving)
      const isClockOff = skewMs !== null && Math.abs(skewMs - proving.skewMs) >= skewMsMin
      const isLate = reply.kind === 'refused' && clockCodes.has(reply.code) && isClockOff
      if (times === againAtOnceMax || !(isLate || reply.kind === 'nonce')) return reply
      if (isLate) proving = provingAt(custody, request, skewMs)
    }
  }
}

/** What proofs are made with: the handle remembers the nonces of the server. */
interface Proving {
  readonly skewMs: number
  readonly dpop: DPoPHandle | null
}

function provingAt(custody: Custody, { dpopKey }: TokenRequest, skewMs: number): Proving {
  return { skewMs, dpop: dpopKey === null ? null : DPoP(clientAt(custody, skewMs), dpopKey) }
}

interface Sent {
  readonly reply: TokenReply
  /** By how much the server's clock is ahead of ours, where it says so. */
  readonly skewMs: number | null
}

async function sendOnce(custody: Custody, request: TokenRequest, proving: Proving): Promise<Sent> {
  const { clock = machineClock } = custody
  const { dpop } = proving
  const sending = { hasBegun: false }
  const options = { ...requestOptions(watched(custody, sending), signInRequestSeconds), ...(dpop && { DPoP: dpop }) }
  const sentAtMs = clock.nowMs()
  let response: Response
  let text: string
  try {
    response = await request.send({ client: clientAt(custody, proving.skewMs), options })
    text = await response.text()
  } catch (cause) {
    // What fails before anything was sent is the configuration: metadata without the endpoint, a key that does not sign.
    if (!sending.hasBegun) throw new SignInFailed('unsupported', 'the token request could not be made', { cause })
    return { reply: lostBy(cause), skewMs: null }
  }
  const skewMs = skewOf(response, sentAtMs, clock.nowMs())
  const body = parsedObject(text)
  if (response.status !== 200) return { reply: refusal(response, text, body), skewMs }
  // A proxy or a captive portal answers 200 too: whether the server was asked at all, nobody knows.
  if (typeof body?.['access_token'] !== 'string') {
    return { reply: lostBy(new TypeError('the answer has no tokens in it')), skewMs }
  }
  return { reply: { kind: 'answered', answer: { body, text, headers: response.headers, skewMs } }, skewMs }
}

function lostBy(cause: unknown): TokenReply {
  return { kind: 'unknown', isUnspent: false, retryAfterMs: null, cause }
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
