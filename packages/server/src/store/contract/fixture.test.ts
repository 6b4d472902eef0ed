/**
 * What the contract starts from: a place where a store can be opened, a clock that stands where the test puts it, and
 * entropy that gives the same bytes in every run. Not a test itself; the name keeps it out of what is published.
 */

import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import {
  type ClientId,
  endFamily,
  type Family,
  type Grant,
  type Opening,
  openFamily,
  type Presentation,
  present,
  type SessionId,
  type Subject,
} from '@pawl/family'
import type { Entropy } from '../../domain/entropy.ts'
import type { AuditEvent, EventKind } from '../../domain/event/event.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { grantIdOf, newEventId, newFamilyId, newStepId } from '../../domain/identifiers.ts'
import type { Store } from '../../domain/store.ts'
import type { Clock } from '../../domain/time.ts'
import type { Tables } from './tables.test.ts'

/** Somewhere data can be. Opening twice gives two handles on the same data, as two processes have. */
export interface Place {
  readonly open: (clock: Clock, entropy: Entropy) => Promise<Store>
  /** What it keeps, seen from outside; only where the data persists. */
  readonly tables?: () => Promise<Tables>
  readonly clear: () => Promise<void>
}

export interface Kind {
  readonly name: string
  /** False where the data dies with its handle. */
  readonly persists: boolean
  readonly makePlace: () => Promise<Place>
  /** Which of these statements its engine would walk through a table for, a sentence each (`plans.test.ts`). */
  readonly walks?: (texts: readonly string[]) => Promise<readonly string[]>
}

export interface SettableClock extends Clock {
  readonly set: (nowMs: number) => void
  readonly advance: (byMs: number) => void
}

export interface Scene {
  readonly store: Store
  readonly clock: SettableClock
  readonly entropy: Entropy
  /** Another handle on the same data; only where the data persists. */
  readonly another: (clock?: Clock) => Promise<Store>
  /** The same. */
  readonly tables: () => Promise<Tables>
}

export const startMs = 1_800_000_000_000
export const daySeconds = 86_400

export function settableClock(startsAtMs: number): SettableClock {
  let nowMs = startsAtMs
  return {
    nowMs: () => nowMs,
    set: toMs => {
      nowMs = toMs
    },
    advance: byMs => {
      nowMs += byMs
    },
  }
}

/** A stream of bytes out of a seed: SHA-256 in counter mode. */
export function seededEntropy(seed: string): Entropy {
  let block = Buffer.alloc(0)
  let counter = 0
  return {
    bytes: count => {
      while (block.length < count) {
        const next = createHash('sha256').update(`${seed} ${counter++}`).digest()
        block = Buffer.concat([block, next])
      }
      const drawn = new Uint8Array(block.subarray(0, count))
      block = block.subarray(count)
      return drawn
    },
  }
}

/** An empty store at `startMs`. Everything opened through it is closed when the test is over. */
export async function sceneOf(kind: Kind, test: TestContext): Promise<Scene> {
  const place = await kind.makePlace()
  const clock = settableClock(startMs)
  const entropy = seededEntropy(test.name)
  const stores: Store[] = []
  const another = async (otherClock: Clock = clock) => {
    const store = await place.open(otherClock, entropy)
    stores.push(store)
    return store
  }
  test.after(async () => {
    for (const store of stores) await store.close()
    await place.clear()
  })
  const tables = place.tables ?? (() => Promise.reject(new Error('nobody looks into this store from outside')))
  return { store: await another(), clock, entropy, another, tables }
}

export const clientId = 'web-app' as ClientId
export const subject = 'user-1' as Subject
export const sessionId = 'session-aaaaaaaaaaaaaa' as SessionId

export function grantOf(changes: Partial<Grant>, atMs: number): Omit<Grant, 'id'> {
  return {
    clientId,
    subject,
    sessionId,
    endsWithSession: false,
    scopes: ['openid', 'offline_access'],
    resources: ['https://api.example/'],
    claims: '{"id_token":{"email":null}}',
    authorizationDetails: '[{"type":"payment"}]',
    authTimeMs: atMs,
    acr: 'urn:example:silver',
    amr: ['pwd', 'otp'],
    ...changes,
  }
}

/** A family that is not in the store yet, opened now. */
export function newFamily(
  entropy: Entropy,
  atMs: number,
  changes: Partial<Opening> = {},
  grant: Partial<Grant> = {},
): Family {
  const id = newFamilyId(atMs, entropy)
  const opening: Opening = {
    id,
    seed: entropy.bytes(32),
    keyId: 1,
    stepId: newStepId(entropy),
    grant: { id: grantIdOf(id), ...grantOf(grant, atMs) },
    redemption: {
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      redirectUri: 'https://app.example/callback',
      redirectUriSent: true,
      nonce: 'n-0S6_WzA2Mj',
      dpopThumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
      challengeIsGuessable: false,
    },
    binding: null,
    refreshable: true,
    redeemSeconds: 60,
    idleSeconds: 30 * daySeconds,
    absoluteExpiresAtMs: atMs + 90 * daySeconds * 1000,
    ...changes,
  }
  return openFamily(opening, atMs)
}

/** Opens a family in the store at the store's time. */
export async function opened(
  { store, entropy }: Pick<Scene, 'store' | 'entropy'>,
  changes: Partial<Opening> = {},
  grant: Partial<Grant> = {},
): Promise<Family> {
  const family = newFamily(entropy, await store.now(), changes, grant)
  const outcome = await store.families.open(family, [])
  if (outcome !== 'done') throw new Error(`family ${family.id} was there already`)
  return family
}

export async function readFamily(store: Store, family: Pick<Family, 'id'>): Promise<FamilyReading> {
  const reading = await store.families.read(family.id)
  if (reading === null) throw new Error(`family ${family.id} is not there`)
  return reading
}

/** Presents the current token, as an authenticated client does. */
export function advanced(reading: FamilyReading, changes: Partial<Presentation> = {}): Family {
  const verdict = present(reading.family, reading.cutOffs, {
    generation: reading.family.generation,
    proof: { kind: 'client' },
    addressTag: Uint8Array.of(192, 0, 2, 1),
    agentTag: Uint8Array.of(1, 2, 3, 4),
    retryKeyTag: null,
    nowMs: reading.nowMs,
    policy: { rotates: true, repeatWindowSeconds: 60, repeatsMax: 100, reuseEnds: 'grant' },
    interruptions: reading.interruptions,
    ...changes,
  })
  if (verdict.kind !== 'advanced') throw new Error(`the verdict was ${verdict.kind}`)
  return verdict.family
}

/** Reads, rotates and commits; answers what the row must hold now. */
export async function rotated({ store, entropy }: Pick<Scene, 'store' | 'entropy'>, family: Family): Promise<Family> {
  const reading = await readFamily(store, family)
  const next = { ...advanced(reading), stepId: newStepId(entropy) }
  const outcome = await store.families.commit({ readAt: reading.family.stepId, family: next, events: [], cutOffs: [] })
  if (outcome !== 'done') throw new Error(`family ${family.id} moved`)
  return next
}

/** Reads, ends and commits. */
export async function ended({ store, entropy }: Pick<Scene, 'store' | 'entropy'>, family: Family): Promise<Family> {
  const reading = await readFamily(store, family)
  const next = {
    ...endFamily(reading.family, 'revoked_by_client', 'web-app', reading.nowMs),
    stepId: newStepId(entropy),
  }
  const outcome = await store.families.commit({ readAt: reading.family.stepId, family: next, events: [], cutOffs: [] })
  if (outcome !== 'done') throw new Error(`family ${family.id} moved`)
  return next
}

export function eventOf(kind: EventKind, entropy: Entropy, changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: newEventId(startMs, entropy),
    kind,
    atMs: startMs,
    requestId: null,
    familyId: null,
    clientId: null,
    subject: null,
    sessionId: null,
    detail: { address: '192.0.2.1' },
    ...changes,
  }
}
