/**
 * A year of ordinary traffic, lived through the verbs of a store at a clock that is set: families are opened, redeemed
 * or not, refreshed for a while, and then left, revoked, replayed or cut off. Beside them come the rows that every server
 * writes: sessions, counted failures, refusals and denied access tokens. Not a test itself; the sweep of the contract
 * lives a small year with it and `bench/year.ts` a large one.
 */

import { endFamily, type FamilyId, present, type Subject } from '@pawl/family'
import { refusalsKeptMax, refusalsKeptSeconds } from '../../domain/event/refusal.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { revocationSlackSeconds } from '../../domain/revocation/revocation-store.ts'
import { type EventId, newSessionId, newStepId, type RequestId } from '../../domain/identifiers.ts'
import { daySeconds, eventOf, newFamily, type Scene } from './fixture.test.ts'

export interface YearPlan {
  readonly families: number
  readonly days: number
  /** So many families are opened at one moment, and whatever is due by then is done. */
  readonly together: number
  /** Looked at so many times, evenly. */
  readonly samples: number
}

/** How things stood when the year was looked at. */
export interface YearSample {
  readonly day: number
  readonly opened: number
  readonly steps: number
  /** Families of the store that still live. */
  readonly living: number
  /** What may be in the other tables, by their own named bounds. */
  readonly alive: { readonly [table: string]: number }
}

type YearScene = Pick<Scene, 'store' | 'clock' | 'entropy'>

interface Due {
  readonly id: FamilyId
  readonly fate: Fate
  readonly stepsLeft: number
}

/** How a family is used: redeemed and refreshed so many times, so many hours apart, and then left or ended. */
interface Fate {
  /** Of a thousand families. */
  readonly share: number
  /** 0: nobody redeems its code. */
  readonly steps: number
  readonly everyHours: number
  readonly ends: 'left' | 'revoked' | 'reused' | 'cut off'
}

const fates: readonly Fate[] = [
  { share: 300, steps: 0, everyHours: 0, ends: 'left' },
  { share: 450, steps: 2, everyHours: 20, ends: 'left' },
  { share: 198, steps: 2, everyHours: 48, ends: 'revoked' },
  { share: 50, steps: 6, everyHours: 120, ends: 'left' },
  { share: 1, steps: 3, everyHours: 24, ends: 'reused' },
  { share: 1, steps: 3, everyHours: 24, ends: 'cut off' },
]

const idleSeconds = 7 * daySeconds
const absoluteSeconds = 30 * daySeconds
const sessionSeconds = 12 * 3600
const throttleSeconds = 3600
const deniedSeconds = 3600
/** Revocations stay two hours; those of single tokens as long as the token and ten minutes more. */
const revokedSeconds = 7200
/** Of the families, those that end or are cut off. */
const endingShare = 0.25
/** Of the rows beside the families, for each family that is opened. */
const besides = { sessions: 0.5, throttles: 0.1, refusals: 0.1, denied_access_tokens: 0.02 }

/** Lives the year; `look` is called at each sample, while nothing else is under way. */
export async function liveAYear(
  scene: YearScene,
  plan: YearPlan,
  look: (sample: YearSample) => Promise<void>,
): Promise<void> {
  const { store, clock } = scene
  const ticks = plan.families / plan.together
  const tickMs = (plan.days * daySeconds * 1000) / ticks
  const calendar = new Map<number, Due[]>()
  const told = { opened: 0, steps: 0, cutOffs: 0 }
  for (let tick = 0; tick < ticks; tick++) {
    clock.advance(tickMs)
    const due = calendar.get(tick) ?? []
    calendar.delete(tick)
    const openings = await openTogether(scene, plan.together, told.opened)
    const going = await Promise.all(due.map(each => actOn(scene, each)))
    told.opened += plan.together
    told.steps += due.length
    told.cutOffs += due.filter(({ fate, stepsLeft }) => stepsLeft === 0 && /reused|cut off/.test(fate.ends)).length
    for (const next of [...openings, ...going]) {
      if (next === null) continue
      const isFirst = next.stepsLeft === next.fate.steps
      const at = tick + (isFirst ? 1 : Math.max(1, Math.round((next.fate.everyHours * 3_600_000) / tickMs)))
      calendar.set(at, [...(calendar.get(at) ?? []), next])
    }
    await writeBeside(scene, plan.together, tick)
    if ((tick + 1) % Math.floor(ticks / plan.samples) !== 0) continue
    const living = (await store.families.list({ livingOnly: true }, plan.families)).length
    await look({
      day: ((tick + 1) * tickMs) / (daySeconds * 1000),
      ...told,
      living,
      alive: aliveAt(plan, tickMs, told),
    })
  }
}

async function openTogether(scene: YearScene, together: number, opened: number): Promise<readonly (Due | null)[]> {
  const { store, entropy } = scene
  const nowMs = await store.now()
  return Promise.all(
    Array.from({ length: together }, async (_, index) => {
      const fate = fateOf(opened + index)
      const lives = { idleSeconds, absoluteExpiresAtMs: nowMs + absoluteSeconds * 1000 }
      const redeemSeconds = fate.steps === 0 ? 60 : 10 * daySeconds
      const family = newFamily(entropy, nowMs, { ...lives, redeemSeconds }, { subject: subjectOf(opened + index) })
      const event = eventOf('family_opened', entropy, {
        id: `${family.id}.opened` as EventId,
        atMs: nowMs,
        familyId: family.id,
      })
      await store.families.open(family, [event])
      return fate.steps === 0 ? null : { id: family.id, fate, stepsLeft: fate.steps }
    }),
  )
}

/** Ten families to a person. */
function subjectOf(index: number): Subject {
  return `user-${Math.floor(index / 10)}` as Subject
}

/** Spread evenly: 7 and 1000 have no divisor in common. */
function fateOf(index: number): Fate {
  let left = (index * 7) % 1000
  for (const fate of fates) {
    left -= fate.share
    if (left < 0) return fate
  }
  throw new RangeError('the shares are no thousand')
}

/** Does what is due; answers what will be due next, or null. */
async function actOn(scene: YearScene, { id, fate, stepsLeft }: Due): Promise<Due | null> {
  const { store, entropy } = scene
  const reading = await store.families.read(id)
  if (reading === null) return null
  const replays = stepsLeft === 0 && fate.ends === 'reused'
  if (stepsLeft === 0 && !replays) {
    await end(scene, reading, fate.ends)
    return null
  }
  const verdict = present(reading.family, reading.cutOffs, {
    generation: replays ? 1 : reading.family.generation,
    proof: { kind: 'client' },
    addressTag: Uint8Array.of(192, 0, 2, 1),
    agentTag: Uint8Array.of(1, 2, 3, 4),
    retryKeyTag: null,
    nowMs: reading.nowMs,
    policy: { rotates: true, repeatWindowSeconds: 60, repeatsMax: 100, reuseEnds: 'grant' },
    interruptions: reading.interruptions,
  })
  if (verdict.family === reading.family) return null
  const target = { kind: 'grant', grantId: reading.family.grant.id } as const
  const cutOffs = verdict.kind === 'reused' ? [{ target, reason: 'reuse', by: 'rule', beforeMs: null }] : []
  const family = { ...verdict.family, stepId: newStepId(entropy) }
  await store.families.commit({ readAt: reading.family.stepId, family, events: [], cutOffs })
  if (verdict.kind !== 'advanced' || (stepsLeft === 1 && fate.ends === 'left')) return null
  return { id, fate, stepsLeft: stepsLeft - 1 }
}

async function end({ store, entropy }: YearScene, reading: FamilyReading, ends: Fate['ends']): Promise<void> {
  const { family, nowMs } = reading
  const { subject } = family.grant
  if (ends === 'cut off' && subject !== null) {
    await store.cutOffs.set({ target: { kind: 'user', subject }, reason: 'test', by: 'operator', beforeMs: null }, [])
    return
  }
  const ended = { ...endFamily(family, 'revoked_by_client', 'web-app', nowMs), stepId: newStepId(entropy) }
  await store.families.commit({ readAt: family.stepId, family: ended, events: [], cutOffs: [] })
}

async function writeBeside({ store, entropy }: YearScene, together: number, tick: number): Promise<void> {
  const nowMs = await store.now()
  const each = (share: number, write: (name: string) => Promise<unknown>): Promise<unknown>[] =>
    Array.from({ length: Math.round(share * together) }, (_, index) => write(`${tick}-${index}`))
  await Promise.all([
    ...each(besides.sessions, name =>
      store.sessions.save(
        {
          id: newSessionId(entropy),
          secretHash: `hash-${name}`,
          subject: 'user-1' as Subject,
          authTimeMs: nowMs,
          acr: 'urn:example:silver',
          amr: ['pwd'],
          createdAtMs: nowMs,
          expiresAtMs: nowMs + sessionSeconds * 1000,
          address: '198.51.100.9',
          agent: 'test',
        },
        null,
        [],
      ),
    ),
    ...each(besides.throttles, name => store.throttles.charge(`key-${name}`, throttleSeconds)),
    ...each(besides.denied_access_tokens, name =>
      store.deniedAccessTokens.deny(`token-${name}`, nowMs + deniedSeconds * 1000),
    ),
    ...each(besides.refusals, name =>
      store.refusals.record([
        {
          requestId: `req_${name}` as RequestId,
          atMs: nowMs,
          endpoint: '/token',
          code: 'invalid_grant',
          detail: 'no refresh token of this server',
          clientId: null,
          familyId: null,
          generation: null,
          address: '192.0.2.1',
        },
      ]),
    ),
  ])
}

/** Rows that may be there: what was written in the last so many seconds, or ever where that is kept for 400 days. */
function aliveAt(plan: YearPlan, tickMs: number, told: { readonly opened: number; readonly cutOffs: number }) {
  const within = (share: number, seconds: number): number =>
    Math.round(share * plan.together) * (Math.floor((seconds * 1000) / tickMs) + 1)
  return {
    sessions: within(besides.sessions, sessionSeconds),
    throttles: within(besides.throttles, throttleSeconds),
    denied_access_tokens: within(besides.denied_access_tokens, deniedSeconds),
    refusals: Math.min(refusalsKeptMax, within(besides.refusals, refusalsKeptSeconds)),
    revocations:
      within(endingShare, revokedSeconds) +
      within(besides.denied_access_tokens, deniedSeconds + revocationSlackSeconds),
    cut_offs: told.cutOffs,
    notices: told.cutOffs,
    events: told.opened,
  }
}
