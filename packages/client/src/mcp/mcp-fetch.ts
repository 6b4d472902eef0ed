/**
 * The fetch of the transport. It mends what the SDK cannot: a 401 is answered with a refreshed token before the SDK sees
 * it, and sends nobody to a browser as long as the grant lives or another process is about to sign in; and a code is
 * redeemed again when the answer was lost.
 */

import { customFetch } from 'oauth4webapi'
import { SignInRefused } from '../sign-in/failures.ts'
import { askForTokens } from '../sign-in/token-request.ts'
import type { AccessToken, TokenAnswer } from '../holder/holder.ts'
import { withoutClient } from './connection.ts'
import { awaitedToken, currentToken, endTurn, giveTurnBack, isClientError } from './current-token.ts'
import { type Answered, custodyOf, type Ground } from './ground.ts'
import { offlineRegistration } from './offline-access.ts'
import type { SdkFetch } from './sdk.ts'

export function mcpFetch(ground: Ground): SdkFetch {
  return async (input, init = {}) => {
    const url = new URL(input)
    const answered = redeemedBy(ground, url, init)
    if (answered !== null) return redeem(ground, answered, url, init)
    const sent = bearerOf(init)
    if (sent !== null && url.origin !== ground.serverUrl.origin) {
      throw new TypeError(`an access token for ${ground.serverUrl.origin} does not go to ${url.origin}`)
    }
    if (!isMcpServer(ground, url)) return findWay(ground, url, registrationOf(ground, url, init) ?? init)
    const { redirects } = ground.flow
    const response = await send(ground, url, init)
    if (response.status !== 401 || !canGoAgain(init)) return response
    const token = await nextToken(ground, sent, redirects, init.signal ?? undefined)
    if (token === null) return response
    await response.body?.cancel()
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${token.token}`)
    return send(ground, url, { ...init, headers })
  }
}

/** What the SDK asks on its way to the authorization server. Where that fails it sends nobody away. */
async function findWay(ground: Ground, url: URL, init: RequestInit): Promise<Response> {
  try {
    const response = await send(ground, url, init)
    if (response.status >= 500 || (init.method === 'POST' && !response.ok)) await giveTurnBack(ground)
    return response
  } catch (error) {
    await giveTurnBack(ground)
    throw error
  }
}

/** The request as it is to be sent, if it registers the client (RFC 7591). */
function registrationOf({ flow }: Ground, url: URL, init: RequestInit): RequestInit | null {
  const { server } = flow.discovery ?? {}
  const endpoint = server?.registration_endpoint
  if (server === undefined || endpoint === undefined || url.href !== new URL(endpoint).href) return null
  return typeof init.body === 'string' ? { ...init, body: offlineRegistration(init.body, server) } : null
}

function send({ options }: Ground, url: URL, init: RequestInit): Promise<Response> {
  return options.fetch === undefined ? fetch(url, init) : options.fetch(url.href, init)
}

async function nextToken(
  ground: Ground,
  sent: string | null,
  redirects: number,
  signal: AbortSignal | undefined,
): Promise<AccessToken | null> {
  const token = await currentToken(ground, sent ?? undefined)
  if (token !== null && token.token !== sent) return token
  // Refused though it is new: no refresh mends that, and whoever else signs in is not waited for.
  return token === null ? awaitedToken(ground, redirects, signal) : null
}

function isMcpServer({ serverUrl }: Ground, url: URL): boolean {
  return url.origin === serverUrl.origin && url.pathname === serverUrl.pathname
}

function canGoAgain({ body }: RequestInit): boolean {
  return !(body instanceof ReadableStream)
}

function bearerOf({ headers }: RequestInit): string | null {
  return /^bearer (.+)$/i.exec(new Headers(headers).get('authorization') ?? '')?.[1] ?? null
}

/** The callback whose code this request redeems, or null where it is another request. */
function redeemedBy({ flow }: Ground, url: URL, { method, body }: RequestInit): Answered | null {
  const { answered } = flow
  if (answered === null || method !== 'POST' || !(body instanceof URLSearchParams)) return null
  const isHere = url.href === new URL(answered.attempt.server.token_endpoint ?? '').href
  return isHere && body.get('code') === answered.code ? answered : null
}

/** Sends until the outcome is known. What was answered once is not asked for again: the SDK may come twice. */
async function redeem(ground: Ground, answered: Answered, url: URL, init: RequestInit): Promise<Response> {
  const custody = custodyOf(ground, answered.attempt)
  const request = { method: 'POST', headers: Object.fromEntries(new Headers(init.headers)), body: init.body ?? null }
  try {
    answered.tokens ??= await askForTokens(custody, {
      step: 'redemption',
      dpopKey: null,
      send: ({ options }) => options[customFetch](url.href, request),
    }).then(({ body }) => body as unknown as TokenAnswer)
  } catch (error) {
    ground.flow.answered = null
    await endTurn(ground)
    if (error instanceof SignInRefused && isClientError(error.code)) {
      await ground.record.change(connection => withoutClient(connection, custody.client.client_id))
    }
    throw error
  }
  return Response.json(answered.tokens)
}
