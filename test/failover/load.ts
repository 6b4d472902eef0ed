/** Everybody who uses the nodes at once, from the start of a failover test to its end. */

import { inspect } from 'node:util'
import { type Holder, signedInHolders } from '../processes/holders.ts'
import type { Chance } from '../processes/seeded.ts'
import type { Fleet } from './fleet.ts'
import { keepOn } from './keepers.ts'
import { comeAndGo, newLeaver } from './leavers.ts'
import type { Outside } from './patience.ts'
import { endings, type Record } from './record.ts'

export interface Load {
  readonly holders: readonly Holder[]
  /** Resolves once every holder has moved on since the call, or something is violated. */
  readonly everybodyServed: () => Promise<void>
  /** Lets everybody finish what they are at. */
  readonly end: () => Promise<void>
}

const holdersPerManner = 4

interface Client {
  readonly turn: () => Promise<void>
  turns: number
}

export async function startLoad(fleet: Fleet, record: Record, chance: Chance): Promise<Load> {
  let isOver = false
  const outsideOf = (name: string): Outside => ({
    fleet,
    record,
    chance: chance.branch(name),
    isOver: () => isOver || record.violations().length > 0,
  })
  const holders = await signedInHolders(fleet.office, fleet.nodes[0]!, holdersPerManner)
  const keepers = holders.map((holder): Client => {
    const outside = outsideOf(holder.name)
    return { turn: () => keepOn(holder, outside), turns: 0 }
  })
  const clients = [...keepers]
  for (const kind of endings) {
    const outside = outsideOf(kind)
    const leaver = await newLeaver(kind, outside)
    clients.push({ turn: () => comeAndGo(leaver, outside), turns: 0 })
  }
  const onTurn: (() => void)[] = []
  const live = async (client: Client): Promise<void> => {
    while (!isOver && record.violations().length === 0) {
      try {
        await client.turn()
      } finally {
        client.turns += 1
        for (const tell of onTurn.splice(0)) tell()
      }
    }
  }
  const fail = (error: unknown): void => record.violated(inspect(error))
  const lives = Promise.all(clients.map(client => live(client).catch(fail)))
  return {
    holders,
    everybodyServed: async () => {
      // Two turns: the one that is under way may have been answered before.
      const before = new Map(keepers.map(client => [client, client.turns]))
      while (keepers.some(client => client.turns < before.get(client)! + 2)) {
        if (record.violations().length > 0) return
        await new Promise<void>(resolve => onTurn.push(resolve))
      }
    },
    end: async () => {
      isOver = true
      await lives
    },
  }
}
