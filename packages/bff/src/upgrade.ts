/**
 * WebSockets (RFC 6455): the request to open one is judged as every other, but that no script can give it a header. So
 * `Origin` must be there and be the application's own (RFC 6455 §10.2). What is sent afterwards is carried as it is.
 */

import { proverOf } from '@pawl/client/dpop-proof'
import { answerError, answerSignedOut } from './answers.ts'
import { clockOf, grantNameOf } from './browser-session.ts'
import { clearSessionCookie } from './cookies.ts'
import { failed, headersThere } from './forward.ts'
import type { Inside } from './inside.ts'
import { findRoute } from './routes.ts'
import { sessionOf } from './session-life.ts'

export interface Upgrade {
  /** Its scheme is `http` or `https`: what follows is no longer that. */
  readonly upstream: URL
  readonly headers: Headers
}

/** See `Bff.upgrade`. */
export async function judgeUpgrade(inside: Inside, request: Request): Promise<Upgrade | Response | null> {
  const { settings } = inside
  const routed = findRoute(settings.routes, new URL(request.url), request.method)
  if (routed.kind === 'no-route') return null
  if (request.headers.get('origin') !== settings.origin) {
    settings.tell({ kind: 'refused', reason: 'cross-site' })
    return answerError(403, 'cross_site')
  }
  if (routed.kind !== 'found') {
    settings.tell({ kind: 'refused', reason: routed.kind })
    return answerError(403, 'bad_path')
  }
  const session = await sessionOf(inside, request)
  if (session === null) return answerSignedOut(clearSessionCookie())
  const { upstream, route } = routed
  try {
    const holder = await inside.holders.of(session)
    const token = await holder.accessToken(grantNameOf(session.id), {
      ...(route.resource === undefined ? {} : { resource: route.resource }),
      ...(route.scope === undefined ? {} : { scope: route.scope }),
    })
    const headers = headersThere(request.headers)
    for (const [name, value] of request.headers) if (name.startsWith('sec-websocket-')) headers.set(name, value)
    headers.set('authorization', `${token.type} ${token.token}`)
    if (token.dpopKey !== null) {
      const asked = { method: 'GET', url: upstream.href, nowMs: clockOf(settings).nowMs(), accessToken: token.token }
      headers.set('dpop', await proverOf(token.dpopKey).proofFor(asked))
    }
    return { upstream, headers }
  } catch (error) {
    return failed(inside, session, error)
  }
}
