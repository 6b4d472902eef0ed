/** What a client asks of its families by now, whatever it asked when they were opened. Nothing is spent by any of it. */

import { expiryOf, type Grant } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import { withLifetimesOfToday } from '../../domain/family/lifetimes-of-today.ts'
import { satisfies } from '../../domain/session/acr.ts'

/** Why the user must sign in again although the family lives, or null. */
export function lackingToday({ family, nowMs }: FamilyReading, client: Client): string | null {
  if (expiryOf(withLifetimesOfToday(family, client), nowMs) !== null) {
    return "the family is older than the client's lifetimes allow by now: the user must sign in again"
  }
  if (isWeakerThanAsked(family.grant, client, nowMs)) {
    return 'the client asks for a stronger or fresher sign-in by now: the user must sign in again'
  }
  return null
}

/** The client's demands on the sign-in were raised since, or the sign-in has grown too old for them. */
function isWeakerThanAsked(grant: Grant, client: Client, nowMs: number): boolean {
  const { minimumAcr, maxAuthAgeSeconds } = client
  if (minimumAcr !== null && (grant.acr === null || !satisfies(grant.acr, minimumAcr))) return true
  return maxAuthAgeSeconds !== null && nowMs - grant.authTimeMs > maxAuthAgeSeconds * 1000
}
