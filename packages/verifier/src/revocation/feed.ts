/**
 * Follows the revocation feed of Pawl: one request waits at the server at all times and is answered the moment something
 * is revoked, so that a request to the API costs a look into memory and no call. What breaks is asked again where it
 * stopped, after a pause that differs from that of everybody else who was cut off at the same moment.
 */

import type { AskServer } from '../ask-server.ts'
import { ServerUnavailable } from '../fault.ts'
import type { Claims } from '../verdict.ts'
import { condition, type Report } from '../report.ts'
import type { World } from '../world.ts'
import { type FeedAnswer, feedBytesMax, readFeedAnswer } from './feed-answer.ts'
import type { RevocationSource, RevocationWord } from './revocation-source.ts'
import { revocations, revocationsKnownMax } from './revocations.ts'
import { staleness } from './staleness.ts'

/** So long a request waits at the server for news. In a quiet hour what is known gets as old as this and no older. */
export const feedWaitSeconds = 5
/** And so much longer for the answer to come. */
const feedSlackSeconds = 5
/** Nobody waits longer than this for the first answer; then the request is put off. */
export const firstAnswerSecondsMax = 5
/** The first pause after a failure is up to this; each next one up to twice as long. */
export const reconnectPauseMsMin = 250
export const reconnectPauseMsMax = 10_000
/** After an answer that says nothing and did not wait: the server is leaving, or does not keep to its word. */
const idlePauseMs = 100

export interface FeedParts {
  readonly world: World
  readonly endpoint: () => Promise<string>
  readonly server: AskServer
  /** What is older than this is not believed: every request is put off until the feed is back. */
  readonly failClosedAfterSeconds: number
  readonly report: Report
}

export function followFeed(parts: FeedParts): RevocationSource {
  const { world } = parts
  const news = feedNews(parts)
  const stop = new AbortController()
  let following: Promise<void> | null = null

  async function follow(): Promise<void> {
    let cursor: string | null = null
    for (let failures = 0; !stop.signal.aborted; ) {
      const askedAtMs = world.nowMs()
      try {
        const answer = await askFeed(parts, cursor, stop.signal)
        news.take(answer, askedAtMs)
        cursor = answer.cursor
        failures = 0
        const isIdle = answer.entries.length === 0 && world.nowMs() - askedAtMs < idlePauseMs
        if (isIdle) await world.wait(world.chance() * idlePauseMs, stop.signal)
      } catch (error) {
        news.fail(error)
        const pauseMs = Math.min(reconnectPauseMsMax, reconnectPauseMsMin * 2 ** Math.min(failures, 16))
        failures += 1
        await world.wait(world.chance() * pauseMs, stop.signal)
      }
    }
  }

  async function firstWord(): Promise<void> {
    following ??= follow()
    if (news.health().staleMs !== null) return
    const heard = new AbortController()
    const late = world.wait(firstAnswerSecondsMax * 1000, AbortSignal.any([heard.signal, stop.signal]))
    await Promise.race([news.first, late])
    heard.abort()
  }

  return {
    judge: claims => (news.isReady() ? news.judge(claims) : firstWord().then(() => news.judge(claims))),
    ready: async () => {
      await firstWord()
      news.refuseStale()
    },
    health: news.health,
    close: async () => {
      stop.abort()
      await following
    },
  }
}

interface FeedNews extends Pick<RevocationSource, 'health'> {
  readonly take: (answer: FeedAnswer, askedAtMs: number) => void
  readonly fail: (error: unknown) => void
  /** Resolves when everything that counts now has been told. */
  readonly first: Promise<void>
  readonly isReady: () => boolean
  /** Throws `ServerUnavailable` where what is known is too old, or nothing. */
  readonly refuseStale: () => number
  readonly judge: (claims: Claims) => RevocationWord
}

/** What the feed has said so far, and as of when. */
function feedNews({ world, failClosedAfterSeconds, report }: FeedParts): FeedNews {
  const known = revocations()
  const age = staleness()
  const first = Promise.withResolvers<void>()
  const state = condition('feed', report)

  const staleMs = (): number | null => {
    const knownAtMs = age.knownAtMs()
    return knownAtMs === null ? null : Math.max(0, world.nowMs() - knownAtMs)
  }

  function refuseStale(): number {
    const stale = staleMs()
    if (stale !== null && stale <= failClosedAfterSeconds * 1000) return stale
    throw new ServerUnavailable(`the revocation feed is away: ${state.failure() ?? 'it has not answered yet'}`)
  }

  return {
    first: first.promise,
    isReady: () => age.knownAtMs() !== null,
    refuseStale,
    health: () => ({ staleMs: staleMs(), failure: state.failure(), known: known.count() }),
    fail: state.isBad,
    take: ({ entries, known: asOf }, askedAtMs) => {
      for (const entry of entries) known.add(entry)
      if (asOf !== null) known.forgetBefore(asOf.asOfMs)
      if (known.count() > revocationsKnownMax) throw new ServerUnavailable('more was revoked than is remembered')
      state.isGood()
      if (asOf === null) return
      const sentAtServerMs = asOf.asOfMs + asOf.ageMs
      age.heard({ askedAtMs, heardAtMs: world.nowMs(), sentAtServerMs, ageMs: asOf.ageMs })
      first.resolve()
    },
    judge: claims => {
      const revoked = known.judge(claims)
      return revoked === null ? { revoked, staleMs: refuseStale() } : { revoked, staleMs: staleMs() ?? 0 }
    },
  }
}

async function askFeed(parts: FeedParts, cursor: string | null, signal: AbortSignal): Promise<FeedAnswer> {
  const fields = { wait_seconds: String(feedWaitSeconds), ...(cursor !== null && { cursor }) }
  const text = await parts.server.post(fields, {
    url: await parts.endpoint(),
    accept: 'application/json',
    bytesMax: feedBytesMax,
    seconds: feedWaitSeconds + feedSlackSeconds,
    signal,
  })
  return readFeedAnswer(text)
}
