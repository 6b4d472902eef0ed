/** Machines whose clock is a quarter of an hour off: proofs and expiries go by the issuer's clock all the same. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skewOf } from '../../packages/client/src/holder/ask.ts'
import { crashLottery } from '../../packages/client/src/testing/crash-lottery.ts'
import { httpDate } from '../../packages/client/src/testing/http-date.ts'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import { crashStory } from './crash-story.ts'
import { openPawlGround } from './pawl-ground.ts'

const quarterMs = 900_000
const nightMs = 8 * 3_600_000
const runs = 8

function onMachine(process: MortalProcess, aheadMs: number): MortalProcess {
  const { nowMs, wait } = process.clock
  return { ...process, clock: { nowMs: () => nowMs() + aheadMs, wait } }
}

describe('a machine whose clock is wrong', () => {
  for (const [name, aheadMs] of [
    ['ahead', quarterMs],
    ['behind', -quarterMs],
  ] as const) {
    it(`by a quarter of an hour ${name} loses nothing of a bound grant and hands out nothing that is over`, async test => {
      const ground = await openPawlGround(test, 'dpop')
      const story = crashStory(ground.world)
      const { failures } = await crashLottery({
        ...story,
        live: (world, process, chance) => story.live(world, onMachine(process, aheadMs), chance),
        recover: (world, process) => story.recover(world, onMachine(process, aheadMs)),
        runs,
        seed: process.env['PAWL_SEED'] ?? `clock ${name}`,
        startsAtMs: ground.nextStartMs,
      })
      assert.deepEqual(failures, [])
    })
  }

  it('is not believed to be right because an answer took a night', () => {
    const answer = (atMs: number): Response => new Response(null, { headers: { date: httpDate(atMs) } })
    assert.equal(skewOf(answer(quarterMs), 0, nightMs, quarterMs), quarterMs, 'what is known stands')
    assert.equal(skewOf(answer(0), 0, nightMs), 0, 'and nothing is made up')
    assert.equal(skewOf(answer(0), 0, 100, quarterMs), 0, 'a clock that was put right is noticed')
    assert.equal(skewOf(answer(quarterMs), 0, 100), quarterMs + 450)
  })
})
