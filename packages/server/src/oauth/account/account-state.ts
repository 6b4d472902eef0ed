/**
 * What the forms of the account page carry: proof that the page was shown in this browser, to this session, and a moment
 * ago. It is also what a passkey's challenge and the key of an authenticator that is being set up hang on.
 */

import type { SessionId } from '@pawl/family'
import type { Session } from '../../domain/session/session.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { accountSeconds } from './visit.ts'

export interface AccountState {
  readonly sessionId: SessionId
  readonly startedAtMs: number
  /** A key for one-time codes that waits for its first code, in base64url; null on every other page. */
  readonly totpKey: string | null
}

export async function sealAccountState(
  server: AuthorizationServer,
  session: Session,
  browserHash: string,
  totpKey: Uint8Array | null = null,
): Promise<string> {
  const key = totpKey === null ? null : Buffer.from(totpKey).toString('base64url')
  const state: AccountState = { sessionId: session.id, startedAtMs: await server.store.now(), totpKey: key }
  return server.sealer.sealText(purpose, browserHash, JSON.stringify(state))
}

/** Null for a page of another browser or session, or one that stood open for too long. */
export async function openAccountState(
  server: AuthorizationServer,
  session: Session,
  browserHash: string,
  stateToken: string,
): Promise<AccountState | null> {
  const text = server.sealer.openText(purpose, browserHash, stateToken)
  if (text === null) return null
  // What only we can have sealed has the shape we gave it.
  const state = JSON.parse(text) as AccountState
  return state.sessionId === session.id && (await server.store.now()) < accountStateEndsAtMs(state) ? state : null
}

export function accountStateEndsAtMs(state: AccountState): number {
  return state.startedAtMs + accountSeconds * 1000
}

const purpose = 'account'
