/** What people end by themselves: one session, one place that an application holds, all it may do, or everything. */

import { type ClientId, cutOffOf, endFamily, expiryOf, type FamilyId, type SessionId } from '@pawl/family'
import { newEvent } from '../../domain/event/new-event.ts'
import { endSession } from '../../domain/session/sessions.ts'
import { branchesWith } from '../../domain/family/branches.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import type { Attempt } from '../../domain/family/step.ts'
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

/** One family of this person, with what was branched off it. False where there is none, or it was over before. */
export function endHolding(server: AuthorizationServer, owner: Owner, id: FamilyId): Promise<boolean> {
  return server.stepFamily(id, reading => decideEnd(server, owner, reading))
}

async function decideEnd(
  server: AuthorizationServer,
  { user, caller }: Owner,
  reading: FamilyReading | null,
): Promise<Attempt<boolean>> {
  if (reading === null || reading.family.grant.subject !== user.subject) return { change: null, result: false }
  const { family, nowMs } = reading
  // Time or a cut-off may have been first; then that is what the log says.
  const over = cutOffOf(family, reading.cutOffs) ?? expiryOf(family, nowMs)
  const reason = over ?? 'revoked_by_user'
  const ended = endFamily(family, reason, over === null ? 'user' : 'rule', nowMs)
  const { cutOffs } = await branchesWith(server.store.families, family, 'user')
  // That it is over was only read; it is written again, so that the page may say so.
  if (ended === family) return { change: { family, events: [], cutOffs }, result: false }
  const { clientId, subject, sessionId } = family.grant
  const detail = { reason, current: family.generation }
  const about = { familyId: family.id, clientId, subject, sessionId, caller, atMs: nowMs, detail }
  const events = [newEvent('family_ended', about, server.entropy)]
  return { change: { family: ended, events, cutOffs }, result: over === null }
}
