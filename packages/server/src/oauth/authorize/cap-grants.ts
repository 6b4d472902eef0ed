/** The cap on living grants of one user and client: a client that opens one more ends its oldest. Documented, never silent. */

import { endFamily, type Family } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { branchesOfGrant } from '../../domain/family/branches.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import type { Attempt } from '../../domain/family/step.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** How many grants one authorization ends at most. It opens one, so a lowered cap is reached step by step. */
export const grantsEndedAtOnceMax = 16

export interface Cap {
  /** The one just opened: it stays, though its id may be older than those of others that were opened meanwhile. */
  readonly opened: Family
  readonly client: Client
  readonly caller: Caller
}

/** Ends the oldest grants beyond the cap. */
export async function capGrants(server: AuthorizationServer, cap: Cap): Promise<void> {
  const { opened, client } = cap
  const { subject } = opened.grant
  if (subject === null) return
  const living = await server.store.families.countLiving(subject, client.id)
  const surplus = living - server.rules.grantsPerUserAndClientMax
  if (surplus <= 0) return
  const filter = { subject, clientId: client.id, livingOnly: true }
  const ended = Math.min(surplus, grantsEndedAtOnceMax)
  const oldest = await server.store.families.list(filter, ended + 1)
  const others = oldest.filter(({ family }) => isFirstOfItsGrant(family, oldest) && family.id !== opened.id)
  for (const { family } of others.slice(0, ended)) {
    await server.stepFamily(family.id, reading => endOldest(server, cap, reading))
  }
}

/** A grant that has branched is ended once, by the oldest family it has left. */
function isFirstOfItsGrant(family: Family, readings: readonly FamilyReading[]): boolean {
  return readings.find(reading => reading.family.grant.id === family.grant.id)?.family.id === family.id
}

async function endOldest(server: AuthorizationServer, cap: Cap, reading: FamilyReading | null): Promise<Attempt<void>> {
  if (reading === null) return { change: null, result: undefined }
  const family = endFamily(reading.family, 'too_many_grants', 'rule', reading.nowMs)
  if (family === reading.family) return { change: null, result: undefined }
  const { id: familyId, grant } = family
  const { clientId, subject, sessionId } = grant
  const detail = { reason: 'too_many_grants', max: server.rules.grantsPerUserAndClientMax }
  const about = { familyId, clientId, subject, sessionId, caller: cap.caller, atMs: reading.nowMs, detail }
  const events = [newEvent('family_ended', about, server.entropy)]
  const { cutOffs } = await branchesOfGrant(server.store.families, family, 'rule')
  return { change: { family, events, cutOffs }, result: undefined }
}
