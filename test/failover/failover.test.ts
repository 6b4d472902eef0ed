/**
 * The primary of the database dies in mid-load, again and again, and the standby takes its place. When it dies, and what
 * each client does, come from the seed and are counted in answers, never in time. `npm run test:failover` plays twenty
 * rounds; without it two show that the play works.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { chanceOf } from '../processes/seeded.ts'
import { startFleet } from './fleet.ts'
import { startLoad } from './load.ts'
import type { Database } from './database.ts'
import { startPair } from './pair.ts'
import { startPatroni } from './patroni.ts'
import type { Outside } from './patience.ts'
import { provesEventsOnce, provesRevoked, provesRowsWhole, provesServed } from './proofs.ts'
import { startRecord } from './record.ts'

const rounds = Number(process.env['PAWL_FAILOVER_ROUNDS'] ?? 2)
const databases: { readonly [name: string]: (test: TestContext) => Promise<Database> } = {
  switch: test => startPair(test, 'one address'),
  hosts: test => startPair(test, 'both addresses'),
  patroni: startPatroni,
}
const start = databases[process.env['PAWL_FAILOVER_DATABASE'] ?? 'switch']!
/** A primary lives for at least so many acknowledged writes, and for as many again if chance has it. */
const writesBetweenKills = 150

describe('a primary that dies', () => {
  it(`RT-03 under load and ${rounds} times loses no rotation and no revocation, makes no fork and locks nobody out`, async test => {
    const chance = chanceOf(test)
    const database = await start(test)
    const fleet = await startFleet(test, database.url)
    const record = startRecord()
    const load = await startLoad(fleet, record, chance)
    const outside: Outside = { fleet, record, chance: chance.branch('the test'), isOver: () => false }
    for (let round = 1; round <= rounds; round++) {
      const revokedBefore = record.revocations.length
      await record.acknowledged(writesBetweenKills + chance.below(writesBetweenKills))
      record.longestGapMs()
      const { killed, primaryMs, standbyMs } = await database.failOver(chance)
      await load.everybodyServed()
      assert.deepEqual(record.violations(), [])
      const gapMs = record.longestGapMs()
      await provesRowsWhole(outside, load.holders)
      await provesRevoked(outside, record.revocations.slice(revokedBefore))
      const { writes, unknown } = record.counts()
      test.diagnostic(
        `round ${round}: killed the ${killed}; new primary after ${said(primaryMs)}, standby after ${said(standbyMs)}, ` +
          `no write for ${said(gapMs)}; ${writes} writes and ${unknown} unknown outcomes so far`,
      )
    }
    await load.end()
    assert.deepEqual(record.violations(), [])
    await provesServed(outside, load.holders)
    await provesRevoked(outside, record.revocations)
    await provesEventsOnce(database, record)
    const { rotations, unknown } = record.counts()
    assert.ok(unknown > 0, 'nobody noticed that the primary died, so nothing was shown')
    test.diagnostic(`${rotations} rotations, ${record.revocations.length} revocations, none lost in ${rounds} rounds`)
  })
})

function said(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
