/**
 * Writes living families into Pawl's own store by Pawl's own code, before the server starts: each has its user, its
 * grant and its opening event, and was brought to generation 1 by the rule, as if its code had been redeemed.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  addressTagBytes,
  agentTagBytes,
  type ClientId,
  type Family,
  noCutOffs,
  openFamily,
  type Opening,
  present,
  type Subject,
} from '@pawl/family'
import { type Entropy, systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { newEvent, operator } from '../../packages/server/src/domain/event/new-event.ts'
import { grantIdOf, newFamilyId, newStepId, newSubject } from '../../packages/server/src/domain/identifiers.ts'
import { type MasterKeys, parseMasterKeys } from '../../packages/server/src/domain/keys/master-keys.ts'
import type { Store } from '../../packages/server/src/domain/store.ts'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import type { User } from '../../packages/server/src/domain/user/user.ts'
import { argon2Hasher } from '../../packages/server/src/domain/user/password.ts'
import { openSqliteStore } from '../../packages/server/src/store/sqlite/sqlite-store.ts'
import type { Place } from '../contender.ts'
import { openIdleFamilies } from './idle-families.ts'
import { codeChallenge, codeSeconds, redirectUri } from '../redemption.ts'

export const pawlScopes = ['offline_access', 'api:read']
const idleSeconds = 30 * 86_400
const absoluteSeconds = 90 * 86_400
/** Families that are written at the same time, so that they share commits. */
const seededTogether = 2000
/** Families that nobody presents are written so many at a time. */
const idleTogether = 100_000

export interface Seeding {
  readonly place: Place
  readonly clientId: string
  readonly masterKey: string
  readonly families: number
  /** Families that nobody presents, spread evenly among the others. */
  readonly idle: number
  /** Families that still wait for their code. */
  readonly codes: number
}

export interface Seeded {
  /** The refresh token of generation 1 of every family, in the order they were made. */
  readonly tokens: string[]
  readonly codes: string[]
}

export function pawlFile(directory: string): string {
  return join(directory, 'pawl.db')
}

export async function seedPawl(seeding: Seeding): Promise<Seeded> {
  const entropy = systemEntropy()
  const keys = parseMasterKeys(seeding.masterKey)
  const codec = tokenCodec(keys)
  // Nobody signs in here: one hash does for all, where a hash each would take hours.
  const hashed = await argon2Hasher(entropy).hash(randomBytes(32).toString('base64url'))
  if (hashed.kind !== 'hashed') throw new Error(`the password was not hashed but ${hashed.kind}`)
  const store = await openPlace(seeding.place, entropy)
  const seeder = { store, entropy, keys, clientId: seeding.clientId as ClientId, passwordHash: hashed.phc }
  const families = await seedAmongIdle(seeder, seeding)
  const waiting = await seedFamilies(seeding.codes, number =>
    seedFamily(seeder, seeding.families + number, family => family),
  )
  await store.close()
  return {
    tokens: families.map(family => codec.mint('refresh_token', family)),
    codes: waiting.map(family => codec.mint('authorization_code', family)),
  }
}

async function openPlace(place: Place, entropy: Entropy): Promise<Store> {
  if (place.kind === 'sqlite') return openSqliteStore({ path: place.file, clock: systemClock, entropy })
  const { openPostgresStore } = await import('../../packages/server/src/store/postgres/postgres-store.ts')
  return openPostgresStore({ url: place.url, entropy })
}

/** In waves, so that the families that are presented lie everywhere in a large table. */
async function seedAmongIdle(seeder: Seeder, { place, families, idle }: Seeding): Promise<Family[]> {
  const waves = Math.max(1, Math.ceil(idle / idleTogether))
  const seeded: Family[] = []
  const others = idle === 0 ? null : openIdleFamilies(place)
  for (let wave = 1; wave <= waves; wave++) {
    const from = seeded.length
    const count = Math.floor((families * wave) / waves) - from
    seeded.push(...(await seedFamilies(count, number => seedFamily(seeder, from + number, redeemed))))
    await others?.write(Math.floor((idle * wave) / waves) - Math.floor((idle * (wave - 1)) / waves))
  }
  await others?.finish()
  return seeded
}

async function seedFamilies(count: number, seed: (number: number) => Promise<Family>): Promise<Family[]> {
  const families: Family[] = []
  while (families.length < count) {
    const from = families.length
    const together = Math.min(seededTogether, count - from)
    families.push(...(await Promise.all(Array.from({ length: together }, (_, at) => seed(from + at)))))
  }
  return families
}

interface Seeder {
  readonly store: Store
  readonly entropy: Entropy
  readonly keys: MasterKeys
  readonly clientId: ClientId
  readonly passwordHash: string
}

type Stage = (family: Family, nowMs: number) => Family

async function seedFamily(seeder: Seeder, number: number, stage: Stage): Promise<Family> {
  const { store, entropy, clientId } = seeder
  const nowMs = systemClock.nowMs()
  const subject = newSubject(entropy)
  const user = userOf(seeder, subject, number, nowMs)
  expectDone(await store.users.add(user, [newEvent('user_added', { subject, caller: operator, atMs: nowMs }, entropy)]))
  const family = stage(openFamily(openingOf(seeder, subject, nowMs), nowMs), nowMs)
  const about = { familyId: family.id, clientId, subject, caller: operator, atMs: nowMs }
  expectDone(await store.families.open(family, [newEvent('family_opened', about, entropy)]))
  return family
}

function userOf({ passwordHash }: Seeder, subject: Subject, number: number, createdAtMs: number): User {
  return {
    subject,
    email: `user-${number}@bench.example`,
    emailVerified: true,
    passwordHash,
    claims: {},
    disabled: false,
    createdAtMs,
  }
}

function openingOf({ entropy, keys, clientId }: Seeder, subject: Subject, nowMs: number): Opening {
  const id = newFamilyId(nowMs, entropy)
  return {
    id,
    seed: entropy.bytes(32),
    keyId: keys.current.id,
    stepId: newStepId(entropy),
    grant: {
      id: grantIdOf(id),
      clientId,
      subject,
      sessionId: null,
      endsWithSession: false,
      scopes: pawlScopes,
      resources: [],
      claims: null,
      authorizationDetails: null,
      authTimeMs: nowMs,
      acr: null,
      amr: ['pwd'],
    },
    redemption: {
      codeChallenge,
      challengeIsGuessable: false,
      redirectUri,
      redirectUriSent: true,
      nonce: null,
      dpopThumbprint: null,
    },
    binding: null,
    refreshable: true,
    redeemSeconds: codeSeconds,
    idleSeconds,
    absoluteExpiresAtMs: nowMs + absoluteSeconds * 1000,
  }
}

function redeemed(family: Family, nowMs: number): Family {
  const verdict = present(family, noCutOffs, {
    generation: 0,
    proof: { kind: 'client' },
    addressTag: new Uint8Array(addressTagBytes),
    agentTag: new Uint8Array(agentTagBytes),
    retryKeyTag: null,
    nowMs,
    policy: { rotates: true, repeatWindowSeconds: 60, repeatsMax: 100, reuseEnds: 'grant' },
    interruptions: [],
  })
  if (verdict.kind !== 'advanced') throw new Error(`a new family was not redeemed but ${verdict.kind}`)
  return verdict.family
}

function expectDone(outcome: 'done' | 'moved'): void {
  if (outcome !== 'done') throw new Error('the store holds a user or family of this id already')
}
