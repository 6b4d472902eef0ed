/** What the database itself says about the promises that were made: asked of its primary, past every node. */

import assert from 'node:assert/strict'
import type { FamilyId } from '@pawl/family'
import { StoreUnavailable } from '../../packages/server/src/domain/store.ts'
import { ask } from '../postgres/query.ts'
import { type Holder, present } from '../processes/holders.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf } from '../processes/registered.ts'
import { type Database, nodeDatabase } from './database.ts'
import type { Fleet } from './fleet.ts'
import { type Outside, someNode, untilTold } from './patience.ts'
import type { Ended, Record } from './record.ts'

/** No family is behind what was acknowledged of it (I2, I4), and what honest clients hold has not ended. */
export async function provesRowsWhole(outside: Outside, holders: readonly Holder[]): Promise<void> {
  const { record, fleet } = outside
  const kept = new Set<FamilyId>(holders.map(({ token }) => familyIdIn(token)))
  const acknowledged = [...record.generations]
  for (const [id, generation] of acknowledged) {
    const family = await readFamily(outside, fleet, id)
    assert.ok(family !== null, `family ${id} is lost`)
    assert.ok(family.generation >= generation, `family ${id} is back at ${family.generation}, told was ${generation}`)
    if (kept.has(id)) assert.equal(family.end, null, `family ${id} of an honest client has ended`)
  }
}

async function readFamily(outside: Outside, fleet: Fleet, id: FamilyId) {
  const reading = await untilTold(outside, async () => {
    try {
      return { found: await fleet.office.workbench.store.families.read(id) }
    } catch (error) {
      if (error instanceof StoreUnavailable) return outside.record.unknown('the office was told nothing')
      throw error
    }
  })
  return reading?.found?.family ?? null
}

/** Everything that was acknowledged to be over is over, whichever node is asked (I3). */
export async function provesRevoked(outside: Outside, revocations: readonly Ended[]): Promise<void> {
  for (const { kind, registered, refreshToken } of revocations) {
    const app = appOf(someNode(outside), registered)
    const answer = await untilTold(outside, () => app.refresh(refreshToken))
    assert.deepEqual([answer?.status, answer?.body['error']], [400, 'invalid_grant'], `ended by ${kind}, and back`)
  }
}

/** What each client was told last is still worth a successor. */
export async function provesServed(outside: Outside, holders: readonly Holder[]): Promise<void> {
  for (const holder of holders) {
    const app = appOf(someNode(outside), holder.registered)
    const answer = await untilTold(outside, () => present(holder, app))
    assert.equal(answer?.status, 200, `${holder.name} is locked out`)
  }
}

/** Each opening and each end left one event, and nobody was taken for a thief (I5, I12). */
export async function provesEventsOnce(database: Database, record: Record): Promise<void> {
  const url = new URL(database.primaryUrl())
  url.pathname = nodeDatabase
  const alarms = "'token_reused', 'token_ahead', 'wrong_client', 'retry_key_missing', 'binding_missing'"
  const alarmed = await ask(url.href, `SELECT kind, family_id, detail FROM events WHERE kind IN (${alarms})`)
  assert.deepEqual(alarmed, [], 'an honest client was taken for another')
  const counted = await ask(
    url.href,
    `SELECT family_id, kind, count(*)::integer AS events FROM events
    WHERE kind IN ('family_opened', 'family_ended') GROUP BY family_id, kind`,
  )
  const eventsOf = (kind: string) =>
    new Map(counted.filter(row => row['kind'] === kind).map(row => [row['family_id'], row['events']]))
  const [opened, ended] = [eventsOf('family_opened'), eventsOf('family_ended')]
  assert.deepEqual([...new Set([...opened.values(), ...ended.values()])], [1], 'an event was written twice')
  for (const id of record.generations.keys()) assert.ok(opened.has(id), `no event tells of the opening of ${id}`)
  for (const { familyId, kind } of record.revocations) assert.ok(ended.has(familyId), `no event tells of a ${kind}`)
}
