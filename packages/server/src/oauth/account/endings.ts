/** What people end by themselves: one session, everything, or what they allowed one application. */

import type { ClientId, SessionId } from '@pawl/family'
import { newEvent } from '../../domain/event/new-event.ts'
import { endSession } from '../../domain/session/sessions.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { logoutFrames } from '../front-channel-logout.ts'
import type { Owner } from './means-to-sign-in.ts'

/** Signs another browser out, and ends what was opened there. False where there is no such session of this person. */
export async function signOutElsewhere(server: AuthorizationServer, owner: Owner, id: SessionId): Promise<boolean> {
  const session = await server.store.sessions.read(id)
  if (session === null || session.subject !== owner.user.subject) return false
  const means = { sessions: server.store.sessions, entropy: server.entropy }
  const { caller } = owner
  const end = {
    cutOff: 'session',
    reason: 'signed out on the account page',
    caller,
    atMs: await server.store.now(),
  } as const
  await endSession(means, session, end)
  server.courier.wake()
  return true
}

/** Nothing of before is left, this browser's session included. Answers what its page must load (`logoutFrames`). */
export async function signOutEverywhere(
  server: AuthorizationServer,
  { user, session, caller }: Owner,
): Promise<readonly string[]> {
  const frames = await logoutFrames(server, session.id)
  const detail = { target: 'user', reason: 'signed out everywhere' }
  const about = { subject: user.subject, sessionId: session.id, caller, atMs: await server.store.now(), detail }
  const target = { kind: 'user', subject: user.subject } as const
  const cutOff = { target, reason: 'signed out everywhere', by: 'user', beforeMs: null }
  await server.store.cutOffs.set(cutOff, [newEvent('cut_off_set', about, server.entropy)])
  server.courier.wake()
  return frames
}

/** The application is asked about again the next time, and what it holds is over. */
export async function withdrawConsent(server: AuthorizationServer, owner: Owner, clientId: ClientId): Promise<void> {
  const { user, session, caller } = owner
  const about = { subject: user.subject, sessionId: session.id, clientId, caller, atMs: await server.store.now() }
  const event = newEvent('consent_withdrawn', about, server.entropy)
  await server.store.consents.withdraw(user.subject, clientId, 'user', [event])
}
