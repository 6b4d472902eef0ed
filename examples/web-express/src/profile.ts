/** The profile: asks the authorization server who this is, with the access token, and says how the session stands. */

import * as client from 'openid-client'
import { profilePage } from './pages.ts'
import type { SessionKeeper, SessionState } from './session-keeper.ts'
import type { Session } from './session-store.ts'
import type { Settings } from './settings.ts'

export type ProfileReading =
  | { readonly kind: 'page'; readonly page: string; readonly session: Session }
  | Exclude<SessionState, { readonly kind: 'signed_in' }>

export interface ProfileParts {
  readonly config: client.Configuration
  readonly settings: Settings
  readonly nowMs: () => number
}

export async function readProfile(parts: ProfileParts, keeper: SessionKeeper, id: string): Promise<ProfileReading> {
  const state = await keeper.current(id)
  if (state.kind !== 'signed_in') return state
  const asked = await readClaims(parts.config, state.session)
  if (asked !== 'refused') return readingOf(parts, state.session, asked)
  // An access token can die before its time, for example by a revocation. One renewal tells which it is.
  const renewed = await keeper.renew(id)
  if (renewed.kind !== 'signed_in') return renewed
  return readingOf(parts, renewed.session, await readClaims(parts.config, renewed.session))
}

type Asked = client.UserInfoResponse | 'refused' | 'unanswered'

async function readClaims(config: client.Configuration, session: Session): Promise<Asked> {
  try {
    return await client.fetchUserInfo(config, session.accessToken, session.subject)
  } catch (cause) {
    if (cause instanceof client.WWWAuthenticateChallengeError && cause.status === 401) return 'refused'
    console.warn(`could not read the profile: ${cause instanceof Error ? cause.message : 'unknown'}`)
    return 'unanswered'
  }
}

function readingOf(parts: ProfileParts, session: Session, claims: Asked): ProfileReading {
  if (typeof claims === 'string') return { kind: 'unreachable' }
  return { kind: 'page', page: pageOf(parts, session, claims), session }
}

function pageOf(parts: ProfileParts, session: Session, claims: client.UserInfoResponse): string {
  const nowMs = parts.nowMs()
  return profilePage({
    claims: Object.entries(claims).flatMap(([name, value]) => shown(name, value)),
    name: claims.name ?? claims.email ?? claims.sub,
    issuerHost: parts.settings.issuer.host,
    accessTokenSecondsLeft: (session.accessTokenEndsAtMs - nowMs) / 1000,
    grantSecondsLeft: (session.endsAtMs - nowMs) / 1000,
    refreshes: session.refreshes,
  })
}

function shown(name: string, value: unknown): readonly (readonly [name: string, value: string])[] {
  if (typeof value === 'string') return [[name, value]]
  if (typeof value === 'boolean') return [[name, value ? 'yes' : 'no']]
  return typeof value === 'number' ? [[name, value.toString()]] : []
}
