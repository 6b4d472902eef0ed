/** What a request needs beside a good token: scopes (RFC 6750 §3.1), and how and when the person signed in (RFC 9470). */

import { type Fault, fault } from '../fault.ts'
import type { AccessTokenClaims } from './access-token-claims.ts'

export interface Requirement {
  /** All of them. */
  readonly scopes?: readonly string[]
  /** One of them (`acr_values`), the best liked first. */
  readonly acr?: readonly string[]
  /** The person signed in no longer ago than this. */
  readonly maxAgeSeconds?: number
}

export function judgeRequirement(
  { scopes = [], acr, maxAgeSeconds }: Requirement,
  token: Pick<AccessTokenClaims, 'scopes' | 'acr' | 'authenticatedAtMs'>,
  nowMs: number,
): Fault | null {
  if (!scopes.every(scope => token.scopes.includes(scope))) return fault('insufficient_scope', 'a scope is missing')
  if (acr !== undefined && (token.acr === null || !acr.includes(token.acr))) {
    return fault('insufficient_user_authentication', 'the person did not sign in as surely as that')
  }
  if (maxAgeSeconds === undefined) return null
  const isRecent = token.authenticatedAtMs !== null && nowMs - token.authenticatedAtMs <= maxAgeSeconds * 1000
  return isRecent ? null : fault('insufficient_user_authentication', 'the person signed in too long ago')
}
