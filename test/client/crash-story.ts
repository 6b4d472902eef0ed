/**
 * What processes do while they are killed, the network drops answers, the store fails and the laptop sleeps: they ask for
 * an access token, alone or several at once, and come again later. Whatever befalls them, nobody may be told to sign in.
 */

import assert from 'node:assert/strict'
import { CustodyFailed, RefreshPostponed } from '@pawl/client'
import type { CrashLotteryOptions } from '../../packages/client/src/testing/crash-lottery.ts'
import type { NetworkFault } from '../../packages/client/src/testing/flaky-network.ts'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import type { SeededChance } from '../../packages/client/src/testing/seeded-chance.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { comesToItsOwn, grantName, type HolderWorld, openHolder } from './holder-world.ts'

const networkTroubles: readonly [NetworkFault, ...NetworkFault[]] = [
  'lose-request',
  'lose-response',
  'crash-after-rotate',
  'hang',
  'slow',
  '503',
  '503-retry-after',
  '429',
  'html-instead-of-json',
  'broken-json',
]

const nightMs = 8 * 3_600_000
/** No cooldown and no lease lasts longer. */
const healedMs = 120_000

interface StoryWorld extends HolderWorld {
  /** What an application was told that it may never be told. */
  readonly losses: unknown[]
}

type Story = Omit<CrashLotteryOptions<StoryWorld>, 'runs' | 'seed' | 'startsAtMs'>

export function crashStory(worldOf: (clock: VirtualClock) => Promise<HolderWorld>): Story {
  return {
    togetherMax: 3,
    newWorld: async (clock, chance) => {
      const world = await worldOf(clock)
      world.network.faultByChance(chance, 0.15, networkTroubles)
      return { ...world, losses: [] }
    },
    live,
    recover: async (world, process) => {
      world.network.heal()
      await process.clock.wait(healedMs)
      const outcome = await comesToItsOwn(world, process)
      assert.deepEqual(world.losses, [])
      assert.deepEqual(world.events.filter(isEnd), [])
      return outcome
    },
  }
}

async function live(world: StoryWorld, process: MortalProcess, chance: SeededChance): Promise<void> {
  const holder = openHolder(world, process)
  const asks = 1 + chance.below(3)
  for (let ask = 0; ask < asks; ask++) {
    const together = 1 + chance.below(3)
    const asked = Array.from({ length: together }, () => holder.accessToken(grantName))
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === 'rejected' && !isBearable(outcome.reason)) world.losses.push(outcome.reason)
    }
    const sleeping = chance.happens(0.2)
    const rested = process.clock.wait(chance.below(700_000))
    if (sleeping) world.clock.sleep(nightMs)
    await rested
  }
}

/** Try again later, or look after the store: the token is kept. */
function isBearable(error: unknown): boolean {
  return error instanceof RefreshPostponed || error instanceof CustodyFailed
}

function isEnd(event: HolderWorld['events'][number]): boolean {
  return event.kind === 'refresh' && event.outcome.startsWith('ended')
}
