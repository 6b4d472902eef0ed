/** What a refused caller is told: status and `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1). */

import { dpopNonceHeader } from '@pawl/protocol'
import type { Fault } from '../fault.ts'
import type { Refusal } from '../verdict.ts'
import type { Requirement } from './requirement.ts'

/** So long a caller waits where nothing could be judged. */
export const retryAfterSeconds = 2

export type Scheme = 'Bearer' | 'DPoP'

export interface ChallengeContext {
  /** The one the token came by, or must come by; null where nothing was shown. */
  readonly scheme: Scheme | null
  readonly requirement: Requirement
  readonly resourceMetadata: string | null
  /** Bound tokens are the only ones that are taken. */
  readonly isDpopOnly: boolean
  readonly dpopAlgorithms: readonly string[]
  /** The nonce to use next; null where none is asked for. */
  readonly nonce: string | null
}

export function refusalOf({ code, reason }: Fault, context: ChallengeContext): Refusal {
  const refused = { granted: false, code, reason } as const
  if (code === 'temporarily_unavailable') {
    return { ...refused, status: 503, headers: { 'retry-after': String(retryAfterSeconds) } }
  }
  const nonce = context.nonce === null ? {} : { [dpopNonceHeader.toLowerCase()]: context.nonce }
  const headers = { 'www-authenticate': challenges(code, context), ...nonce }
  const status = code === 'invalid_request' ? 400 : code === 'insufficient_scope' ? 403 : 401
  return { ...refused, status, headers }
}

/** Of the scheme that was used; of all there are where nothing was. */
function challenges(code: Refusal['code'], context: ChallengeContext): string {
  const offered: readonly Scheme[] = context.isDpopOnly ? ['DPoP'] : ['Bearer', 'DPoP']
  const schemes = context.scheme === null ? offered : [context.scheme]
  return schemes.map(scheme => challenge(scheme, code, context)).join(', ')
}

function challenge(scheme: Scheme, code: Refusal['code'], context: ChallengeContext): string {
  const { requirement, resourceMetadata, dpopAlgorithms } = context
  const { scopes = [], acr = [], maxAgeSeconds } = requirement
  const isStepUp = code === 'insufficient_user_authentication'
  const parameters: readonly (readonly [string, string | null])[] = [
    ['error', code],
    ['scope', scopes.length > 0 && (code === 'insufficient_scope' || code === null) ? scopes.join(' ') : null],
    ['acr_values', isStepUp && acr.length > 0 ? acr.join(' ') : null],
    ['max_age', isStepUp && maxAgeSeconds !== undefined ? String(maxAgeSeconds) : null],
    ['algs', scheme === 'DPoP' ? dpopAlgorithms.join(' ') : null],
    ['resource_metadata', resourceMetadata],
  ]
  const told = parameters.flatMap(([name, value]) => (value === null ? [] : [`${name}="${quotable(value)}"`]))
  return told.length === 0 ? scheme : `${scheme} ${told.join(', ')}`
}

/** RFC 9110 §5.6.4: what stands between quotes. All of it is the operator's own, and ASCII. */
function quotable(value: string): string {
  return value.replaceAll(/["\\]/g, '\\$&')
}
