/**
 * The line of revocations, read along by many: what is new is read once for all who had read up to the same place.
 */

import {
  type PlacedRevocation,
  placeAt,
  type RevocationPage,
  type RevocationStore,
  revocationToldSeconds,
} from './revocation-store.ts'
import { isBeyond, type Seen, watchedLine, type WatchParts } from './watched-line.ts'

/** Rows that one answer is made of. */
export const feedPageRowsMax = 500
/** Pages that are remembered for readers at the same place, until there is news. */
export const pagesKeptMax = 64

export interface FeedAnswer {
  readonly revocations: readonly PlacedRevocation[]
  /** Where to go on. */
  readonly place: number
  readonly more: boolean
  /** No place was asked for, or one that is not in this line: this begins anew. */
  readonly reset: boolean
  /** All that was acknowledged before it has been told, once there is no more. */
  readonly asOfMs: number
  /** How long ago that was, by this machine's clock. */
  readonly ageMs: number
}

export interface RevocationFeed {
  /**
   * What stands behind this place (null: behind none), as soon as there is something; nothing, when the time is over.
   * Rejects with `StoreUnavailable`.
   */
  readonly read: (place: number | null, waitMs: number) => Promise<FeedAnswer>
  /** Answers all who wait, and lets nobody wait any more. */
  readonly stop: () => void
}

export function revocationFeed({ store, nowMs, startTimer }: WatchParts): RevocationFeed {
  const line = watchedLine({ store, nowMs, startTimer })
  const pageAfter = sharedPages(store)

  return {
    read: async (asked, waitMs) => {
      let seen = await line.lately(asked ?? 0)
      const reset = asked === null || isBeyond(asked, seen)
      let place = reset ? oldestTold(seen) : Math.max(asked, oldestTold(seen))
      const untilMs = nowMs() + waitMs
      for (let isOver = waitMs <= 0; ; ) {
        const page = place < seen.place ? await pageAfter(place, seen) : nothingAfter(place)
        place = page.place
        const isAnswer = reset || page.revocations.length > 0 || isMoreBehind(page, seen)
        if (isAnswer || isOver || line.isStopped()) return answerOf(page, seen, { reset, nowMs })
        const news = await line.news(place, Math.max(0, untilMs - nowMs()))
        seen = news.seen
        isOver = news.isOver
      }
    },
    stop: line.stop,
  }
}

function answerOf(
  page: RevocationPage,
  seen: Seen,
  { reset, nowMs }: { readonly reset: boolean; readonly nowMs: () => number },
): FeedAnswer {
  const { revocations, place } = page
  const ageMs = Math.max(0, nowMs() - seen.beganAtMs)
  return { revocations, place, more: isMoreBehind(page, seen), reset, asOfMs: seen.asOfMs, ageMs }
}

/** A page that is full may end where the line did: then there is nothing to fetch, and to wait for it would be wrong. */
function isMoreBehind({ isFull, place }: RevocationPage, seen: Seen): boolean {
  return isFull && place < seen.place
}

function nothingAfter(place: number): RevocationPage {
  return { revocations: [], place, isFull: false }
}

/** What stands further ahead is no longer told: no token that it concerns is alive, and nobody who asks there missed it. */
function oldestTold({ asOfMs }: Seen): number {
  return placeAt(Math.max(0, asOfMs - revocationToldSeconds * 1000))
}

/** Readers at the same place share a page, until the line has grown. */
function sharedPages(store: RevocationStore): (place: number, seen: Seen) => Promise<RevocationPage> {
  const pages = new Map<number, Promise<RevocationPage>>()
  let lineEnd = 0

  return (place, seen) => {
    if (seen.place > lineEnd) pages.clear()
    lineEnd = Math.max(lineEnd, seen.place)
    const known = pages.get(place)
    if (known !== undefined) return known
    const [oldest] = pages.keys()
    if (pages.size >= pagesKeptMax && oldest !== undefined) pages.delete(oldest)
    const page = store.after(place, feedPageRowsMax).catch((cause: unknown) => {
      pages.delete(place)
      throw cause
    })
    pages.set(place, page)
    return page
  }
}
