/**
 * A session of one browser: what its cookie opens. The cookie has 48 random bytes; the name of the session in the store is
 * one digest of them and the key that seals it another, so that the store opens nothing by itself, and neither does the
 * application's own key. The cookie never changes while the session lives, and is never given to another one.
 */

import { type CustodyKey, type CustodyStore, type HolderClock, machineClock, type Place } from '@pawl/client'
import { CustodyKeyWrong, custodyKeyFrom, decodeBase64Url, encodeBase64Url } from '@pawl/client/custody-key'
import { drawBytes } from '@pawl/client/entropy'
import type { Settings } from './bff-options.ts'

export interface BrowserSession {
  /** A digest: names the session in events and lists, and opens nothing. */
  readonly id: string
  readonly key: CustodyKey
  readonly kept: KeptSession
  readonly version: string
}

export interface KeptSession {
  readonly subject: string
  readonly sessionId: string | null
  /** What the browser may see. */
  readonly claims: { readonly [name: string]: unknown }
  /** Only where the server is to be told by it who signs out. */
  readonly idToken: string | null
  readonly createdAtMs: number
  readonly usedAtMs: number
  readonly absoluteExpiresAtMs: number
}

export const cookieBytes = 48
const cookieShape = /^[\w-]{64}$/
/** How exactly it is known when a session was last used: a write for each request would be too many. */
export const usedSecondsExactly = 60

export function newCookie(): string {
  return encodeBase64Url(drawBytes(cookieBytes))
}

export interface CookieParts {
  readonly id: string
  readonly key: CustodyKey
}

/** Null for a text that is no cookie of ours. */
export async function partsOf(cookie: string | null): Promise<CookieParts | null> {
  if (cookie === null || !cookieShape.test(cookie)) return null
  const bytes = decodeBase64Url(cookie)
  const [id, key] = await Promise.all([digest('id', bytes), digest('key', bytes)])
  return { id: encodeBase64Url(id), key: await custodyKeyFrom(key) }
}

async function digest(purpose: 'id' | 'key', bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const label = new TextEncoder().encode(`pawl bff session ${purpose}\n`)
  const text = new Uint8Array(label.length + bytes.length)
  text.set(label)
  text.set(bytes, label.length)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text))
}

export function grantNameOf(id: string): string {
  return `bff-grant:${id}`
}

function sessionNameOf(id: string): string {
  return `bff-session:${id}`
}

/** The living session of a cookie, or null. Its use is noted now and then. */
export async function openSession(settings: Settings, parts: CookieParts): Promise<BrowserSession | null> {
  const nowMs = clockOf(settings).nowMs()
  const record = await settings.store.load(sessionNameOf(parts.id))
  if (record === null) return null
  const text = await openOrNull(parts, record.sealed, placeOf(settings, parts.id, record.version))
  if (text === null) return null
  // What opens was sealed by us, and is what we wrote.
  const kept = JSON.parse(text) as KeptSession
  if (nowMs >= expiresAtMs(settings, kept)) return null
  const session = { ...parts, kept, version: record.version }
  if (nowMs - kept.usedAtMs < usedSecondsExactly * 1000) return session
  return (await saveSession(settings, parts, { ...kept, usedAtMs: nowMs }, record.version)) ?? session
}

/** A session of another client or server, from before the configuration was changed, is none. */
async function openOrNull({ key }: CookieParts, sealed: string, place: Place): Promise<string | null> {
  try {
    return await key.open(sealed, place)
  } catch (error) {
    if (error instanceof CustodyKeyWrong) return null
    throw error
  }
}

/** Null when the session moved meanwhile: then somebody else noted its use, or ended it. */
export async function saveSession(
  settings: Settings,
  parts: CookieParts,
  kept: KeptSession,
  ifVersion: string | null,
): Promise<BrowserSession | null> {
  const version = encodeBase64Url(drawBytes(16))
  const sealed = await parts.key.seal(JSON.stringify(kept), placeOf(settings, parts.id, version))
  const record = { version, sealed, expiresAtMs: expiresAtMs(settings, kept) }
  const saved = await settings.store.save(sessionNameOf(parts.id), record, ifVersion)
  return saved === 'saved' ? { ...parts, kept, version } : null
}

export function expiresAtMs({ idleSeconds }: Settings, { usedAtMs, absoluteExpiresAtMs }: KeptSession): number {
  return Math.min(usedAtMs + idleSeconds * 1000, absoluteExpiresAtMs)
}

/** Ends a session without its cookie: what is left of its grant opens for nobody. True when there was one. */
export async function removeSession({ store }: Settings, id: string): Promise<boolean> {
  const removed = await Promise.all([sessionNameOf(id), grantNameOf(id)].map(name => removeWhatever(store, name)))
  return removed.some(Boolean)
}

const removalsMax = 5

async function removeWhatever(store: CustodyStore, name: string): Promise<boolean> {
  for (let turn = 0; turn < removalsMax; turn++) {
    const record = await store.load(name)
    if (record === null) return false
    if ((await store.remove(name, record.version)) === 'removed') return true
  }
  throw new Error(`'${name}' moved each time it was to be removed`)
}

export function clockOf({ given: { clock = machineClock } }: Settings): HolderClock {
  return clock
}

function placeOf({ client, server }: Settings, id: string, version: string): Place {
  const issuer = typeof server === 'string' ? server : server.issuer
  return { issuer, clientId: client.client_id, name: sessionNameOf(id), version }
}
