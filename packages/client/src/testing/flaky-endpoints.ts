/** The endpoints of a `flakyServer`. The network in front of them fails; they do not. */

import { encodeBase64Url } from '../custody/custody-key.ts'
import type { TokenAnswer } from '../holder/holder.ts'
import { endFamily, type Family, newToken, presentTo } from './flaky-families.ts'
import type { FlakyPolicy } from './flaky-policy.ts'
import { httpDate } from './http-date.ts'
import { judgeProof } from './proof-check.ts'
import type { SeededChance } from './seeded-chance.ts'

export interface FlakyState {
  readonly issuer: string
  readonly clients: { readonly [clientId: string]: string | null }
  readonly clock: { nowMs(): number }
  readonly chance: SeededChance
  policy: FlakyPolicy
  readonly families: Family[]
  readonly codes: Map<string, Approved>
  /** Proofs that were used once: none is good twice. */
  readonly proofs: Set<string>
}

interface Approved {
  readonly clientId: string
  readonly redirectUri: string | null
  readonly challenge: string
  readonly scope: string
}

export interface FlakyEndpoints {
  metadata(): Response
  token(url: URL, init: RequestInit): Promise<Response>
  revoke(init: RequestInit): Response
  api(init: RequestInit): Response
  approve(authorizationUrl: string): string
  signIn(as?: SignedInAs): TokenAnswer
  end(family: Family): void
}

export interface SignedInAs {
  readonly clientId?: string
  readonly scope?: string
  /** A family whose client sent a retry key with the code. */
  readonly isKeyed?: boolean
  readonly keyThumbprint?: string
}

const retryKeyShape = /^"(?<key>rk1\.[\w-]{43})"$/
const currentNonce = 'nonce-of-the-day'

export function flakyEndpoints(state: FlakyState): FlakyEndpoints {
  return {
    metadata: () => metadata(state),
    token: (url, init) => token(state, url, init),
    revoke: init => {
      const fields = fieldsOf(init)
      const clientId = clientOf(state, fields, init)
      if (clientId === null) return refusal(state, 401, 'invalid_client')
      const found = state.families.find(family => family.tokens.includes(fields.get('token') ?? ''))
      if (found?.clientId === clientId) endFamily(found, 'revoked')
      return answer(state, {})
    },
    api: init => {
      const sent = new Headers(init.headers).get('authorization')?.split(' ')[1] ?? ''
      const isGood = state.families.some(({ accessTokens }) => (accessTokens.get(sent) ?? 0) > state.clock.nowMs())
      if (isGood) return answer(state, { hello: 'world' })
      return refusal(state, 401, 'invalid_token', { 'www-authenticate': 'Bearer error="invalid_token"' })
    },
    approve: url => approve(state, new URL(url)),
    signIn: (as = {}) => {
      const { clientId = Object.keys(state.clients)[0] ?? '', scope = 'read', isKeyed = false } = as
      return tokens(state, opened(state, { clientId, scope, isKeyed, keyThumbprint: as.keyThumbprint ?? null }))
    },
    end: family => endFamily(family, 'revoked'),
  }
}

function metadata(state: FlakyState): Response {
  const { issuer, policy } = state
  return answer(state, {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    authorization_response_iss_parameter_supported: true,
    ...(policy.retryKeys && { refresh_token_retry_keys_supported: ['rk1'] }),
    ...(policy.dpop && { dpop_signing_alg_values_supported: ['ES256'] }),
  })
}

function approve(state: FlakyState, url: URL): string {
  const asked = url.searchParams
  const [clientId, challenge] = [asked.get('client_id'), asked.get('code_challenge')]
  if (clientId === null || state.clients[clientId] === undefined) throw new RangeError('there is no such client')
  if (challenge === null) throw new RangeError('there is no code_challenge')
  const redirectUri = asked.get('redirect_uri')
  const code = `code_${state.chance.text(24)}`
  state.codes.set(code, { clientId, redirectUri, challenge, scope: asked.get('scope') ?? 'read' })
  const back = new URL(redirectUri ?? 'https://app.example/callback')
  back.searchParams.set('code', code)
  const stateText = asked.get('state')
  if (stateText !== null) back.searchParams.set('state', stateText)
  back.searchParams.set('iss', state.issuer)
  return back.href
}

async function token(state: FlakyState, url: URL, init: RequestInit): Promise<Response> {
  const fields = fieldsOf(init)
  const clientId = clientOf(state, fields, init)
  if (clientId === null) return refusal(state, 401, 'invalid_client')
  const proof = new Headers(init.headers).get('dpop')
  const judged = proof === null ? null : await judgeProof(proof, ofRequest(state, url))
  if (judged?.kind === 'bad' || (judged !== null && state.proofs.has(judged.id))) {
    return refusal(state, 400, 'invalid_dpop_proof')
  }
  if (judged !== null && state.policy.dpopNonce && judged.nonce !== currentNonce) {
    return refusal(state, 400, 'use_dpop_nonce', { 'dpop-nonce': currentNonce })
  }
  if (judged !== null) state.proofs.add(judged.id)
  const asked: Asked = {
    fields,
    clientId,
    retryKey: state.policy.retryKeys ? retryKeyOf(init) : null,
    keyThumbprint: state.policy.dpop ? (judged?.keyThumbprint ?? null) : null,
    isAuthenticated: state.clients[clientId] !== null,
  }
  const grantType = fields.get('grant_type')
  if (grantType === 'authorization_code') return redeem(state, asked)
  if (grantType === 'refresh_token') return refresh(state, asked)
  return refusal(state, 400, 'unsupported_grant_type')
}

interface Asked {
  readonly fields: URLSearchParams
  readonly clientId: string
  readonly retryKey: string | null
  readonly keyThumbprint: string | null
  readonly isAuthenticated: boolean
}

async function redeem(state: FlakyState, asked: Asked): Promise<Response> {
  const code = asked.fields.get('code') ?? ''
  const approved = state.codes.get(code)
  const verifier = new TextEncoder().encode(asked.fields.get('code_verifier') ?? '')
  const challenge = encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', verifier)))
  const isRight =
    approved?.clientId === asked.clientId &&
    approved.challenge === challenge &&
    approved.redirectUri === asked.fields.get('redirect_uri')
  // A code is spent by whoever may redeem it, once.
  if (approved === undefined || !isRight || !state.codes.delete(code)) return refusal(state, 400, 'invalid_grant')
  const { clientId, keyThumbprint } = asked
  const isKeyed = asked.retryKey !== null
  return answer(state, tokens(state, opened(state, { clientId, scope: approved.scope, isKeyed, keyThumbprint })))
}

function refresh(state: FlakyState, asked: Asked): Response {
  const { retryKey, keyThumbprint, isAuthenticated } = asked
  const presented = { token: asked.fields.get('refresh_token') ?? '', retryKey, keyThumbprint, isAuthenticated }
  const family = state.families.find(({ tokens: all }) => all.includes(presented.token))
  if (family?.clientId !== asked.clientId) return refusal(state, 400, 'invalid_grant')
  const world = { policy: state.policy, nowMs: state.clock.nowMs(), chance: state.chance }
  const came = presentTo(family, presented, world)
  if (came.kind === 'refused') return refusal(state, 400, 'invalid_grant')
  const { refresh_token: _, ...rest } = tokens(state, family)
  return answer(state, state.policy.rotates ? { ...rest, refresh_token: came.refreshToken } : rest)
}

type Opening = Pick<Family, 'clientId' | 'scope' | 'isKeyed' | 'keyThumbprint'>

function opened(state: FlakyState, opening: Opening): Family {
  const family: Family = {
    ...opening,
    name: `family ${state.families.length + 1}`,
    tokens: [newToken(state.chance, 'rt')],
    rotations: [],
    accessTokens: new Map(),
    usedAtMs: state.clock.nowMs(),
    end: null,
  }
  state.families.push(family)
  return family
}

function tokens(state: FlakyState, family: Family): TokenAnswer {
  const { accessTokenSeconds, idleSeconds } = state.policy
  const accessToken = newToken(state.chance, 'at')
  family.accessTokens.set(accessToken, state.clock.nowMs() + accessTokenSeconds * 1000)
  return {
    access_token: accessToken,
    token_type: family.keyThumbprint === null ? 'Bearer' : 'DPoP',
    expires_in: accessTokenSeconds,
    refresh_token: family.tokens.at(-1) ?? '',
    scope: family.scope,
    ...(idleSeconds !== null && { refresh_token_timeout: idleSeconds }),
  }
}

/** Null is a client that is not there, or that did not prove who it is (RFC 6749 §2.3.1). */
function clientOf(state: FlakyState, fields: URLSearchParams, init: RequestInit): string | null {
  const basic = /^Basic (?<pair>.+)$/.exec(new Headers(init.headers).get('authorization') ?? '')?.groups?.['pair']
  const [basicId, basicSecret] = basic === undefined ? [] : atob(basic).split(':').map(decodeForm)
  const clientId = basicId ?? fields.get('client_id') ?? ''
  const secret = state.clients[clientId]
  if (secret === undefined) return null
  return secret === null || secret === (basicSecret ?? fields.get('client_secret')) ? clientId : null
}

function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

function fieldsOf({ body }: RequestInit): URLSearchParams {
  return body instanceof URLSearchParams || typeof body === 'string' ? new URLSearchParams(body) : new URLSearchParams()
}

function ofRequest(state: FlakyState, { href }: URL): Parameters<typeof judgeProof>[1] {
  return { method: 'POST', url: href, nowMs: state.clock.nowMs() }
}

function retryKeyOf(init: RequestInit): string | null {
  return retryKeyShape.exec(new Headers(init.headers).get('idempotency-key') ?? '')?.groups?.['key'] ?? null
}

type Headed = { readonly [name: string]: string }

function refusal(state: FlakyState, status: number, error: string, headers: Headed = {}): Response {
  return answer(state, { error }, { status, headers })
}

interface Shape {
  readonly status?: number
  readonly headers?: Headed
}

function answer(state: FlakyState, body: object, { status = 200, headers = {} }: Shape = {}): Response {
  const always = { date: httpDate(state.clock.nowMs()), 'cache-control': 'no-store' }
  return Response.json(body, { status, headers: { ...always, ...headers } })
}
