/**
 * Challenges for attestation proofs (draft-ietf-oauth-attestation-based-client-auth-10): the same for everybody in one
 * window of time, made from the master key and kept nowhere, so that any node checks what another gave out. A proof made
 * ahead of time is worth nothing then; that it is used once is the mark's affair.
 */

import type { KeyedHasher } from '../domain/keys/keyed-hash.ts'
import type { AuthorizationServer } from './authorization-server.ts'

export const attestationChallengeHeader = 'OAuth-Client-Attestation-Challenge'

/** A challenge is good for the rest of its window and the whole of the next. */
export const challengeWindowSeconds = 300

/** The challenge of now. */
export async function attestationChallenge({ hasher, store }: AuthorizationServer): Promise<string> {
  return challengeAt(hasher, await store.now())
}

function challengeAt(hasher: KeyedHasher, nowMs: number): string {
  return challengeOf(hasher, windowAt(nowMs))
}

export function isCurrentChallenge(hasher: KeyedHasher, shown: unknown, nowMs: number): boolean {
  if (typeof shown !== 'string') return false
  const window = windowAt(nowMs)
  return [window, window - 1].some(each => hasher.same(challengeOf(hasher, each), shown))
}

function windowAt(nowMs: number): number {
  return Math.floor(nowMs / (challengeWindowSeconds * 1000))
}

function challengeOf(hasher: KeyedHasher, window: number): string {
  return hasher.keyOf('attestation challenge', String(window))
}
