/** The families of a `flakyServer`: what is true, whatever a client was told. */

import type { FlakyPolicy } from './flaky-policy.ts'
import type { SeededChance } from './seeded-chance.ts'

export interface Family {
  readonly name: string
  readonly clientId: string
  readonly scope: string
  /** By generation; the last one is current. Without rotation there is one. */
  readonly tokens: string[]
  /** Of each rotation: when, and the retry key it came with. */
  readonly rotations: { readonly atMs: number; readonly retryKey: string | null }[]
  readonly isKeyed: boolean
  /** The thumbprint of the DPoP key; null for a bearer. */
  readonly keyThumbprint: string | null
  readonly accessTokens: Map<string, number>
  usedAtMs: number
  end: 'revoked' | 'reuse' | 'expired' | null
}

/** What may be told of a family in a test: no token. */
export interface FamilyTruth {
  readonly name: string
  readonly generation: number
  readonly isAlive: boolean
  readonly end: Family['end']
}

export interface Presented {
  readonly token: string
  readonly retryKey: string | null
  readonly keyThumbprint: string | null
  readonly isAuthenticated: boolean
}

export type Presenting = { readonly kind: 'answered'; readonly refreshToken: string } | { readonly kind: 'refused' }

const refused: Presenting = { kind: 'refused' }

export function presentTo(family: Family, presented: Presented, world: World): Presenting {
  const { policy } = world
  if (family.end === null && policy.idleSeconds !== null) {
    if (world.nowMs >= family.usedAtMs + policy.idleSeconds * 1000) family.end = 'expired'
  }
  if (family.end !== null) return refused
  if (family.isKeyed && presented.retryKey === null) return refused
  if (family.keyThumbprint !== presented.keyThumbprint) return refused
  const generation = family.tokens.indexOf(presented.token)
  const current = family.tokens.length - 1
  if (generation === current) return advance(family, presented, world)
  if (generation === current - 1 && mayRepeat(family, generation, presented, world)) {
    return { kind: 'answered', refreshToken: family.tokens[current] ?? '' }
  }
  if (policy.onReuse === 'revokes' && !isOnRecord(family, presented)) endFamily(family, 'reuse')
  return refused
}

export interface World {
  readonly policy: FlakyPolicy
  readonly nowMs: number
  readonly chance: SeededChance
}

export function newToken(chance: SeededChance, kind: 'rt' | 'at'): string {
  return `${kind}_${chance.text(24)}`
}

export function endFamily(family: Family, end: NonNullable<Family['end']>): void {
  family.end ??= end
  family.accessTokens.clear()
}

export function truthOf(family: Family): FamilyTruth {
  const { name, tokens, end } = family
  return { name, generation: tokens.length, isAlive: end === null, end }
}

function advance(family: Family, { retryKey }: Presented, world: World): Presenting {
  family.usedAtMs = world.nowMs
  if (world.policy.rotates) {
    family.tokens.push(newToken(world.chance, 'rt'))
    family.rotations.push({ atMs: world.nowMs, retryKey })
  }
  return { kind: 'answered', refreshToken: family.tokens.at(-1) ?? '' }
}

function mayRepeat(family: Family, generation: number, by: Presented, { policy, nowMs }: World): boolean {
  const rotation = family.rotations[generation]
  if (rotation === undefined) return false
  if (family.keyThumbprint !== null) return true
  if (policy.clientMayRepeat && by.isAuthenticated) return true
  if (policy.retryKeys && by.retryKey !== null && by.retryKey === rotation.retryKey) return true
  return !family.isKeyed && nowMs < rotation.atMs + policy.graceSeconds * 1000
}

/** Someone who has a key of this family is behind its time, and no thief until shown otherwise. */
function isOnRecord(family: Family, { retryKey, keyThumbprint }: Presented): boolean {
  if (keyThumbprint !== null) return true
  return retryKey !== null && family.rotations.some(rotation => rotation.retryKey === retryKey)
}
