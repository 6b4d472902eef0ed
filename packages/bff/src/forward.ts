/**
 * A request to an API behind the application: the cookie stays here, the access token goes there, and nothing of the
 * answer touches cookies or policies of the application. Bodies stream both ways; one that is short is kept, so that it can
 * be sent again after a 401.
 */

import { CustodyFailed, RefreshPostponed, SignInNeeded } from '@pawl/client'
import { answerError, answerSignedOut } from './answers.ts'
import { type BrowserSession, grantNameOf } from './browser-session.ts'
import { clearSessionCookie } from './cookies.ts'
import type { Inside } from './inside.ts'
import { proofHeader } from './same-origin.ts'
import type { Routed } from './routes.ts'
import { endSessionOf } from './session-life.ts'

type Found = Extract<Routed, { kind: 'found' }>

/** A longer body is streamed, and sent once. */
export const replayBytesMax = 65_536

export async function forward(
  inside: Inside,
  request: Request,
  session: BrowserSession,
  found: Found,
): Promise<Response> {
  const { upstream, route } = found
  const holder = await inside.holders.of(session)
  const send = holder.fetchAs(grantNameOf(session.id), {
    origins: [upstream.origin],
    ...(route.resource === undefined ? {} : { resource: route.resource }),
    ...(route.scope === undefined ? {} : { scope: route.scope }),
  })
  try {
    const init = {
      method: request.method,
      headers: headersThere(request.headers),
      signal: request.signal,
      ...(await bodyOf(request)),
    }
    return answerBack(await send(upstream, init))
  } catch (error) {
    return failed(inside, session, error)
  }
}

/** Why no token could be had for the API; a session whose grant is over is ended. */
export async function failed(inside: Inside, session: BrowserSession, error: unknown): Promise<Response> {
  if (error instanceof SignInNeeded) {
    await endSessionOf(inside, session, 'refused')
    return answerSignedOut(clearSessionCookie())
  }
  inside.settings.tell({ kind: 'trouble', error })
  if (error instanceof RefreshPostponed) {
    return answerError(503, 'unavailable', [['retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)))]])
  }
  return error instanceof CustodyFailed ? answerError(503, 'unavailable') : answerError(502, 'upstream_failed')
}

/** What is about this hop, about the browser, or would speak for us (RFC 9110 §7.6.1). */
const keptHere = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'proxy-authorization',
  'proxy-connection',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
  proofHeader,
])

/** What of a browser's headers goes to the API. */
export function headersThere(headers: Headers): Headers {
  return without(headers, name => keptHere.has(name) || /^(?:sec-|x-forwarded-|access-control-request-)/.test(name))
}

/** What would change cookies, storage or policies of the application, or speaks of an encoding that is undone by now. */
const keptThere = new Set([
  'alt-svc',
  'bff-session',
  'clear-site-data',
  'connection',
  'content-encoding',
  'content-length',
  'content-security-policy',
  'keep-alive',
  'proxy-authenticate',
  'refresh',
  'service-worker-allowed',
  'set-cookie',
  'strict-transport-security',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function answerBack(answer: Response): Response {
  const headers = without(answer.headers, name => keptThere.has(name) || name.startsWith('access-control-'))
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  headers.set('x-content-type-options', 'nosniff')
  // A page from an API is shown without any power: it would run as the application.
  headers.set('content-security-policy', "default-src 'none'; sandbox")
  headers.append('vary', 'Cookie')
  const { status, statusText, body } = answer
  return new Response(body, { status, statusText, headers })
}

function without(headers: Headers, isLeftOut: (name: string) => boolean): Headers {
  const named = (headers.get('connection') ?? '')
    .toLowerCase()
    .split(',')
    .map(each => each.trim())
  const kept = [...headers].filter(([name]) => !isLeftOut(name) && !named.includes(name))
  return new Headers(kept)
}

async function bodyOf(request: Request): Promise<RequestInit> {
  if (request.body === null || ['GET', 'HEAD'].includes(request.method)) return {}
  const length = request.headers.get('content-length')
  if (length !== null && Number(length) <= replayBytesMax) return { body: await request.arrayBuffer() }
  return { body: request.body, ...streaming }
}

/** Fetch asks for it with a stream, and TypeScript's types do not know it. */
const streaming: { readonly duplex: 'half' } = { duplex: 'half' }
