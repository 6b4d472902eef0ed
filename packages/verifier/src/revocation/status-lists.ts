/**
 * Follows Token Status Lists (draft-ietf-oauth-status-list): the token says which bit of which signed list is its own.
 * A list is fetched when the first token of it comes and kept as long as it says; so a revocation is seen within the
 * `ttl` of the list, five seconds at Pawl, with one fetch per list and `ttl` whatever the traffic.
 */

import { collect, fetchText, isObject, isSafeUrl } from '../bounded-fetch.ts'
import { ServerUnavailable } from '../fault.ts'
import type { IssuerJwts } from '../keys/issuer-jwt.ts'
import { decodeBase64Url } from '../keys/signature.ts'
import type { Claims } from '../verdict.ts'
import { condition, type Report } from '../report.ts'
import type { World } from '../world.ts'
import type { RevocationSource, RevocationWord } from './revocation-source.ts'

/** The one that was used longest ago makes room. */
export const statusListsKeptMax = 256
/** Compressed, in base64url, with the rest of the JWT; all that a token may be otherwise is far less. */
export const statusListBytesMax = 1_048_576
/** After it is inflated: two million tokens in one list, at four bits each. */
export const statusListInflatedBytesMax = 1_048_576
/** A list that does not say is fetched again after so long. */
const ttlSecondsUsual = 60
/** After a fetch that failed, or one that was made. */
const pauseMs = 1000

export interface StatusListsParts {
  readonly world: World
  /** Reads JWTs that are longer than any token. */
  readonly jwts: IssuerJwts
  readonly failClosedAfterSeconds: number
  readonly report: Report
}

interface List {
  readonly bits: 1 | 2 | 4 | 8
  readonly bytes: Uint8Array
  readonly madeAtMs: number
  readonly dueAtMs: number
  readonly expiresAtMs: number
}

interface Kept {
  list: List | null
  loading: Promise<void> | null
  attemptedAtMs: number
}

export function followStatusLists(parts: StatusListsParts): RevocationSource {
  const { world, failClosedAfterSeconds, report } = parts
  const lists = new Map<string, Kept>()
  const state = condition('status list', report)

  async function load(uri: string, kept: Kept): Promise<void> {
    kept.attemptedAtMs = world.nowMs()
    try {
      kept.list = await fetchList(parts, uri)
      state.isGood()
    } catch (error) {
      // The list at hand goes on as long as it may; how old it is stands in every answer.
      state.isBad(error)
    } finally {
      kept.loading = null
    }
  }

  function keptOf(uri: string): Kept {
    const kept = lists.get(uri) ?? { list: null, loading: null, attemptedAtMs: Number.NEGATIVE_INFINITY }
    lists.delete(uri)
    const [oldest] = lists.keys()
    if (lists.size >= statusListsKeptMax && oldest !== undefined) lists.delete(oldest)
    lists.set(uri, kept)
    return kept
  }

  return {
    judge: async claims => {
      const place = placeOf(claims)
      if (place === null) return { revoked: 'it does not say where its status is', staleMs: 0 }
      const kept = keptOf(place.uri)
      const now = world.nowMs()
      const isDue = kept.list === null || now >= kept.list.dueAtMs
      if (isDue && Math.abs(now - kept.attemptedAtMs) >= pauseMs) kept.loading ??= load(place.uri, kept)
      await kept.loading
      const word = kept.list === null ? null : wordOf(kept.list, place.index, world.nowMs())
      if (word !== null && word.staleMs <= failClosedAfterSeconds * 1000) return word
      throw new ServerUnavailable(`the status list is away: ${state.failure() ?? 'it is over'}`)
    },
    // Which lists there are is not known before their tokens come.
    ready: () => Promise.resolve(),
    health: () => ({ staleMs: oldestMs(lists.values(), world.nowMs()), failure: state.failure(), known: lists.size }),
    close: () => Promise.resolve(),
  }
}

function oldestMs(all: Iterable<Kept>, nowMs: number): number | null {
  const ages = [...all].flatMap(({ list }) => (list === null ? [] : [Math.max(0, nowMs - list.madeAtMs)]))
  return ages.length === 0 ? null : Math.max(...ages)
}

function placeOf({ status }: Claims): { readonly uri: string; readonly index: number } | null {
  const place = isObject(status) ? status['status_list'] : null
  if (!isObject(place)) return null
  const { idx, uri } = place
  if (typeof uri !== 'string' || !isSafeUrl(uri)) return null
  return typeof idx === 'number' && Number.isSafeInteger(idx) && idx >= 0 ? { uri, index: idx } : null
}

/** §8.3: beyond the list nothing is valid, and whatever is not 0 is not valid either. Null where the list is over. */
function wordOf({ bits, bytes, madeAtMs, expiresAtMs }: List, index: number, nowMs: number): RevocationWord | null {
  if (nowMs >= expiresAtMs) return null
  const staleMs = Math.max(0, nowMs - madeAtMs)
  const byte = bytes[Math.floor((index * bits) / 8)]
  if (byte === undefined) return { revoked: 'its place is not in the list', staleMs }
  const status = (byte >> ((index * bits) % 8)) & ((1 << bits) - 1)
  return { revoked: status === 0 ? null : 'the status list says that it is over', staleMs }
}

async function fetchList({ world, jwts }: StatusListsParts, uri: string): Promise<List> {
  const askedAtMs = world.nowMs()
  const text = await fetchText(world, { url: uri, accept: 'application/statuslist+jwt', bytesMax: statusListBytesMax })
  const claims = await jwts.read(text, 'statuslist+jwt')
  if (typeof claims === 'string') throw new ServerUnavailable(`the status list is refused: ${claims}`)
  const { sub, iat, exp, ttl = ttlSecondsUsual, status_list: body } = claims
  if (sub !== uri) throw new ServerUnavailable('the status list is another one')
  if (typeof iat !== 'number' || typeof ttl !== 'number' || ttl <= 0)
    throw new ServerUnavailable('the status list has no times')
  const { bits, lst } = isObject(body) ? body : {}
  if ((bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8) || typeof lst !== 'string') {
    throw new ServerUnavailable('the status list has no list')
  }
  // Its own time says how old it was when it came; a server whose clock is ahead of ours makes it no younger than the ask.
  const madeAtMs = Math.min(askedAtMs, iat * 1000)
  const expiresAtMs = typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY
  return { bits, bytes: await inflate(lst), madeAtMs, dueAtMs: madeAtMs + ttl * 1000, expiresAtMs }
}

async function inflate(encoded: string): Promise<Uint8Array> {
  const bytes = decodeBase64Url(encoded)
  if (bytes === null) throw new ServerUnavailable('the status list is no base64url')
  try {
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
    return await collect(inflated, statusListInflatedBytesMax)
  } catch (cause) {
    throw new ServerUnavailable('the status list cannot be inflated', { cause })
  }
}
