/**
 * Challenges for attestation proofs (draft-ietf-oauth-attestation-based-client-auth-10): the same for everybody in one
 * window of time, made from the master key and kept nowhere, so that any node checks what another gave out, also while
 * the master key is being replaced. A proof made ahead of time is worth nothing then; that it is used once is the mark's
 * affair.
 */

import type { KeyedHasher } from '../domain/keys/keyed-hash.ts'
import type { AuthorizationServer } from './authorization-server.ts'

export const attestationChallengeHeader = 'OAuth-Client-Attestation-Challenge'

/** A challenge is good for the rest of its window and the whole of the next. */
export const challengeWindowSeconds = 300

/** The challenge of now. */
export async function attestationChallenge({ hasher, store }: AuthorizationServer): Promise<string> {
  return hasher.keyOf(purpose, String(windowAt(await store.now())))
}

export function isCurrentChallenge(hasher: KeyedHasher, shown: unknown, nowMs: number): boolean {
  if (typeof shown !== 'string') return false
  const window = windowAt(nowMs)
  const good = [window, window - 1].flatMap(each => hasher.keysOf(purpose, String(each)))
  return good.some(each => hasher.same(each, shown))
}

function windowAt(nowMs: number): number {
  return Math.floor(nowMs / (challengeWindowSeconds * 1000))
}

const purpose = 'attestation challenge'
