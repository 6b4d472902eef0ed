/**
 * Talking to an upstream provider with `openid-client`, over the one way that leads outside. The library is loaded at the
 * first sign-in there: a server without upstream providers does not carry it.
 */

import type { Configuration, CustomFetch, IDToken } from 'openid-client'
import type { Sealer } from '../../domain/keys/seal.ts'
import type { Outbound } from '../../domain/outbound/outbound.ts'
import { openUpstreamSecret, type Upstream, upstreamsMax } from '../../domain/upstream/upstream.ts'

/** Of one answer: discovery documents and key sets are the largest. */
export const upstreamBytesMax = 262_144
export const upstreamSecondsMax = 10

/**
 * Where providers send people back to: below it, each to an address of its own. A provider that passes somebody on to
 * another one gets no code of that one's, though it says nothing of its issuer in its answer (RFC 9700 §4.4.2.2).
 */
export const upstreamCallbackPath = '/upstream/callback/'

export function callbackUrl(issuer: string, upstreamId: string): string {
  return issuer + upstreamCallbackPath + upstreamId
}

export interface Departure {
  readonly state: string
  readonly nonce: string
  /** S256 of the verifier. */
  readonly codeChallenge: string
  readonly loginHint: string | null
  /** How long ago the person may have signed in there; null where anything will do. */
  readonly maxAgeSeconds: number | null
}

export interface Arrival {
  /** The query that came back, as sent. */
  readonly query: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface UpstreamProviders {
  /** The address to send the browser to. Rejects with what the library or the way out throws, as does the other. */
  readonly departureUrl: (upstream: Upstream, departure: Departure) => Promise<string>
  /** The claims of a checked ID token: signature, issuer, audience, nonce, times. The tokens themselves are dropped. */
  readonly arrivalClaims: (upstream: Upstream, arrival: Arrival) => Promise<IDToken | null>
}

export interface UpstreamProvidersParts {
  readonly issuer: string
  readonly sealer: Sealer
  readonly outbound: Outbound
  readonly nowMs: () => number
}

/** How long what a provider says of itself is used without asking again. */
export const providerSeconds = 600

export function upstreamProviders(parts: UpstreamProvidersParts): UpstreamProviders {
  const configurationOf = rememberedConfigurations(parts)
  return {
    departureUrl: async (upstream, departure) => {
      const { buildAuthorizationUrl } = await import('openid-client')
      const { loginHint, maxAgeSeconds } = departure
      const parameters: { [name: string]: string } = {
        redirect_uri: callbackUrl(parts.issuer, upstream.id),
        response_type: 'code',
        scope: upstream.scopes.join(' '),
        state: departure.state,
        nonce: departure.nonce,
        code_challenge: departure.codeChallenge,
        code_challenge_method: 'S256',
        ...(loginHint === null ? {} : { login_hint: loginHint }),
        ...(maxAgeSeconds === null ? {} : { max_age: String(maxAgeSeconds) }),
      }
      return buildAuthorizationUrl(await configurationOf(upstream), parameters).href
    },
    arrivalClaims: async (upstream, arrival) => {
      const { authorizationCodeGrant } = await import('openid-client')
      const here = new URL(`${callbackUrl(parts.issuer, upstream.id)}?${arrival.query}`)
      const tokens = await authorizationCodeGrant(await configurationOf(upstream), here, {
        expectedState: arrival.state,
        expectedNonce: arrival.nonce,
        pkceCodeVerifier: arrival.codeVerifier,
        idTokenExpected: true,
      })
      return tokens.claims() ?? null
    },
  }
}

interface Remembered {
  /** As the operator keeps it: with another secret or issuer it is read anew. */
  readonly of: string
  readonly readAtMs: number
  readonly configuration: Promise<Configuration>
}

/**
 * What each provider says of itself, and its keys with it. Whoever comes while it is being read waits for the same answer;
 * one that failed is not remembered. There are as many as providers, `upstreamsMax`, and the oldest gives way.
 */
function rememberedConfigurations(parts: UpstreamProvidersParts): (upstream: Upstream) => Promise<Configuration> {
  const known = new Map<string, Remembered>()
  return upstream => {
    const { id } = upstream
    const of = JSON.stringify(upstream)
    const nowMs = parts.nowMs()
    const remembered = known.get(id)
    if (remembered?.of === of && nowMs < remembered.readAtMs + providerSeconds * 1000) return remembered.configuration
    const configuration = readConfiguration(parts, upstream)
    const fresh = { of, readAtMs: nowMs, configuration }
    known.delete(id)
    const [oldest] = known.keys()
    if (known.size >= upstreamsMax && oldest !== undefined) known.delete(oldest)
    known.set(id, fresh)
    configuration.catch(() => {
      if (known.get(id) === fresh) known.delete(id)
    })
    return configuration
  }
}

async function readConfiguration(
  { sealer, outbound }: UpstreamProvidersParts,
  upstream: Upstream,
): Promise<Configuration> {
  const { allowInsecureRequests, customFetch, discovery, enableNonRepudiationChecks, None } = await import(
    'openid-client'
  )
  const { id, issuer, clientId, sealedSecret } = upstream
  const secret = sealedSecret === null ? null : openUpstreamSecret(sealer, id, sealedSecret)
  if (sealedSecret !== null && secret === null) {
    throw new Error(`the client secret of upstream ${id} does not open: its master key is gone`)
  }
  // http is for a provider on this very machine; the way out refuses it everywhere else.
  const insecure = issuer.startsWith('http://') ? [allowInsecureRequests] : []
  return discovery(new URL(issuer), clientId, secret ?? undefined, secret === null ? None() : undefined, {
    [customFetch]: outboundFetch(outbound),
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
    return new Response(answer.status === 204 ? null : Uint8Array.from(answer.body), {
      status: answer.status,
      headers: sent,
    })
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
