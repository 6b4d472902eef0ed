/**
 * A cut-off says: nothing that stands on a moment before T is valid. User and session cut-offs compare with the time
 * the user signed in; the others compare with the time the family was opened. What stands on T itself lives.
 */

import type { EndReason, Family } from './family.ts'

/** The latest cut-off of each kind that concerns one family, in milliseconds; 0 where there is none. */
export interface CutOffs {
  readonly everyoneMs: number
  readonly clientMs: number
  readonly userMs: number
  readonly sessionMs: number
  readonly grantMs: number
  /** One user's consent to one client, withdrawn. */
  readonly consentMs: number
}

export const noCutOffs: CutOffs = {
  everyoneMs: 0,
  clientMs: 0,
  userMs: 0,
  sessionMs: 0,
  grantMs: 0,
  consentMs: 0,
}

/** The reason this family is cut off, or null while it stands. */
export function cutOffOf(family: Family, cutOffs: CutOffs): EndReason | null {
  const { createdAtMs } = family
  const { authTimeMs } = family.grant
  if (createdAtMs < cutOffs.everyoneMs) return 'cut_off_everyone'
  if (createdAtMs < cutOffs.clientMs) return 'cut_off_client'
  if (authTimeMs < cutOffs.userMs) return 'cut_off_user'
  if (authTimeMs < cutOffs.sessionMs) return 'cut_off_session'
  if (createdAtMs < cutOffs.grantMs) return 'cut_off_grant'
  if (createdAtMs < cutOffs.consentMs) return 'cut_off_consent'
  return null
}
