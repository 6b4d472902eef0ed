/**
 * What else ends where one family of a grant does: the family that the grant began with takes its branches along, a branch
 * goes alone. Most grants have one family, and then nothing does.
 */

import type { Family } from '@pawl/family'
import type { CutOff } from '../cut-off/cut-off.ts'
import type { FamilyStore } from './family-store.ts'

export interface EndingBranches {
  /** Living branches, counted with the reading that the end is decided on. */
  readonly count: number
  /** Ends them in the transaction of the step. Empty where there are none: no cut-off is kept for nothing. */
  readonly cutOffs: readonly CutOff[]
}

type Branches = Pick<FamilyStore, 'countBranches'>

/** The branches that end with this family, in the name of whoever ends it. */
export async function branchesWith(families: Branches, family: Family, by: string): Promise<EndingBranches> {
  return family.branch === null ? branchesOfGrant(families, family, by) : { count: 0, cutOffs: [] }
}

/** Every branch of the family's grant. Their cut-off covers the family itself too. */
export async function branchesOfGrant(families: Branches, { grant }: Family, by: string): Promise<EndingBranches> {
  const { living: count } = await families.countBranches(grant.id)
  if (count === 0) return { count, cutOffs: [] }
  const target = { kind: 'grant', grantId: grant.id } as const
  return { count, cutOffs: [{ target, reason: 'a family of the grant has ended', by, beforeMs: null }] }
}
