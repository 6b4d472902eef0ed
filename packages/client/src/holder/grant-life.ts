/** How a kept grant moves on: pure functions from an answer to the next record. */

import { accessTokensMax, type EndReason, type KeptAccessToken, type KeptGrant } from '../custody/kept-grant.ts'
import type { AccessToken, FreshGrant, GrantView, TokenAnswer, Wanted } from './holder.ts'
import type { Kept } from './vault.ts'

/** The life of an access token whose server does not say (RFC 6749 §5.1 recommends that it does). */
export const accessSecondsAssumed = 300

export interface Birth {
  readonly issuer: string
  readonly clientId: string
  readonly grantId: string
  readonly atMs: number
  readonly skewMs: number
}

/** The record of a grant that a sign-in brought. */
export function bornGrant(fresh: FreshGrant, { issuer, clientId, grantId, atMs, skewMs }: Birth): KeptGrant {
  const { tokens, subject = null, sessionId = null } = fresh
  return {
    format: 1,
    issuer,
    clientId,
    grantId,
    refreshToken: tokens.refresh_token ?? null,
    retryKey: null,
    generation: 1,
    createdAtMs: atMs,
    refreshedAtMs: atMs,
    skewMs,
    ...expiriesOf(tokens, atMs),
    scope: tokens.scope ?? null,
    subject,
    sessionId,
    idToken: tokens.id_token ?? null,
    accessTokens: accessTokensOf(tokens, fresh.resource === undefined ? {} : { resource: fresh.resource }, atMs),
    dpopJwk: null,
    end: null,
  }
}

/** The record after an answer. One without a refresh token keeps the old one (RFC 6749 §6). */
export function advancedGrant(grant: KeptGrant, moved: Movement): KeptGrant {
  const { tokens, wanted, atMs, skewMs } = moved
  const [token] = accessTokensOf(tokens, wanted, atMs)
  const others = grant.accessTokens.filter(each => !isSame(each, wanted) && each.expiresAtMs > atMs)
  return {
    ...grant,
    refreshToken: tokens.refresh_token ?? grant.refreshToken,
    retryKey: tokens.refresh_token === undefined ? grant.retryKey : null,
    generation: grant.generation + 1,
    refreshedAtMs: atMs,
    skewMs,
    ...expiriesOf(tokens, atMs),
    // An absolute end does not move because an answer leaves it out.
    ...(tokens.authorization_expires_in === undefined ? { absoluteExpiresAtMs: grant.absoluteExpiresAtMs } : {}),
    accessTokens: [...(token === undefined ? [] : [token]), ...others].slice(0, accessTokensMax),
  }
}

export interface Movement {
  readonly tokens: TokenAnswer
  readonly wanted: Wanted
  readonly atMs: number
  readonly skewMs: number
}

/** The record of a grant that is over: nothing in it can be used. */
export function endedGrant(grant: KeptGrant, reason: EndReason, atMs: number): KeptGrant {
  return {
    ...grant,
    refreshToken: null,
    retryKey: null,
    idToken: null,
    accessTokens: [],
    dpopJwk: null,
    end: { reason, atMs },
  }
}

/** Why a grant that the server refused is over: its time, where it was known, or something we are not told. */
export function reasonOfRefusal(grant: KeptGrant, issuerNowMs: number): EndReason {
  const isOver = [grant.idleExpiresAtMs, grant.absoluteExpiresAtMs].some(each => each !== null && each <= issuerNowMs)
  return isOver ? 'expired' : 'refused'
}

/** The kept token for what is wanted, if it lives for another `marginMs` and is not the one that was refused. */
export function livingToken(
  grant: KeptGrant,
  wanted: Wanted,
  issuerNowMs: number,
  marginMs: number,
): KeptAccessToken | null {
  const token = tokenFor(grant, wanted)
  if (token === null || token.token === wanted.ifNot) return null
  // The margin never takes more than half of a short life.
  const margin = Math.min(marginMs, (token.expiresAtMs - token.issuedAtMs) / 2)
  return token.expiresAtMs - margin > issuerNowMs ? token : null
}

/** The kept token for what is wanted, dead or alive. */
export function tokenFor(grant: KeptGrant, wanted: Wanted): KeptAccessToken | null {
  return grant.accessTokens.find(each => isSame(each, wanted)) ?? null
}

export function handedOut(kept: Kept, token: KeptAccessToken, skewMs: number): AccessToken {
  return {
    token: token.token,
    type: token.type,
    expiresAtMs: token.expiresAtMs - skewMs,
    scope: token.scope ?? kept.grant.scope,
    dpopKey: token.type === 'DPoP' ? kept.dpopKey : null,
  }
}

export function viewOf(name: string, { grant }: Kept): GrantView {
  const { subject, sessionId, scope, generation, createdAtMs, refreshedAtMs, idleExpiresAtMs, absoluteExpiresAtMs } =
    grant
  const times = { createdAtMs, refreshedAtMs, idleExpiresAtMs, absoluteExpiresAtMs }
  const hasRefreshToken = grant.refreshToken !== null
  return { grant: name, subject, sessionId, scope, generation, ...times, hasRefreshToken, end: grant.end }
}

function isSame(token: KeptAccessToken, { resource, scope }: Wanted): boolean {
  return token.resource === (resource ?? null) && token.scope === (scope ?? null)
}

function accessTokensOf(tokens: TokenAnswer, { resource, scope }: Wanted, atMs: number): readonly KeptAccessToken[] {
  const { access_token: token, token_type: type, expires_in: seconds } = tokens
  if (token === undefined || type === undefined) return []
  const lifeMs = secondsOf(seconds ?? null) ?? accessSecondsAssumed
  const asked = { resource: resource ?? null, scope: scope ?? null }
  const isBound = type.toLowerCase() === 'dpop'
  return [{ ...asked, token, type: isBound ? 'DPoP' : 'Bearer', issuedAtMs: atMs, expiresAtMs: atMs + lifeMs * 1000 }]
}

function expiriesOf(tokens: TokenAnswer, atMs: number): Pick<KeptGrant, 'idleExpiresAtMs' | 'absoluteExpiresAtMs'> {
  const instant = (seconds: number | undefined) => {
    const whole = secondsOf(seconds ?? null)
    return whole === null ? null : atMs + whole * 1000
  }
  return {
    idleExpiresAtMs: instant(tokens.refresh_token_timeout),
    absoluteExpiresAtMs: instant(tokens.authorization_expires_in),
  }
}

/** Some servers write numbers as strings. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' ? Number.parseFloat(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}
