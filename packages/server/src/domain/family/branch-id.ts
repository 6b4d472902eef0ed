/**
 * The id of a branch follows from its parent, the generation it was asked for with and what was asked, so that whoever
 * asks again finds what was opened the first time, and nothing has to be stored for that.
 */

import type { Family, FamilyId } from '@pawl/family'
import { newFamilyId } from '../identifiers.ts'
import { hmacSha256 } from '../keys/hmac.ts'

export interface BranchWish {
  /** The one that was presented. */
  readonly generation: number
  readonly name: string
  /** The DPoP key that the branch is for, if it is not for the parent's. */
  readonly thumbprint: string | null
}

/** `parent` as the step leaves it: the time of its rotation, which a repeat does not move, is the time in the id. */
export function branchIdOf(parent: Family, { generation, name, thumbprint }: BranchWish): FamilyId {
  // No token head begins with this word, so no id is ever a tag of a token.
  const derived = hmacSha256(parent.seed, Buffer.from(`branch:${generation}:${thumbprint ?? ''}:${name}`))
  return newFamilyId(parent.rotatedAtMs, { bytes: count => derived.subarray(0, count) })
}
