/** Makes audit events. Whoever acts is a `Caller`: where the request came from and how it is called in the log. */

import type { ClientId, Family, SessionId, Subject } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import { newEventId, type RequestId } from '../identifiers.ts'
import { type AuditEvent, countedEventId, detailBytesMax, type EventDetail, type EventKind } from './event.ts'
import { keptUserAgent } from './user-agent.ts'

export interface Caller {
  readonly requestId: RequestId | null
  readonly address: string
  readonly userAgent: string
}

/** An operator at the command line. */
export const operator: Caller = { requestId: null, address: 'local', userAgent: 'pawl' }

export interface EventAbout {
  readonly familyId?: Family['id']
  readonly clientId?: ClientId | null
  readonly subject?: Subject | null
  readonly sessionId?: SessionId | null
}

/** An event of its own: an opening, an end, a sign-in. */
export function newEvent(
  kind: EventKind,
  about: EventAbout & { readonly caller: Caller; readonly atMs: number; readonly detail?: EventDetail },
  entropy: Entropy,
): AuditEvent {
  const { caller, atMs } = about
  return {
    id: newEventId(atMs, entropy),
    kind,
    atMs,
    requestId: caller.requestId,
    familyId: about.familyId ?? null,
    clientId: about.clientId ?? null,
    subject: about.subject ?? null,
    sessionId: about.sessionId ?? null,
    detail: fitting({ ...about.detail, ...whereFrom(caller) }),
  }
}

/** One event per family, generation and kind, however often it happens. */
export function countedEvent(
  kind: EventKind,
  family: Family,
  happening: {
    readonly generation: number
    readonly caller: Caller
    readonly atMs: number
    readonly detail?: EventDetail
  },
): AuditEvent {
  const { generation, caller, atMs } = happening
  const { clientId, subject, sessionId } = family.grant
  return {
    id: countedEventId(kind, family.id, generation),
    kind,
    atMs,
    requestId: caller.requestId,
    familyId: family.id,
    clientId,
    subject,
    sessionId,
    detail: fitting({ ...happening.detail, generation, current: family.generation, ...whereFrom(caller) }),
  }
}

function whereFrom(caller: Caller): EventDetail {
  return { address: caller.address, agent: keptUserAgent(caller.userAgent) }
}

/**
 * The detail with its longest texts cut until it fits: what a client or an operator made long must not be the reason
 * that a sign-in or a revocation fails. Names, numbers and short texts stay whole.
 */
function fitting(detail: EventDetail): EventDetail {
  let cut = detail
  while (Buffer.byteLength(JSON.stringify(cut)) > detailBytesMax) {
    const [name, text] = longestText(cut)
    if (text === '') throw new RangeError('the numbers of an event are longer than its detail may be')
    cut = { ...cut, [name]: text.slice(0, text.length >> 1).toWellFormed() }
  }
  return cut
}

function longestText(detail: EventDetail): readonly [string, string] {
  let longest: readonly [string, string] = ['', '']
  for (const [name, value] of Object.entries(detail)) {
    if (typeof value === 'string' && value.length > longest[1].length) longest = [name, value]
  }
  return longest
}
