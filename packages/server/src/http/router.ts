/**
 * From a path to an endpoint, and from whatever happens there to an answer. Paths are compared as sent: `/token/` and
 * `/%74oken` are nobody's. Every answer carries the request's id, and no error leaves here as anything but an answer.
 */

import type { RequestId } from '../domain/identifiers.ts'
import { failureKey } from '../oauth/failure-key.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import type { AccessLog } from './access-log.ts'
import { type CorsHeaders, type CorsRule, corsHeaders, type IsAllowedOrigin, preflightResponse } from './cors.ts'
import type { HttpRequest, HttpResponse } from './exchange.ts'
import type { FailureDelay } from './failure-delay.ts'
import { failureResponse, jsonResponse } from './oauth-failure.ts'

export type Endpoint = (request: HttpRequest, requestId: RequestId) => Promise<HttpResponse>

/** The whole server, seen from a listener. Never rejects. */
export type Answer = (request: HttpRequest) => Promise<HttpResponse>

export interface Route {
  /** As it must be sent. One that ends with a slash stands for whatever single segment follows it. */
  readonly path: string
  /** In upper case. `HEAD` comes with `GET`; `OPTIONS` with CORS. */
  readonly methods: readonly string[]
  readonly cors: CorsRule
  readonly endpoint: Endpoint
  /** How an error is told here, where it is not JSON: on pages. */
  readonly failure?: (error: unknown, requestId: RequestId) => HttpResponse
}

export interface RouterParts {
  readonly newRequestId: () => RequestId
  readonly nowMs: () => number
  readonly isAllowedOrigin: IsAllowedOrigin
  readonly accessLog: AccessLog
  readonly failureDelay: FailureDelay
  /** Keeps the refusal for `explain`, in the background. Must not throw. */
  readonly onRefusal: (error: OAuthError, request: HttpRequest, requestId: RequestId) => void
}

/** Throws when two routes claim one path. */
export function route(routes: readonly Route[], parts: RouterParts): Answer {
  const table = tableOf(routes)
  return async request => {
    const requestId = parts.newRequestId()
    const startedAtMs = parts.nowMs()
    const found = table.get(request.path) ?? table.get(parentOf(request.path))
    let response = notFound
    let cors: CorsHeaders = noCors
    let error: unknown = null
    try {
      // Asked before the endpoint moves anything: an answer that was committed must not be lost to a failed look-up.
      if (found !== undefined) {
        const allowed = corsHeaders(found.cors, request, parts.isAllowedOrigin)
        cors = allowed instanceof Promise ? await allowed : allowed
        response = await responseOf(found, request, { requestId, cors })
      }
    } catch (thrown) {
      error = thrown
      response = found?.failure?.(thrown, requestId) ?? failureResponse(thrown)
      if (thrown instanceof OAuthError) await refuse(thrown, request, { requestId, parts })
    }
    const detail = error instanceof OAuthError ? error.detail : null
    parts.accessLog.answered(request, { requestId, status: response.status, startedAtMs, error, detail })
    const { status, headers, body } = response
    return { status, headers: { ...headers, ...cors, 'Pawl-Request-Id': requestId }, body }
  }
}

interface Found extends Route {
  readonly allow: string
}

/** `/a/b` stands below `/a/`. Nothing stands below the root: it is a page by itself. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 1 || slash === path.length - 1 ? '' : path.slice(0, slash + 1)
}

const noCors: CorsHeaders = {}
const notFound = jsonResponse(404, { error: 'not_found' })

function tableOf(routes: readonly Route[]): ReadonlyMap<string, Found> {
  const table = new Map<string, Found>()
  for (const one of routes) {
    if (table.has(one.path)) throw new Error(`two routes claim ${one.path}`)
    const methods = [...one.methods]
    if (methods.includes('GET')) methods.push('HEAD')
    if (one.cors !== 'none') methods.push('OPTIONS')
    table.set(one.path, { ...one, methods, allow: methods.join(', ') })
  }
  return table
}

/** Not `async`: one promise per request is the endpoint's, and a second would buy nothing. */
function responseOf(
  found: Found,
  request: HttpRequest,
  turn: { readonly requestId: RequestId; readonly cors: CorsHeaders },
): Promise<HttpResponse> | HttpResponse {
  if (!found.methods.includes(request.method)) {
    return jsonResponse(405, { error: 'method_not_allowed' }, { Allow: found.allow })
  }
  if (request.method === 'OPTIONS') return preflightResponse(found.allow, turn.cors)
  if (request.method === 'HEAD') return found.endpoint({ ...request, method: 'GET' }, turn.requestId)
  return found.endpoint(request, turn.requestId)
}

/** The codes that guessing earns. All of one code wait alike, whatever the reason was (I10). */
const guessable: ReadonlySet<string> = new Set(['invalid_client', 'invalid_grant', 'invalid_token'])

async function refuse(
  error: OAuthError,
  request: HttpRequest,
  turn: { readonly requestId: RequestId; readonly parts: RouterParts },
): Promise<void> {
  // Told every few seconds to every device that waits: there is nothing to explain.
  if (error.code === 'authorization_pending') return
  turn.parts.onRefusal(error, request, turn.requestId)
  if (!guessable.has(error.code)) return
  await turn.parts.failureDelay.delay(failureKey(error.context.clientId, request.address))
}
