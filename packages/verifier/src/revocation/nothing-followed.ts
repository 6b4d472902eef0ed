import type { RevocationSource } from './revocation-source.ts'

/** Nothing is followed: what is known of a token is what stood in it when it was issued. */
export function nothingFollowed(nowMs: () => number): RevocationSource {
  return {
    judge: ({ iat }) => ({ revoked: null, staleMs: typeof iat === 'number' ? Math.max(0, nowMs() - iat * 1000) : 0 }),
    ready: () => Promise.resolve(),
    health: () => ({ staleMs: null, failure: null, known: 0 }),
    close: () => Promise.resolve(),
  }
}
