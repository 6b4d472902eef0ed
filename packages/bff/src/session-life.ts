/** How a session begins, is found again, and ends: the session, its grant and the lists it stands in, together. */

import type { SignedIn } from '@pawl/client/signed-in'
import type { BffEvent } from './bff-options.ts'
import {
  type BrowserSession,
  type CookieParts,
  clockOf,
  type KeptSession,
  grantNameOf,
  newCookie,
  openSession,
  partsOf,
  removeSession,
  saveSession,
} from './browser-session.ts'
import { readCookie, sessionCookie } from './cookies.ts'
import type { Inside } from './inside.ts'
import { addToList, type ListKind, listSessions, takeFromList } from './session-lists.ts'

type Reason = Extract<BffEvent, { kind: 'signed-out' }>['reason']

/** Keeps what sign-in brought, and answers the cookie of the new session. */
export async function beginSession(inside: Inside, fresh: SignedIn, userAgent: string | null): Promise<string> {
  const { settings, holders } = inside
  const cookie = newCookie()
  const parts = await partsOf(cookie)
  const { claims } = fresh
  if (parts === null || claims === null) throw new TypeError('there is no ID token: a session is of a person')
  const holder = await holders.of(parts)
  await holder.keep(grantNameOf(parts.id), fresh)
  const nowMs = clockOf(settings).nowMs()
  const kept = {
    subject: claims.sub,
    sessionId: typeof claims['sid'] === 'string' ? claims['sid'] : null,
    claims: Object.fromEntries(settings.claims.filter(name => name in claims).map(name => [name, claims[name]])),
    idToken: settings.sendsIdTokenThroughBrowser ? (fresh.tokens.id_token ?? null) : null,
    createdAtMs: nowMs,
    usedAtMs: nowMs,
    absoluteExpiresAtMs: nowMs + settings.absoluteSeconds * 1000,
  }
  if ((await saveSession(settings, parts, kept, null)) === null)
    throw new Error('a session of this id is there already')
  const listed = {
    id: parts.id,
    createdAtMs: nowMs,
    absoluteExpiresAtMs: kept.absoluteExpiresAtMs,
    userAgent: userAgent?.slice(0, userAgentCharactersMax) ?? null,
  }
  for (const [kind, value] of listsOf(kept)) {
    for (const { id } of await addToList(settings, kind, value, listed)) await endById(inside, id, 'too-many')
  }
  settings.tell({ kind: 'signed-in', session: parts.id, subject: kept.subject })
  return cookie
}

const userAgentCharactersMax = 200

function listsOf({
  subject,
  sessionId,
}: {
  readonly subject: string
  readonly sessionId: string | null
}): readonly (readonly [ListKind, string])[] {
  return sessionId === null
    ? [['subject', subject]]
    : [
        ['subject', subject],
        ['sid', sessionId],
      ]
}

/** The living session of the browser that asks, or null. */
export async function sessionOf({ settings }: Inside, request: Request): Promise<BrowserSession | null> {
  const parts = await partsOf(readCookie(request, sessionCookie))
  return parts === null ? null : openSession(settings, parts)
}

/** Ends a session by its cookie, and answers what it was: the grant is revoked at the server. Null when there is none. */
export async function endSessionOf(inside: Inside, parts: CookieParts, reason: Reason): Promise<KeptSession | null> {
  const { settings, holders } = inside
  const session = await openSession(settings, parts)
  if (session !== null) {
    const holder = await holders.of(parts)
    await holder.end(grantNameOf(parts.id))
    for (const [kind, value] of listsOf(session.kept)) await takeFromList(settings, kind, value, [parts.id])
  }
  await endById(inside, parts.id, reason)
  return session?.kept ?? null
}

/** Without the cookie nothing of the grant can be opened, and so nothing revoked: what is left of it is removed. */
async function endById({ settings, holders }: Inside, id: string, reason: Reason): Promise<void> {
  const wasThere = await removeSession(settings, id)
  holders.forget(id)
  if (wasThere) settings.tell({ kind: 'signed-out', session: id, reason })
}

/** Ends all sessions on a list, and answers how many there were. */
export async function endListed(inside: Inside, kind: ListKind, value: string, reason: Reason): Promise<number> {
  const { settings } = inside
  const sessions = await listSessions(settings, kind, value)
  for (const { id } of sessions) await endById(inside, id, reason)
  await takeFromList(
    settings,
    kind,
    value,
    sessions.map(({ id }) => id),
  )
  return sessions.length
}
