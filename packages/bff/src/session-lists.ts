/**
 * Which sessions a person has, and which belong to a session of the server: what signing out everywhere and back-channel
 * logout need, who come without a cookie. One record for each, named by a keyed hash, sealed under the application's key.
 */

import type { Place } from '@pawl/client'
import { encodeBase64Url } from '@pawl/client/custody-key'
import { drawBytes } from '@pawl/client/entropy'
import type { Settings } from './bff-options.ts'
import { clockOf } from './browser-session.ts'

export interface ListedSession {
  readonly id: string
  readonly createdAtMs: number
  readonly absoluteExpiresAtMs: number
  /** As the browser called itself at sign-in. */
  readonly userAgent: string | null
}

/** The oldest is ended when one more is begun. */
export const sessionsPerSubjectMax = 50
const changesMax = 10

export type ListKind = 'subject' | 'sid'

export async function listSessions(
  settings: Settings,
  kind: ListKind,
  value: string,
): Promise<readonly ListedSession[]> {
  return (await readList(settings, await nameOf(settings, kind, value))).sessions
}

/** Adds one, and answers those that had to go for it. */
export async function addToList(
  settings: Settings,
  kind: ListKind,
  value: string,
  added: ListedSession,
): Promise<readonly ListedSession[]> {
  let gone: readonly ListedSession[] = []
  await changeList(settings, kind, value, sessions => {
    const all = [...sessions, added]
    gone = all.slice(0, Math.max(all.length - sessionsPerSubjectMax, 0))
    return all.slice(gone.length)
  })
  return gone
}

export async function takeFromList(
  settings: Settings,
  kind: ListKind,
  value: string,
  ids: readonly string[],
): Promise<void> {
  await changeList(settings, kind, value, sessions => sessions.filter(({ id }) => !ids.includes(id)))
}

interface Listed {
  readonly version: string | null
  readonly sessions: readonly ListedSession[]
}

async function changeList(
  settings: Settings,
  kind: ListKind,
  value: string,
  change: (sessions: readonly ListedSession[]) => readonly ListedSession[],
): Promise<void> {
  const name = await nameOf(settings, kind, value)
  for (let turn = 0; turn < changesMax; turn++) {
    if (await changeOnce(settings, name, change)) return
  }
  throw new Error('a list of sessions moved each time it was to be changed')
}

async function changeOnce(
  settings: Settings,
  name: string,
  change: (sessions: readonly ListedSession[]) => readonly ListedSession[],
): Promise<boolean> {
  const { store, custodyKey } = settings
  const before = await readList(settings, name)
  const sessions = change(before.sessions)
  if (sessions.length === 0) return before.version === null || (await store.remove(name, before.version)) === 'removed'
  const version = encodeBase64Url(drawBytes(16))
  const sealed = await custodyKey.seal(JSON.stringify(sessions), placeOf(settings, name, version))
  const expiresAtMs = Math.max(...sessions.map(each => each.absoluteExpiresAtMs))
  return (await store.save(name, { version, sealed, expiresAtMs }, before.version)) === 'saved'
}

/** Those that could still live. */
async function readList(settings: Settings, name: string): Promise<Listed> {
  const record = await settings.store.load(name)
  if (record === null) return { version: null, sessions: [] }
  const text = await settings.custodyKey.open(record.sealed, placeOf(settings, name, record.version))
  // What opens was sealed by us, and is what we wrote.
  const sessions = JSON.parse(text) as readonly ListedSession[]
  const nowMs = clockOf(settings).nowMs()
  return { version: record.version, sessions: sessions.filter(each => each.absoluteExpiresAtMs > nowMs) }
}

/** No code and no token begins like this, so no retry key is ever the name of a list. */
async function nameOf({ custodyKey }: Settings, kind: ListKind, value: string): Promise<string> {
  return `bff-${kind}:${await custodyKey.retryKeyFor(`\nsessions of ${kind}\n${value}`)}`
}

function placeOf({ client, server }: Settings, name: string, version: string): Place {
  const issuer = typeof server === 'string' ? server : server.issuer
  return { issuer, clientId: client.client_id, name, version }
}
