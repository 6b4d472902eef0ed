/**
 * Requests that no endpoint ever sees: too long, too slow, or open to two readings. Each is answered like any other all
 * the same: under an id that the log knows, and with the headers that every answer has.
 */

import type { RequestId } from '../domain/identifiers.ts'
import type { AccessLog } from './access-log.ts'
import { bodyless, type HttpRequest, type HttpResponse } from './exchange.ts'
import { jsonResponse } from './oauth-failure.ts'

export type UnreadStatus = 400 | 408 | 413 | 417 | 431

/** What the listener had seen of it. */
export interface UnreadRequest {
  readonly status: UnreadStatus
  /** A sentence for our log. */
  readonly detail: string
  readonly method: string
  readonly path: string
  readonly address: string
}

export type RefuseUnread = (unread: UnreadRequest) => HttpResponse

export interface UnreadParts {
  readonly newRequestId: () => RequestId
  readonly nowMs: () => number
  readonly accessLog: AccessLog
}

/** Logs the request and answers it. Never throws. */
export function refuseUnread(parts: UnreadParts): RefuseUnread {
  return unread => {
    const { status, detail } = unread
    const requestId = parts.newRequestId()
    parts.accessLog.answered(requestOf(unread), { requestId, status, startedAtMs: parts.nowMs(), error: null, detail })
    return jsonResponse(status, { error: 'invalid_request' }, { 'Pawl-Request-Id': requestId })
  }
}

/** The same where nobody keeps a log of requests. */
export const refuseUnnamed: RefuseUnread = ({ status }) => jsonResponse(status, { error: 'invalid_request' })

function requestOf({ method, path, address }: UnreadRequest): HttpRequest {
  return { method, path, query: '', headers: {}, body: bodyless, address }
}
