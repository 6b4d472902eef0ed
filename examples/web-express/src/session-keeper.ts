/**
 * Keeps a session's tokens fresh. The rules every holder of a rotating refresh token needs: renew a little before the end,
 * one renewal of a session at a time, keep the new token before using it, and take only `invalid_grant` as the end.
 */

import * as client from 'openid-client'
import type { Session, SessionStore } from './session-store.ts'

export type SessionState =
  | { readonly kind: 'signed_in'; readonly session: Session }
  /** The authorization server ended the grant: signing in again is the only way on. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'signed_out' }
  /** It does not answer, and the access token is over. The session stays; a later view may succeed. */
  | { readonly kind: 'unreachable' }

export interface SessionKeeper {
  /** The session behind an id, renewed first where its access token is nearly over. */
  readonly current: (id: string) => Promise<SessionState>
  readonly renew: (id: string) => Promise<SessionState>
  /** Ends the session here and its grant there. Answers the ID token to sign out with, where there was a session. */
  readonly end: (id: string) => Promise<string | null>
}

export interface KeeperParts {
  readonly config: client.Configuration
  readonly store: SessionStore
  readonly refreshAheadSeconds: number
  readonly nowMs: () => number
}

export function sessionKeeper(parts: KeeperParts): SessionKeeper {
  const { store, nowMs } = parts
  const running = new Map<string, Promise<SessionState>>()

  /** Everyone who needs it waits for the same renewal. */
  function renew(id: string): Promise<SessionState> {
    const before = running.get(id)
    if (before !== undefined) return before
    const started = renewOnce(parts, id).finally(() => running.delete(id))
    running.set(id, started)
    return started
  }

  return {
    renew,
    current: async id => {
      const stored = store.read(id, nowMs())
      if (stored === null) return { kind: 'signed_out' }
      const endsAtMs = stored.session.accessTokenEndsAtMs - parts.refreshAheadSeconds * 1000
      return endsAtMs > nowMs() ? { kind: 'signed_in', session: stored.session } : renew(id)
    },
    end: async id => {
      // A renewal under way would bring a token that nobody revokes.
      await running.get(id)
      const stored = store.read(id, nowMs())
      store.remove(id)
      if (stored === null) return null
      await revoke(parts.config, stored.session)
      return stored.session.idToken
    },
  }
}

async function renewOnce(parts: KeeperParts, id: string): Promise<SessionState> {
  const { config, store, nowMs } = parts
  const stored = store.read(id, nowMs())
  if (stored === null) return { kind: 'signed_out' }
  const { session, version } = stored
  const askedAtMs = nowMs()
  try {
    const tokens = await client.refreshTokenGrant(config, session.refreshToken)
    const next = sessionAfter(tokens, askedAtMs, session)
    if (store.replace(id, next, version)) return { kind: 'signed_in', session: next }
  } catch (cause) {
    if (!isInvalidGrant(cause)) return withoutAnswer(session, cause, nowMs())
    if (store.read(id, nowMs())?.version === version) return over(parts, id, session)
  }
  // Another process of this application was faster, or the person signed out meanwhile: what is stored counts.
  const newest = store.read(id, nowMs())
  return newest === null ? { kind: 'signed_out' } : { kind: 'signed_in', session: newest.session }
}

/**
 * Refused, and there is nothing newer here. If somebody else moved the family on with a copy of this store, revoking with
 * the token we have ends them too.
 */
async function over(parts: KeeperParts, id: string, session: Session): Promise<SessionState> {
  parts.store.remove(id)
  await revoke(parts.config, session)
  return { kind: 'ended' }
}

type Tokens = Awaited<ReturnType<typeof client.refreshTokenGrant>>

/** What a token answer makes of a session. Throws for an answer that a session cannot stand on. */
export function sessionAfter(tokens: Tokens, askedAtMs: number, before: Session | null): Session {
  const subject = tokens.claims()?.sub ?? before?.subject
  const refreshToken = tokens.refresh_token ?? before?.refreshToken
  const idToken = tokens.id_token ?? before?.idToken
  if (subject === undefined || refreshToken === undefined || idToken === undefined) {
    throw new Error('the answer lacks an ID token or a refresh token: was offline_access allowed to this client?')
  }
  // OIDC Core §12.2: a renewed ID token is about the same person.
  if (before !== null && subject !== before.subject) throw new Error('a renewal answered tokens of somebody else')
  return {
    subject,
    idToken,
    accessToken: tokens.access_token,
    // Counted from the asking, so that we never think it lives longer than it does.
    accessTokenEndsAtMs: askedAtMs + (tokens.expires_in ?? 0) * 1000,
    refreshToken,
    refreshes: before === null ? 0 : before.refreshes + 1,
    endsAtMs: askedAtMs + grantSecondsLeft(tokens) * 1000,
  }
}

const grantSecondsDefault = 28_800

/** How long the grant lives if it is not used again (draft-ietf-oauth-refresh-token-expiration), or a working day. */
function grantSecondsLeft(tokens: Tokens): number {
  const told = [tokens['refresh_token_timeout'], tokens['authorization_expires_in']]
  const seconds = told.filter(value => typeof value === 'number')
  return seconds.length === 0 ? grantSecondsDefault : Math.min(...seconds)
}

function isInvalidGrant(cause: unknown): boolean {
  return cause instanceof client.ResponseBodyError && cause.error === 'invalid_grant'
}

/** No answer means "unknown", never "over": the same refresh token is tried again at the next view. */
function withoutAnswer(session: Session, cause: unknown, nowMs: number): SessionState {
  console.warn(`could not renew a session: ${cause instanceof Error ? cause.message : 'unknown'}`)
  return session.accessTokenEndsAtMs > nowMs ? { kind: 'signed_in', session } : { kind: 'unreachable' }
}

/** The person is signed out here whatever comes of it; an unrevoked grant ends by itself when it is not used. */
async function revoke(config: client.Configuration, session: Session): Promise<void> {
  try {
    await client.tokenRevocation(config, session.refreshToken, { token_type_hint: 'refresh_token' })
  } catch (cause) {
    console.warn(`could not revoke a refresh token: ${cause instanceof Error ? cause.message : 'unknown'}`)
  }
}
