/** Which place a family has in the lists of status, and which families ended lately. */

import type { FamilyId } from '@pawl/family'

export interface StatusEntry {
  readonly familyId: FamilyId
  /** Until when the family, and every token of it, can be alive: then the place may be given away again. */
  readonly untilMs: number
  /** How many places to leave free before it, so that two that come at once seldom want the same one. */
  readonly gap: number
}

export interface EndedIndex {
  readonly index: number
  readonly atMs: number
}

export interface StatusStore {
  /** The family's index, given now where it has none. Durable before it resolves; no two living families share one. */
  indexOf(entry: StatusEntry): Promise<number>
  /** The highest index that is given, or null for none. */
  highestIndex(): Promise<number | null>
  /**
   * The indexes of families that ended at or after that moment by themselves, or concern a cut-off that was set at or
   * after it and are over. Rejects with `StoreUnavailable` where they are more than `limit`.
   */
  endedSince(sinceMs: number, limit: number): Promise<readonly EndedIndex[]>
}
