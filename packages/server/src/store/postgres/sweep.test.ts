/** What the sweep must not take: a row that is renewed while the sweep waits for it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Subject } from '@pawl/family'
import { withClient } from '../../../../../test/postgres/query.ts'
import { settableClock, startMs } from '../contract/fixture.test.ts'
import { cutOffsKeptSeconds } from '../sql/sweep.ts'
import { attemptsMax, pollMs, type Scene, sceneOn } from './fixture.test.ts'

const target = { kind: 'user', subject: 'user-1' as Subject } as const

describe('the sweep of PostgreSQL', () => {
  it('leaves a cut-off that is set again while the sweep waits for its row', async test => {
    const scene = await sceneOn(test)
    const clock = settableClock(startMs)
    const store = await scene.open({ clock })
    await store.cutOffs.set({ target, reason: 'long ago', by: 'operator', beforeMs: null }, [])
    clock.advance((cutOffsKeptSeconds + 1) * 1000)
    const nowMs = await store.now()
    await withClient(scene.url, async client => {
      await client.query('BEGIN')
      await client.query('UPDATE cut_offs SET at_ms = $1, set_at_ms = $1', [nowMs])
      // As many writes as it takes for the other tables to be tidied.
      for (let write = 0; write < 256; write++) await store.registrations.removeToken('nobody', [])
      await untilSomebodyWaits(scene)
      await client.query('COMMIT')
    })
    await store.close()
    const [row] = await scene.ask('SELECT at_ms FROM cut_offs')
    assert.equal(Number(row?.[0]), nowMs)
  })
})

async function untilSomebodyWaits({ ask }: Scene): Promise<void> {
  const text = `SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM cut_offs%'`
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const [row] = await ask(text)
    if (Number(row?.[0]) > 0) return
    await pause(pollMs)
  }
  assert.fail('the sweep never came to the row')
}
