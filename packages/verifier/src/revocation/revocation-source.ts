/** Who tells a guard what was revoked. */

import type { Claims } from '../verdict.ts'

export interface RevocationSource {
  /**
   * Whether a genuine token is dead, and how old the word is that says so. Rejects with `ServerUnavailable` where there
   * is no word that is young enough.
   */
  readonly judge: (claims: Claims) => RevocationWord | Promise<RevocationWord>
  /** Resolves when tokens can be judged; rejects with `ServerUnavailable` where that takes too long. */
  readonly ready: () => Promise<void>
  readonly health: () => RevocationHealth
  readonly close: () => Promise<void>
}

export interface RevocationWord {
  /** Half a sentence of why the token is dead; null: it is not known to be. */
  readonly revoked: string | null
  /** What was revoked longer ago was known. */
  readonly staleMs: number
}

export interface RevocationHealth {
  /** Null where nothing is known yet. */
  readonly staleMs: number | null
  /** What the last attempt to learn more failed by; null where it did not. */
  readonly failure: string | null
  /** Pieces that are remembered. */
  readonly known: number
}
