/**
 * Talking to an upstream provider with `openid-client`, over the one way that leads outside. The library is loaded at the
 * first sign-in there: a server without upstream providers does not carry it.
 */

import type { Configuration, CustomFetch, IDToken } from 'openid-client'
import type { Outbound } from '../../domain/outbound/outbound.ts'
import { openUpstreamSecret, type Upstream } from '../../domain/upstream/upstream.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** Of one answer: discovery documents and key sets are the largest. */
export const upstreamBytesMax = 262_144
export const upstreamSecondsMax = 10

/** Where the provider sends people back to. */
export const upstreamCallbackPath = '/upstream/callback'

export interface Departure {
  readonly state: string
  readonly nonce: string
  /** S256 of the verifier. */
  readonly codeChallenge: string
  readonly loginHint: string | null
}

/** The address to send the browser to. Throws what the library or the way out throws. */
export async function departureUrl(
  server: AuthorizationServer,
  upstream: Upstream,
  departure: Departure,
): Promise<string> {
  const { buildAuthorizationUrl } = await import('openid-client')
  const parameters: { [name: string]: string } = {
    redirect_uri: server.issuer + upstreamCallbackPath,
    response_type: 'code',
    scope: upstream.scopes.join(' '),
    state: departure.state,
    nonce: departure.nonce,
    code_challenge: departure.codeChallenge,
    code_challenge_method: 'S256',
    ...(departure.loginHint === null ? {} : { login_hint: departure.loginHint }),
  }
  return buildAuthorizationUrl(await configurationOf(server, upstream), parameters).href
}

export interface Arrival {
  /** The query that came back, as sent. */
  readonly query: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** The claims of a checked ID token: signature, issuer, audience, nonce, times. The tokens themselves are dropped. */
export async function arrivalClaims(
  server: AuthorizationServer,
  upstream: Upstream,
  arrival: Arrival,
): Promise<IDToken | null> {
  const { authorizationCodeGrant } = await import('openid-client')
  const here = new URL(`${server.issuer}${upstreamCallbackPath}?${arrival.query}`)
  const tokens = await authorizationCodeGrant(await configurationOf(server, upstream), here, {
    expectedState: arrival.state,
    expectedNonce: arrival.nonce,
    pkceCodeVerifier: arrival.codeVerifier,
    idTokenExpected: true,
  })
  return tokens.claims() ?? null
}

async function configurationOf(server: AuthorizationServer, upstream: Upstream): Promise<Configuration> {
  const { allowInsecureRequests, customFetch, discovery, enableNonRepudiationChecks, None } = await import('openid-client')
  const { id, issuer, clientId, sealedSecret } = upstream
  const secret = sealedSecret === null ? null : openUpstreamSecret(server.sealer, id, sealedSecret)
  if (sealedSecret !== null && secret === null) {
    throw new Error(`the client secret of upstream ${id} does not open: its master key is gone`)
  }
  // http is for a provider on this very machine; the way out refuses it everywhere else.
  const insecure = issuer.startsWith('http://') ? [allowInsecureRequests] : []
  return discovery(new URL(issuer), clientId, secret ?? undefined, secret === null ? None() : undefined, {
    [customFetch]: outboundFetch(server.outbound),
    execute: [...insecure, enableNonRepudiationChecks],
    timeout: upstreamSecondsMax,
  })
}

/** The library's fetch, by our way out: judged addresses, no redirects, bounded answers. */
function outboundFetch(outbound: Outbound): CustomFetch {
  return async (url, { method, headers, body }) => {
    if (method !== 'GET' && method !== 'POST') throw new TypeError(`no ${method} goes to an upstream provider`)
    const text = body === null || body === undefined ? null : textOf(body)
    const answer = await outbound.send({
      url,
      method,
      headers: withoutOurs(headers),
      ...(text === null ? {} : { body: text }),
      bytesMax: upstreamBytesMax,
      secondsMax: upstreamSecondsMax,
    })
    const sent = Object.entries(answer.headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return new Response(answer.status === 204 ? null : Uint8Array.from(answer.body), { status: answer.status, headers: sent })
  }
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('a request to an upstream provider has a body that is no form')
}

/** What the way out says by itself. */
function withoutOurs(headers: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const own = new Set(['host', 'accept-encoding', 'content-length', 'connection'])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name.toLowerCase())))
}
