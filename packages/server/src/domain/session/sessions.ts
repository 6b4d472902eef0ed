/**
 * The life of a browser's session. Each sign-in makes a new cookie value, so that whoever planted or copied the old one
 * has nothing (session fixation); the public `sid` stays for as long as the same person goes on in the same browser,
 * because applications know the session by it.
 */

import type { Subject } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import { keptUserAgent } from '../event/user-agent.ts'
import { newSessionId } from '../identifiers.ts'
import type { Shown } from './acr.ts'
import type { Session, SessionStore } from './session.ts'

/** Counted from the sign-in; using the session does not prolong it. */
export const sessionSecondsDefault = 7 * 86_400

/** Secrets that the store keeps only as keyed hashes. */
export interface SecretHashes {
  readonly newSecret: (kind: 'session') => { readonly secret: string; readonly hash: string }
  /** Null where the text is no secret of that kind: garbage is refused without a look into the store. */
  readonly hashOf: (kind: 'session', secret: string) => string | null
}

export interface SessionMeans {
  readonly sessions: SessionStore
  readonly hashes: SecretHashes
  readonly entropy: Entropy
}

export interface SessionStart {
  readonly subject: Subject
  /** When the person proved who they are, as `signIn` gave it. */
  readonly authTimeMs: number
  readonly shown: Shown
  /** How long the session lasts from this sign-in. */
  readonly lifeSeconds: number
  /** The browser's session until now, or null. */
  readonly previous: Session | null
  readonly caller: Caller
}

export interface StartedSession {
  readonly session: Session
  /** The cookie's value. Nothing else ever holds it. */
  readonly secret: string
}

/** Another person's session in this browser ends with this; the same person's goes on under a new cookie value. */
export async function startSession(means: SessionMeans, start: SessionStart): Promise<StartedSession> {
  const continued = start.previous?.subject === start.subject ? start.previous : null
  const replaced = continued === null ? start.previous : null
  const { secret, hash } = means.hashes.newSecret('session')
  const session: Session = {
    id: continued?.id ?? newSessionId(means.entropy),
    secretHash: hash,
    subject: start.subject,
    authTimeMs: start.authTimeMs,
    acr: start.shown.acr,
    amr: start.shown.amr,
    createdAtMs: continued?.createdAtMs ?? start.authTimeMs,
    expiresAtMs: start.authTimeMs + start.lifeSeconds * 1000,
    address: start.caller.address,
    agent: keptUserAgent(start.caller.userAgent),
  }
  const occasion = { caller: start.caller, atMs: start.authTimeMs }
  const events = [newEvent('signed_in', { ...aboutOf(session), ...occasion }, means.entropy)]
  if (replaced !== null) {
    const about = { ...aboutOf(replaced), ...occasion, detail: { reason: 'replaced' } }
    events.push(newEvent('signed_out', about, means.entropy))
  }
  await means.sessions.save(session, replaced?.id ?? null, events)
  return { session, secret }
}

export interface SessionRaise {
  /** As it was just read. */
  readonly session: Session
  /** What the person has shown by now, all together. */
  readonly shown: Shown
  readonly atMs: number
  readonly caller: Caller
}

/**
 * Step-up: the same person goes on with more shown, under a new cookie value. When they signed in stays as it was, for
 * the first factor was not shown again; a session that ended meanwhile therefore stays over.
 */
export async function raiseSession(means: SessionMeans, raise: SessionRaise): Promise<StartedSession> {
  const { secret, hash } = means.hashes.newSecret('session')
  const session: Session = { ...raise.session, secretHash: hash, acr: raise.shown.acr, amr: raise.shown.amr }
  const about = { ...aboutOf(session), caller: raise.caller, atMs: raise.atMs, detail: { acr: session.acr } }
  await means.sessions.save(session, null, [newEvent('session_raised', about, means.entropy)])
  return { session, secret }
}

/** The living session this cookie value opens. Forged, cut short, ended, expired and cut off are all null. */
export async function readSession(
  means: Pick<SessionMeans, 'sessions' | 'hashes'>,
  secret: string | null,
): Promise<Session | null> {
  if (secret === null) return null
  const hash = means.hashes.hashOf('session', secret)
  return hash === null ? null : means.sessions.readBySecretHash(hash)
}

/**
 * The same, for whoever is told that nobody is signed in: that is durable then. An end that was begun and not
 * acknowledged is finished before, so that coming again does what the first time was asked for.
 */
export async function settledSession(
  means: Pick<SessionMeans, 'sessions' | 'hashes'>,
  secret: string | null,
): Promise<Session | null> {
  const session = await readSession(means, secret)
  const hash = secret === null ? null : means.hashes.hashOf('session', secret)
  return session === null && hash !== null ? means.sessions.settleEnd(hash) : session
}

export interface SessionEnd {
  /** `logout` ends the families that end with the session, `session` every family that was opened in it. */
  readonly cutOff: 'logout' | 'session'
  readonly reason: string
  readonly atMs: number
  readonly caller: Caller
}

/** Once this resolves the cookie opens nothing, and the families that the cut-off names are over. */
export async function endSession(
  means: Pick<SessionMeans, 'sessions' | 'entropy'>,
  session: Session,
  end: SessionEnd,
): Promise<void> {
  const about = { ...aboutOf(session), caller: end.caller, atMs: end.atMs, detail: { reason: end.reason } }
  const event = newEvent('signed_out', about, means.entropy)
  await means.sessions.end(session.id, end.cutOff, end.reason, [event])
}

function aboutOf(session: Session): Pick<Session, 'subject'> & { readonly sessionId: Session['id'] } {
  return { subject: session.subject, sessionId: session.id }
}
