/**
 * How this application asks for tokens. An answer can get lost on the way, so a request that carries a code or a refresh
 * token also carries a retry key, and is sent once more, byte for byte, when nothing or a 5xx comes back. The key shows
 * that it is the same holder asking again; without one, a second asking could be anybody's.
 */

import * as client from 'openid-client'
import { type Keys, retryKeyFor } from './seal.ts'
import { isLoopback, type Settings } from './settings.ts'

const tryMsMax = 5_000
const retryAfterMs = 250

export async function discover(settings: Settings, keys: Keys): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret } = settings
  return client.discovery(issuer, clientId, {}, client.ClientSecretBasic(clientSecret), {
    // Plain http is for an authorization server on this very machine.
    execute: isLoopback(issuer) ? [client.allowInsecureRequests] : [],
    [client.customFetch]: carefulFetch(keys),
  })
}

export function carefulFetch(keys: Keys): client.CustomFetch {
  return async (url, options) => {
    const credential = credentialIn(options.body)
    if (credential === null) return send(url, options, {})
    const headers = { 'idempotency-key': retryKeyFor(keys, credential) }
    const first = await send(url, options, headers).catch((cause: unknown) => unanswered(cause))
    if (first !== null && first.status < 500) return first
    await new Promise(resolve => setTimeout(resolve, retryAfterMs))
    return send(url, options, headers)
  }
}

/** The code or refresh token that a token request presents, or null for every other request. */
function credentialIn(body: client.FetchBody): string | null {
  if (!(body instanceof URLSearchParams)) return null
  const grantType = body.get('grant_type')
  if (grantType === 'authorization_code') return body.get('code')
  return grantType === 'refresh_token' ? body.get('refresh_token') : null
}

async function send(
  url: string,
  options: client.CustomFetchOptions,
  headers: { readonly [name: string]: string },
): Promise<Response> {
  const { body, method, redirect } = options
  const signal = AbortSignal.timeout(tryMsMax)
  const sent: RequestInit = { method, redirect, signal, headers: { ...options.headers, ...headers } }
  return fetch(url, body === undefined ? sent : { ...sent, body: body as BodyInit | null })
}

/** The connection failed: the server may or may not have acted, which is just what the retry key is for. */
function unanswered(cause: unknown): null {
  console.warn(`a token request went unanswered, asking again: ${cause instanceof Error ? cause.message : 'unknown'}`)
  return null
}
