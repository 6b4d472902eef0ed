/**
 * How this application asks for tokens. An answer can get lost on the way, so a request that carries a code or a refresh
 * token also carries a retry key, and is sent once more, byte for byte, when nothing or a 5xx comes back. The key shows
 * that it is the same holder asking again; without one, a second asking could be anybody's.
 */

import { custodyKeyFrom } from '@pawl/client'
import { fetchWithRetryKeys } from '@pawl/client/retry-keys'
import * as client from 'openid-client'
import type { Keys } from './seal.ts'
import { isLoopback, type Settings } from './settings.ts'

const tryMsMax = 5_000
const retryAfterMs = 250

export async function discover(settings: Settings, keys: Keys): Promise<client.Configuration> {
  const { issuer, clientId, clientSecret } = settings
  return client.discovery(issuer, clientId, {}, client.ClientSecretBasic(clientSecret), {
    // Plain http is for an authorization server on this very machine.
    execute: isLoopback(issuer) ? [client.allowInsecureRequests] : [],
    [client.customFetch]: await carefulFetch(keys),
  })
}

export async function carefulFetch(keys: Keys): Promise<client.CustomFetch> {
  return fetchWithRetryKeys(await custodyKeyFrom(keys.custody), sendTwice)
}

type Target = string | URL | Request

/** Only what carries a retry key may be sent again. */
async function sendTwice(url: Target, init: RequestInit): Promise<Response> {
  if (!new Headers(init.headers).has('idempotency-key')) return send(url, init)
  const first = await send(url, init).catch((cause: unknown) => unanswered(cause))
  if (first !== null && first.status < 500) return first
  await new Promise(resolve => setTimeout(resolve, retryAfterMs))
  return send(url, init)
}

function send(url: Target, init: RequestInit): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(tryMsMax) })
}

/** The connection failed: the server may or may not have acted, which is just what the retry key is for. */
function unanswered(cause: unknown): null {
  console.warn(`a token request went unanswered, asking again: ${cause instanceof Error ? cause.message : 'unknown'}`)
  return null
}
