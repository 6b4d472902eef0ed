/**
 * Signing in on a device without a browser of its own (RFC 8628): it shows a code, the person enters it somewhere else,
 * and the device asks until the server has an answer. The network may fail meanwhile and the machine may sleep: the server
 * alone says that the code is over. Every question carries the retry key of the device code, so the family is keyed from
 * its first token on, and a lost answer is simply asked for again.
 */

import {
  type AuthorizationServer,
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  type DeviceAuthorizationResponse,
  None,
  processDeviceAuthorizationResponse,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import { formatRetryKey, retryKeyHeader } from '@pawl/protocol'
import { takesRetryKeys } from '../holder/ask.ts'
import { machineClock } from '../holder/clock.ts'
import { generateDpopKey } from '../holder/dpop-key.ts'
import type { Custody } from '../holder/holder.ts'
import { clientAt, requestOptions } from '../holder/server.ts'
import { checkServerCan, resourcesOf } from './authorization-request.ts'
import { SignInFailed, SignInRefused } from './failures.ts'
import { metadataFor } from './server-of-custody.ts'
import { type SignedIn, signedIn } from './signed-in.ts'
import { type Answered, asker, shareOf, signInRequestSeconds, type TokenRequest } from './token-request.ts'
import { withoutSecrets } from './without-secrets.ts'

export interface DeviceWishes {
  readonly scope?: string
  readonly resource?: string | readonly string[]
  /** By default where the client is registered with `dpop_bound_access_tokens`. */
  readonly useDpop?: boolean
  readonly additional?: { readonly [name: string]: string }
  /** Shows the person where to go and what to enter there. What it throws ends the sign-in. */
  readonly show: (prompt: DevicePrompt) => void | Promise<void>
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

export interface DevicePrompt {
  readonly userCode: string
  readonly verificationUri: string
  /** With the code in it, for a QR code; null where the server gives none. */
  readonly verificationUriComplete: string | null
  readonly expiresAtMs: number
}

/** RFC 8628 §3.2, §3.5. */
const intervalSecondsDefault = 5
const slowerSeconds = 5
/** A server that still says "pending" so long after its own time is not believed any longer. */
export const deviceGraceSeconds = 60
/** The longest pause between two questions while the network is away. */
export const devicePauseSecondsMax = 60
export const deviceStartsMax = 3
/** So often a device asks after the time is over, while no answer comes. */
export const lateQuestionsMax = 5

/** Rejects with `SignInRefused` (`access_denied`, `expired_token` …) or `SignInFailed` (`aborted` …). */
export async function signInWithDevice(custody: Custody, wishes: DeviceWishes): Promise<SignedIn> {
  const { clock = machineClock } = custody
  const server = await metadataFor(custody)
  const useDpop = wishes.useDpop ?? custody.client['dpop_bound_access_tokens'] === true
  checkServerCan(server, useDpop)
  if (server.device_authorization_endpoint === undefined) {
    throw new SignInFailed('unsupported', 'the server has no sign-in for devices')
  }
  const dpopKey = useDpop ? await generateDpopKey(custody.store) : null
  const asked = await askForCode(custody, server, wishes)
  const expiresAtMs = clock.nowMs() + asked.expires_in * 1000
  const { user_code: userCode, verification_uri: verificationUri, verification_uri_complete: complete } = asked
  await wishes.show({ userCode, verificationUri, verificationUriComplete: complete ?? null, expiresAtMs })
  const resource = resourcesOf(wishes.resource)[0] ?? null
  const request = await pollOf(custody, server, { deviceCode: asked.device_code, resource, dpopKey })
  const endsAtMs = expiresAtMs + deviceGraceSeconds * 1000
  const waiting = { intervalSeconds: asked.interval ?? intervalSecondsDefault, endsAtMs, signal: wishes.signal }
  const answered = await pollUntilAnswered(custody, request, waiting)
  const nothing = { nonce: null, maxAgeSeconds: null, essentialAcr: null, subject: null, carried: null }
  return signedIn(custody, server, answered, { ...nothing, isIdTokenNeeded: false, dpopKey, resource })
}

async function askForCode(
  custody: Custody,
  server: AuthorizationServer,
  wishes: DeviceWishes,
): Promise<DeviceAuthorizationResponse> {
  const { clock = machineClock, authentication = None() } = custody
  const parameters = new URLSearchParams(wishes.additional)
  if (wishes.scope !== undefined) parameters.set('scope', wishes.scope)
  for (const each of resourcesOf(wishes.resource)) parameters.append('resource', each)
  const client = clientAt(custody, 0)
  for (let attempt = 1; ; attempt++) {
    checkSignal(wishes.signal)
    try {
      const options = requestOptions(custody, signInRequestSeconds)
      const response = await deviceAuthorizationRequest(server, client, authentication, parameters, options)
      return await processDeviceAuthorizationResponse(server, client, response)
    } catch (cause) {
      if (cause instanceof ResponseBodyError && cause.status !== 429) {
        throw new SignInRefused('device', cause.error, cause.error_description ?? null, { cause })
      }
      if (cause instanceof WWWAuthenticateChallengeError) {
        throw new SignInRefused('device', 'invalid_client', null, { cause })
      }
      // A code that nobody was shown harms nobody: it runs out.
      if (attempt === deviceStartsMax) {
        throw new SignInFailed('unanswered', 'the server gave no code', { cause: withoutSecrets(cause) })
      }
      await clock.wait(shareOf(custody) * 1000 * 2 ** attempt, wishes.signal)
    }
  }
}

interface Asking {
  readonly deviceCode: string
  readonly resource: string | null
  readonly dpopKey: CryptoKeyPair | null
}

async function pollOf(custody: Custody, server: AuthorizationServer, asking: Asking): Promise<TokenRequest> {
  const { deviceCode, resource, dpopKey } = asking
  const { authentication = None(), custodyKey } = custody
  const retryKey = takesRetryKeys(server) ? await custodyKey.retryKeyFor(deviceCode) : null
  const headers = retryKey === null ? {} : { [retryKeyHeader]: formatRetryKey(retryKey) }
  const additionalParameters = resource === null ? {} : { resource }
  return {
    step: 'device',
    dpopKey,
    send: ({ client, options }) =>
      deviceCodeGrantRequest(server, client, authentication, deviceCode, { ...options, headers, additionalParameters }),
  }
}

interface Waiting {
  readonly intervalSeconds: number
  readonly endsAtMs: number
  readonly signal: AbortSignal | undefined
}

async function pollUntilAnswered(custody: Custody, request: TokenRequest, waiting: Waiting): Promise<Answered> {
  const { clock = machineClock } = custody
  const ask = asker(custody, request)
  let { intervalSeconds } = waiting
  let lostInARow = 0
  let late = 0
  for (;;) {
    const pauseSeconds = Math.min(intervalSeconds * 2 ** lostInARow, Math.max(intervalSeconds, devicePauseSecondsMax))
    await clock.wait(pauseSeconds * 1000, waiting.signal)
    checkSignal(waiting.signal)
    // Asked after the time is over too, until it is known: the machine may have slept while the person said yes.
    if (clock.nowMs() >= waiting.endsAtMs) late += 1
    const reply = await ask()
    if (reply.kind === 'answered') return reply.answer
    if (reply.kind === 'refused' && reply.code !== 'authorization_pending') {
      throw new SignInRefused('device', reply.code, reply.description, { cause: reply.cause })
    }
    if (reply.kind === 'unknown' && reply.isUnspent) intervalSeconds += slowerSeconds
    lostInARow = reply.kind === 'unknown' && !reply.isUnspent ? lostInARow + 1 : 0
    if (late > 0 && (reply.kind === 'refused' || late === lateQuestionsMax)) {
      throw new SignInFailed('expired', 'nobody answered in time')
    }
  }
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new SignInFailed('aborted', 'the sign-in was given up', { cause: signal.reason })
}
