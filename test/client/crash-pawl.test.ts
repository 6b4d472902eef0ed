/**
 * Killed at every effect of a refresh, against Pawl with its repeat window at 0: nobody is signed out. A sample of the
 * lottery; `npm run prove:crashes` draws ten thousand.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crashLottery } from '../../packages/client/src/testing/crash-lottery.ts'
import { crashMatrix } from '../../packages/client/src/testing/crash-matrix.ts'
import { crashStory } from './crash-story.ts'
import { comesToItsOwn, grantName, openHolder } from './holder-world.ts'
import { openPawlGround, type PawlClient } from './pawl-ground.ts'

/** A lease of a process that is dead has run out. */
const restartMs = 31_000
const sampleRuns = 15

describe('a refresh that is killed', () => {
  it('at every effect of it loses nothing at Pawl, nor where an answer was lost besides', async test => {
    const ground = await openPawlGround(test, 'bearer')
    const report = await crashMatrix({
      newWorld: clock => ground.world(clock),
      act: (world, process) => openHolder(world, process).accessToken(grantName),
      recover: comesToItsOwn,
      restartMs,
      startsAtMs: ground.nextStartMs,
      troubles: [
        { name: 'nothing else', effect: '', fate: 'happens' },
        { name: 'the answer is lost', effect: 'fetch token', fate: 'fails-after' },
      ],
    })
    assert.deepEqual(report.failures, [])
    // One for the grant's own expiry, and at most one more for the answer that nobody got.
    assert.deepEqual(Object.keys(report.outcomes), ['kept, 1 requests', 'kept, 2 requests'])
  })

  for (const client of ['bearer', 'dpop', 'confidential'] as const satisfies readonly PawlClient[]) {
    it(`by chance, again and again, with several at once and nights asleep, loses nothing of a ${client} grant`, async test => {
      const ground = await openPawlGround(test, client)
      const seed = process.env['PAWL_SEED'] ?? `crash ${client}`
      const { runs, failures } = await crashLottery({
        ...crashStory(ground.world),
        runs: sampleRuns,
        seed,
        startsAtMs: ground.nextStartMs,
      })
      assert.deepEqual(failures, [])
      assert.equal(runs, sampleRuns)
    })
  }
})
