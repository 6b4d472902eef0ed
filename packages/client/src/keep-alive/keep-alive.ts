/**
 * Keeps grants alive that nobody uses for weeks: a server that speaks for many people refreshes each of them before its
 * idle time is over, and knows of each how it stands. Any number of workers may do so over one store: each looks before
 * it asks, so what another has refreshed is left alone, and the holder's lease keeps two from asking at once.
 */

import { randomShare } from '../custody/entropy.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import type { CounterMaker, Holder } from '../holder/holder.ts'
import { attend, type KeepAliveEvent, type KeepAliveOutcome, type Ward } from './attend.ts'
import { defaultPolicy, type KeepAlivePolicy } from './due.ts'
import { type Entry, type GrantHealth, healthOf, newEntry } from './health.ts'

export interface KeepAliveOptions {
  readonly holder: Pick<Holder, 'look' | 'refresh'>
  /**
   * Names every grant to look after, out of a database for example; asked again and again. What it no longer names is
   * dropped.
   */
  readonly grants: () => AsyncIterable<string>
  readonly policy?: Partial<KeepAlivePolicy>
  readonly clock?: HolderClock
  /** A number from 0 up to but not including 1, for jitter. */
  readonly chance?: () => number
  readonly onEvent?: (event: KeepAliveEvent) => void
  /** A `Meter` of `@opentelemetry/api` fits: `pawl.client.keep_alive`, with the outcome as attribute. */
  readonly meter?: CounterMaker
}

export interface KeepAliveCounts {
  /** Grants that are looked after. */
  readonly grants: number
  /** Grants of the last listing beyond `grantsMax`: nobody looks after these. */
  readonly left: number
  readonly outcomes: { readonly [outcome in KeepAliveOutcome]: number }
}

export interface KeepAlive {
  /** The health list as it stands, without asking anybody. */
  health(): IterableIterator<GrantHealth>
  healthOf(grant: string): GrantHealth | null
  counts(): KeepAliveCounts
  /** Looks at this grant now, whatever its plan was: after a sign-in, or for a page that somebody reloads. */
  lookAgain(grant: string): void
  /** Begins nothing more, and answers once what was begun is over. */
  stop(): Promise<void>
}

/** Begins at once. Nothing that fails ends it but `stop`. */
export function keepAlive(options: KeepAliveOptions): KeepAlive {
  const work = workOf(options)
  const { entries, ward, outcomes } = work
  const lineOf = (entry: Entry) => healthOf(entry, ward.policy.warnSeconds, ward.clock.nowMs())
  const running = run(work)
  return {
    *health() {
      for (const entry of entries.values()) yield lineOf(entry)
    },
    healthOf(grant) {
      const entry = entries.get(grant)
      return entry === undefined ? null : lineOf(entry)
    },
    counts: () => ({ grants: entries.size, left: work.left, outcomes: { ...outcomes } }),
    lookAgain(grant) {
      const entry = entries.get(grant)
      if (entry === undefined) work.listAtMs = ward.clock.nowMs()
      else entry.nextAttemptAtMs = ward.clock.nowMs()
      work.rouse.abort()
    },
    async stop() {
      work.isStopping = true
      work.rouse.abort()
      await running
    },
  }
}

interface Work {
  readonly grants: () => AsyncIterable<string>
  readonly ward: Ward
  readonly entries: Map<string, Entry>
  readonly outcomes: { [outcome in KeepAliveOutcome]: number }
  left: number
  listing: number
  listAtMs: number
  isStopping: boolean
  /** Aborted to end the pause between two turns. */
  rouse: AbortController
}

function workOf({ grants, holder, policy, meter, onEvent, ...options }: KeepAliveOptions): Work {
  const { clock = machineClock, chance = randomShare } = options
  const counter = meter?.createCounter('pawl.client.keep_alive', { description: 'grants kept alive, by outcome' })
  const outcomes = { refreshed: 0, adopted: 0, postponed: 0, refused: 0, failed: 0, ended: 0 }
  const ward: Ward = {
    holder,
    policy: { ...defaultPolicy, ...policy },
    clock,
    chance,
    tell: event => tell(onEvent, event),
    count: outcome => {
      outcomes[outcome] += 1
      counter?.add(1, { outcome })
    },
  }
  const start = { left: 0, listing: 0, listAtMs: clock.nowMs(), isStopping: false, rouse: new AbortController() }
  return { grants, ward, entries: new Map(), outcomes, ...start }
}

/** A listener that throws is told of it, and stops nothing. */
function tell(onEvent: KeepAliveOptions['onEvent'], event: KeepAliveEvent): void {
  try {
    onEvent?.(event)
  } catch (error) {
    // One that fails at its own failure too leaves nobody to hear of it.
    if (event.kind !== 'trouble') tell(onEvent, { kind: 'trouble', error })
  }
}

/** Resolves once `isStopping` was set and what was begun is over. */
async function run(work: Work): Promise<void> {
  const { clock } = work.ward
  while (!work.isStopping) {
    if (clock.nowMs() >= work.listAtMs) await list(work)
    if (work.rouse.signal.aborted) work.rouse = new AbortController()
    await attendDue(work)
    if (!work.isStopping) await clock.wait(pauseMs(work), work.rouse.signal)
  }
}

/** Reads the list. One that breaks off drops nobody. */
async function list(work: Work): Promise<void> {
  const { entries, ward } = work
  const { clock, policy } = ward
  work.listing += 1
  work.listAtMs = clock.nowMs() + policy.listSeconds * 1000
  let left = 0
  try {
    for await (const grant of work.grants()) {
      const entry = entries.get(grant)
      if (entry !== undefined) entry.listing = work.listing
      else if (entries.size < policy.grantsMax) entries.set(grant, newEntry(grant, clock.nowMs(), work.listing))
      else left += 1
      if (work.isStopping) return
    }
  } catch (error) {
    return ward.tell({ kind: 'trouble', error })
  }
  work.left = left
  for (const entry of entries.values()) if (entry.listing !== work.listing) entries.delete(entry.grant)
}

/** Everybody who is due, in an order of chance, so that two workers seldom stand before one grant. */
async function attendDue(work: Work): Promise<void> {
  const { clock, chance, policy } = work.ward
  const nowMs = clock.nowMs()
  const due = shuffled(
    [...work.entries.values()].filter(entry => entry.nextAttemptAtMs <= nowMs),
    chance,
  )
  const lane = async (): Promise<void> => {
    for (let entry = due.pop(); entry !== undefined && !work.isStopping; entry = due.pop()) {
      await attend(work.ward, entry)
    }
  }
  await Promise.all(Array.from({ length: Math.min(policy.concurrency, due.length) }, lane))
}

/** In place: the list may be long. */
function shuffled(entries: Entry[], chance: () => number): Entry[] {
  for (let at = entries.length - 1; at > 0; at--) {
    const other = Math.floor(chance() * (at + 1))
    const [one, two] = [entries[at], entries[other]]
    if (one !== undefined && two !== undefined) [entries[at], entries[other]] = [two, one]
  }
  return entries
}

/** Turns come no closer than this, so that each finds several grants to do. */
export const turnMsMin = 1000

function pauseMs({ entries, listAtMs, ward }: Work): number {
  let next = listAtMs
  for (const { nextAttemptAtMs } of entries.values()) next = Math.min(next, nextAttemptAtMs)
  return Math.max(turnMsMin, next - ward.clock.nowMs())
}
