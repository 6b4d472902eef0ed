/**
 * What the tests of this package start from: a family in the middle of its life and a plain presentation of its current
 * token. Not a test itself; the name keeps it out of what is published.
 */

import { noCutOffs } from './cut-offs.ts'
import type {
  Binding,
  ClientId,
  End,
  Family,
  FamilyId,
  Grant,
  GrantId,
  Opening,
  SessionId,
  StepId,
  Subject,
} from './family.ts'
import { openFamily } from './family.ts'
import { type Policy, type Presentation, present, type Proof, type Verdict } from './present.ts'

/** The user signed in, then the family was opened, so that a test can tell which of the two a cut-off compares with. */
export const authTimeMs = 1_800_000_000_000
export const openedAtMs = authTimeMs + 5_000
export const rotatedAtMs = openedAtMs + 10_000
export const windowMs = 60_000

export const policy: Policy = { rotates: true, repeatWindowSeconds: 60, repeatsMax: 100, reuseEnds: 'grant' }

export const none: Proof = { kind: 'none' }
export const client: Proof = { kind: 'client' }
export const ownBinding: Binding = { kind: 'dpop', thumbprint: 'own' }
export const ownKey: Proof = { kind: 'key', binding: ownBinding }
export const strangeKey: Proof = { kind: 'key', binding: { kind: 'dpop', thumbprint: 'strange' } }

/** A retry-key tag that no other number gives. */
export function keyTag(number: number): Uint8Array {
  return Uint8Array.of(0x6b, 0x65, 0x79, 0, 0, 0, number >> 8, number & 0xff)
}

export const grant: Grant = {
  id: 'grant' as GrantId,
  clientId: 'client' as ClientId,
  subject: 'subject' as Subject,
  sessionId: 'session' as SessionId,
  endsWithSession: true,
  scopes: ['openid', 'offline_access'],
  resources: ['https://api.example/'],
  claims: null,
  authorizationDetails: null,
  authTimeMs,
  acr: 'urn:example:silver',
  amr: ['pwd'],
}

export function opening(changes: Partial<Opening> = {}): Opening {
  return {
    id: 'family' as FamilyId,
    seed: new Uint8Array(32).fill(7),
    keyId: 1,
    stepId: 'step' as StepId,
    grant,
    redemption: null,
    binding: null,
    refreshable: true,
    redeemSeconds: 60,
    idleSeconds: 3_600,
    absoluteExpiresAtMs: openedAtMs + 86_400_000,
    ...changes,
  }
}

export function newFamily(changes: Partial<Opening> = {}): Family {
  return openFamily(opening(changes), openedAtMs)
}

/** The current token at the moment of the last rotation, from a public client that shows nothing else. */
export function presentation(generation: number, changes: Partial<Presentation> = {}): Presentation {
  return {
    generation,
    proof: none,
    addressTag: Uint8Array.of(192, 0, 2, 1),
    agentTag: Uint8Array.of(1, 2, 3, 4),
    retryKeyTag: null,
    nowMs: rotatedAtMs,
    policy,
    interruptions: [],
    ...changes,
  }
}

/** What present says, where nothing is cut off. */
export function verdictOn(family: Family, generation: number, changes: Partial<Presentation> = {}): Verdict {
  return present(family, noCutOffs, presentation(generation, changes))
}

/** A family refreshed up to this generation, each time with what `how` shows, the last time at `rotatedAtMs`. */
export function familyAt(generation: number, how: (presented: number) => Partial<Presentation> = () => ({})): Family {
  let family = newFamily()
  for (let presented = 0; presented < generation; presented++) {
    family = verdictOn(family, presented, how(presented)).family
  }
  return family
}

export const plainFamily = (generation: number): Family => familyAt(generation)
export const boundFamily = (generation: number): Family => familyAt(generation, () => ({ proof: ownKey }))
export const confidentialFamily = (generation: number): Family => familyAt(generation, () => ({ proof: client }))
/** Generation n was asked for with `keyTag(n)`. */
export const keyedFamily = (generation: number): Family =>
  familyAt(generation, presented => ({ retryKeyTag: keyTag(presented) }))

/** The end that a reuse leaves. */
export function reuseAt(atMs: number): End {
  return { reason: 'reuse', atMs, by: 'rule' }
}
