/**
 * Asking until the outcome is known or the time is up. Once sent, nothing but its own deadline cancels a request, and each
 * has the whole of it: a server that was not waited for may have rotated. What has no answer is asked again as far as the
 * server allows.
 */

import { type Answer, type Ask, askOnce, takesRetryKeys } from './ask.ts'
import type { Inside } from './inside.ts'
import { noncesMax, pauseBeforeAgain } from './limits.ts'

export interface Known {
  readonly answer: Exclude<Answer, { kind: 'nonce' }>
  readonly requests: number
  /** Whether an answer before this one was lost. */
  readonly wasUnknown: boolean
}

/** `late`: the machine slept in between, the lease is over, and the record must be looked at again. Never rejects. */
export async function askUntilKnown(inside: Inside, first: Ask): Promise<Known | 'late'> {
  const { clock, limits } = inside
  const untilMs = clock.nowMs() + limits.refreshSeconds * 1000
  const spent = { nonces: 0, clocks: 0, unknowns: 0 }
  for (let asks = 1, requests = 0; ; asks++) {
    const server = await inside.server().catch((cause: unknown) => ({ cause }))
    const isServer = !('cause' in server)
    const answer = isServer
      ? await askOnce(inside.custody, server, { ...first, skewMs: inside.skew.ms })
      : unasked(server.cause)
    if (isServer) requests++
    if (answer.kind === 'nonce' ? spent.nonces++ < noncesMax : learnsClock(inside, answer) && spent.clocks++ < 1)
      continue
    const known = {
      answer: answer.kind === 'nonce' ? noncesWithoutEnd : answer,
      requests,
      wasUnknown: spent.unknowns > 0,
    }
    if (answer.kind !== 'unknown') return known
    if (!answer.isUnspent) spent.unknowns++
    const pauseMs = pauseBeforeAgain(
      {
        asks,
        unknowns: spent.unknowns,
        mayRepeat: isServer && takesRetryKeys(server) && first.retryKey !== null,
        retryAfterMs: answer.retryAfterMs,
        leftMs: untilMs - clock.nowMs() - limits.requestSeconds * 1000,
      },
      inside.chance(),
    )
    if (pauseMs === null) return known
    await clock.wait(pauseMs)
    if (clock.nowMs() > untilMs) return 'late'
  }
}

/** Without metadata nothing can be sent, and nothing is spent. */
function unasked(cause: unknown): Extract<Answer, { kind: 'unknown' }> {
  return { kind: 'unknown', isUnspent: true, retryAfterMs: null, cause }
}

const noncesWithoutEnd: Known['answer'] = {
  kind: 'refused',
  code: 'use_dpop_nonce',
  cause: new Error('the server asked for a new nonce each time'),
}

/**
 * Takes over the issuer's clock; true when the request is worth repeating. A proof and an assertion say when they were
 * made: where our clock was wrong they are made anew, and a proof in any case, for the machine may have slept over it.
 */
function learnsClock({ skew }: Inside, answer: Answer): boolean {
  if (!('skewMs' in answer) || answer.skewMs === undefined) return false
  const wasWrong = answer.skewMs !== skew.ms
  skew.ms = answer.skewMs
  skew.isMeasured = true
  if (answer.kind !== 'refused') return false
  return answer.code === 'invalid_dpop_proof' || (wasWrong && answer.code === 'invalid_client')
}
