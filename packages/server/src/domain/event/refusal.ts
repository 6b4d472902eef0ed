/**
 * Refusals that are no event are kept, for `explain`, in a bounded ring: the newest 100,000 and no longer than seven
 * days. They are written in the background and sampled under flood; they never delay an answer.
 */

import type { ClientId, FamilyId } from '@pawl/family'
import type { RequestId } from '../identifiers.ts'

export const refusalsKeptMax = 100_000
export const refusalsKeptSeconds = 7 * 86_400

export interface Refusal {
  readonly requestId: RequestId
  readonly atMs: number
  readonly endpoint: string
  /** The OAuth error code the client saw. */
  readonly code: string
  /** A sentence for the operator. No secret. */
  readonly detail: string
  readonly clientId: ClientId | null
  readonly familyId: FamilyId | null
  readonly generation: number | null
  readonly address: string
}

export interface RefusalStore {
  record(refusals: readonly Refusal[]): Promise<void>
  ofRequest(requestId: RequestId): Promise<Refusal | null>
}
