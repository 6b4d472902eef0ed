/** One answer of the revocation feed, read strictly: what is not understood might be what is revoked. */

import { isObject, objectOf } from '../bounded-fetch.ts'
import { ServerUnavailable } from '../fault.ts'
import type { FeedEntry } from './revocations.ts'

export const feedBytesMax = 8_388_608
const cursorCharactersMax = 128
const textCharactersMax = 512

export interface FeedAnswer {
  readonly cursor: string
  readonly entries: readonly FeedEntry[]
  /** Null while there is more to fetch at once. */
  readonly known: { readonly asOfMs: number; readonly ageMs: number } | null
}

/** Throws `ServerUnavailable` for what is no answer of a feed. */
export function readFeedAnswer(text: string): FeedAnswer {
  const answer = objectOf(text) ?? {}
  const { cursor, entries, more, as_of_ms: asOfMs, age_ms: ageMs } = answer
  if (!isText(cursor, cursorCharactersMax) || !Array.isArray(entries) || typeof more !== 'boolean') {
    throw new ServerUnavailable('the revocation feed answered something else')
  }
  const read = entries.map(readEntry)
  if (more) return { cursor, entries: read, known: null }
  if (!isMs(asOfMs) || !isMs(ageMs)) throw new ServerUnavailable('the revocation feed does not say as of when')
  return { cursor, entries: read, known: { asOfMs, ageMs } }
}

function readEntry(value: unknown): FeedEntry {
  const entry = isObject(value) ? entryOf(value) : null
  if (entry === null) throw new ServerUnavailable('the revocation feed tells something that this version does not know')
  return entry
}

function entryOf(value: { readonly [name: string]: unknown }): FeedEntry | null {
  const { kind, fam, jti, client_id: clientId, before_ms: beforeMs, until_ms: untilMs } = value
  if (!isMs(untilMs)) return null
  if (kind === 'family') return isText(fam, textCharactersMax) ? { kind, fam, untilMs } : null
  if (kind === 'token') return isText(jti, textCharactersMax) ? { kind, jti, untilMs } : null
  if (!isMs(beforeMs)) return null
  if (kind === 'everyone') return { kind, beforeMs, untilMs }
  if (!isText(clientId, textCharactersMax)) return null
  if (kind === 'client') return { kind, clientId, beforeMs, untilMs }
  return kind === 'exchanged' && isText(fam, textCharactersMax) ? { kind, fam, clientId, beforeMs, untilMs } : null
}

function isText(value: unknown, charactersMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= charactersMax
}

function isMs(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
