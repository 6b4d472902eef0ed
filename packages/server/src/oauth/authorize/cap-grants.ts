/** The cap on living grants of one user and client: a client that opens one more ends its oldest. Documented, never silent. */

import { endFamily, type Subject } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import type { FamilyReading } from '../../domain/family/family-store.ts'
import type { Attempt } from '../../domain/family/step.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

export interface Cap {
  readonly subject: Subject
  readonly client: Client
  readonly caller: Caller
}

/** Ends the oldest grants beyond the cap. The one just opened is the newest, so it stays. */
export async function capGrants(server: AuthorizationServer, cap: Cap): Promise<void> {
  const { subject, client } = cap
  const living = await server.store.families.countLiving(subject, client.id)
  const surplus = living - server.rules.grantsPerUserAndClientMax
  if (surplus <= 0) return
  const filter = { subject, clientId: client.id, livingOnly: true }
  const oldest = await server.store.families.list(filter, surplus)
  for (const { family } of oldest) await server.stepFamily(family.id, reading => endOldest(server, cap, reading))
}

function endOldest(server: AuthorizationServer, cap: Cap, reading: FamilyReading | null): Attempt<void> {
  if (reading === null) return { change: null, result: undefined }
  const family = endFamily(reading.family, 'too_many_grants', 'rule', reading.nowMs)
  if (family === reading.family) return { change: null, result: undefined }
  const { id: familyId, grant } = family
  const { clientId, subject, sessionId } = grant
  const detail = { reason: 'too_many_grants', max: server.rules.grantsPerUserAndClientMax }
  const about = { familyId, clientId, subject, sessionId, caller: cap.caller, atMs: reading.nowMs, detail }
  return {
    change: { family, events: [newEvent('family_ended', about, server.entropy)], cutOffs: [] },
    result: undefined,
  }
}
