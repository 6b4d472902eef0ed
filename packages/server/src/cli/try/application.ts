/** The application of the story: a native one, without a secret, that does what `@pawl/client` does with its tokens. */

import { createHash, createHmac } from 'node:crypto'
import { formatRetryKey } from '@pawl/protocol'
import type { Entropy } from '../../domain/entropy.ts'
import { type Answered, exchange, headerOf } from './exchange.ts'

export interface Endpoints {
  readonly issuer: string
  readonly authorization: string
  readonly token: string
  readonly introspection: string
}

/** What one sign-in has to remember until it comes back. */
export interface Attempt {
  readonly url: string
  readonly state: string
  readonly verifier: string
  readonly redirectUri: string
}

export interface TokenAnswer {
  readonly status: number
  readonly error: string | null
  readonly accessToken: string
  readonly refreshToken: string
  readonly scope: string
  /** Names this answer for `pawl explain`. */
  readonly requestId: string | null
}

export interface Application {
  readonly begin: () => Attempt
  readonly redeem: (attempt: Attempt, code: string) => Promise<TokenAnswer>
  readonly refresh: (refreshToken: string) => Promise<TokenAnswer>
}

/** Somebody who copied a token, but neither the custody key nor the application. */
export interface Thief {
  readonly replay: (refreshToken: string) => Promise<TokenAnswer>
}

export interface ApplicationParts {
  readonly clientId: string
  readonly redirectUri: string
  /** The API it asks tokens for. */
  readonly resource: string
  readonly endpoints: Endpoints
  readonly entropy: Entropy
}

export function application(parts: ApplicationParts): Application {
  const { clientId, endpoints, entropy } = parts
  const custodyKey = entropy.bytes(32)
  const sender = { url: endpoints.token, agent: 'demo-native/1.0', clientId, custodyKey }
  return {
    begin: () => beginAttempt(parts),
    redeem: (attempt, code) => {
      const parameters = { grant_type: 'authorization_code', code, redirect_uri: attempt.redirectUri }
      return postToken(sender, { ...parameters, code_verifier: attempt.verifier }, code)
    },
    refresh: token => postToken(sender, { grant_type: 'refresh_token', refresh_token: token }, token),
  }
}

/** A thief has to make up a custody key: the family asks for a retry key, and theirs fits nothing that was used before. */
export function thief({ clientId, endpoints, entropy }: ApplicationParts): Thief {
  const sender = { url: endpoints.token, agent: 'a strange laptop', clientId, custodyKey: entropy.bytes(32) }
  return { replay: token => postToken(sender, { grant_type: 'refresh_token', refresh_token: token }, token) }
}

/** Whether an access token is good, asked by the API it is for (RFC 7662). */
export async function introspect(
  endpoints: Endpoints,
  api: { readonly id: string; readonly secret: string },
  accessToken: string,
): Promise<boolean> {
  const answered = await exchange({
    method: 'POST',
    url: endpoints.introspection,
    headers: {
      ...formHeaders,
      Authorization: `Basic ${Buffer.from(`${api.id}:${api.secret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ token: accessToken }).toString(),
  })
  if (answered.status !== 200) throw new Error(`introspection was answered ${answered.status}`)
  return jsonOf(answered)['active'] === true
}

function beginAttempt({ clientId, redirectUri, resource, endpoints, entropy }: ApplicationParts): Attempt {
  const verifier = base64url(entropy.bytes(32))
  const state = base64url(entropy.bytes(16))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid email offline_access',
    resource,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return { url: `${endpoints.authorization}?${query.toString()}`, state, verifier, redirectUri }
}

interface Sender {
  readonly url: string
  readonly agent: string
  readonly clientId: string
  /** Kept with the tokens and never sent: whoever holds it can derive retry keys. */
  readonly custodyKey: Uint8Array
}

async function postToken(
  sender: Sender,
  parameters: { readonly [name: string]: string },
  credential: string,
): Promise<TokenAnswer> {
  const retryKey = createHmac('sha256', sender.custodyKey).update(credential).digest('base64url')
  const headers = { ...formHeaders, 'User-Agent': sender.agent, 'Idempotency-Key': formatRetryKey(retryKey) }
  const body = new URLSearchParams({ ...parameters, client_id: sender.clientId }).toString()
  const answered = await exchange({ method: 'POST', url: sender.url, headers, body })
  const json = jsonOf(answered)
  const text = (name: string): string => (typeof json[name] === 'string' ? json[name] : '')
  return {
    status: answered.status,
    error: json['error'] === undefined ? null : text('error'),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    scope: text('scope'),
    requestId: headerOf(answered, 'pawl-request-id'),
  }
}

export function jsonOf(answered: Answered): { readonly [name: string]: unknown } {
  const json: unknown = JSON.parse(answered.body)
  if (typeof json !== 'object' || json === null) throw new Error('an answer that is not a JSON object')
  return Object.fromEntries(Object.entries(json))
}

const formHeaders = { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' }

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
