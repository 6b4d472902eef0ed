/** What one access token is for: a resource, or several that want the same of it. */

import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { AccessTokenFormat, Resource } from './resource.ts'

export interface Target {
  readonly audiences: readonly string[]
  /** The scopes that its resources know; null: whatever was granted. */
  readonly scopes: readonly string[] | null
  /** Null: as the client has it. */
  readonly format: AccessTokenFormat | null
  readonly secondsMax: number | null
  readonly algorithm: SigningAlgorithm
}

/** Null where the resources want different things: the client has to ask for a token for each. */
export function targetOf(resources: readonly Resource[]): Target | null {
  const [first, ...others] = resources
  if (first === undefined || !others.every(other => agree(first, other))) return null
  const knowAll = resources.some(({ scopes }) => scopes.length === 0)
  return {
    audiences: [...new Set(resources.map(({ audience }) => audience))],
    scopes: knowAll ? null : resources.flatMap(({ scopes }) => scopes),
    format: first.accessTokenFormat,
    secondsMax: shortest(resources),
    algorithm: first.signingAlgorithm,
  }
}

/** What of the granted scopes a token for this target carries. */
export function scopesWithin(target: Target | null, granted: readonly string[]): readonly string[] {
  const known = target?.scopes ?? null
  return known === null ? granted : granted.filter(scope => known.includes(scope))
}

function agree(one: Resource, other: Resource): boolean {
  return one.accessTokenFormat === other.accessTokenFormat && one.signingAlgorithm === other.signingAlgorithm
}

function shortest(resources: readonly Resource[]): number | null {
  const said = resources.map(({ accessTokenSeconds }) => accessTokenSeconds).filter(seconds => seconds !== null)
  return said.length === 0 ? null : Math.min(...said)
}
