/** Records that have an end, and how stores are rid of those that nobody asks for again: those who save look at a few. */

import type { KeptRecord } from '../custody/custody-store.ts'

/** How many records that are over each save removes, or looks for, besides its own. */
export const sweptPerSave = 4

export function isOver(record: Pick<KeptRecord, 'expiresAtMs'>, nowMs: number): boolean {
  return record.expiresAtMs !== undefined && nowMs >= record.expiresAtMs
}

/** As `KeptRecord` has it: left out where there is none. */
export function withEnd(version: string, sealed: string, expiresAtMs: number | null | undefined): KeptRecord {
  return expiresAtMs === null || expiresAtMs === undefined ? { version, sealed } : { version, sealed, expiresAtMs }
}
