/**
 * A cut-off says: nothing that stands on a moment before T is valid. User, session and logout cut-offs compare with the
 * time the user signed in; the others compare with the time the family was opened. What stands on T itself lives.
 */

import type { EndReason, Family } from './family.ts'

/** The latest cut-off of each kind that concerns one family, in milliseconds; 0 where there is none. */
export interface CutOffs {
  readonly everyoneMs: number
  readonly clientMs: number
  readonly userMs: number
  /** Everything that was opened in the session, `offline_access` or not. */
  readonly sessionMs: number
  /** The session's user signed out: ends only what ends with the session. */
  readonly logoutMs: number
  readonly grantMs: number
  /** One user's consent to one client, withdrawn. */
  readonly consentMs: number
}

export const noCutOffs: CutOffs = {
  everyoneMs: 0,
  clientMs: 0,
  userMs: 0,
  sessionMs: 0,
  logoutMs: 0,
  grantMs: 0,
  consentMs: 0,
}

/** The reason this family is cut off, or null while it stands. */
export function cutOffOf(family: Family, cutOffs: CutOffs): EndReason | null {
  const { createdAtMs } = family
  const { authTimeMs, endsWithSession } = family.grant
  if (createdAtMs < cutOffs.everyoneMs) return 'cut_off_everyone'
  if (createdAtMs < cutOffs.clientMs) return 'cut_off_client'
  if (authTimeMs < cutOffs.userMs) return 'cut_off_user'
  if (authTimeMs < cutOffs.sessionMs) return 'cut_off_session'
  if (endsWithSession && authTimeMs < cutOffs.logoutMs) return 'logged_out'
  if (createdAtMs < cutOffs.grantMs) return 'cut_off_grant'
  if (createdAtMs < cutOffs.consentMs) return 'cut_off_consent'
  return null
}
