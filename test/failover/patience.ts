/**
 * How an honest client takes trouble: a 503 and a broken connection tell it nothing, so it pauses and asks again with
 * what it holds, any node, until it is told something (I14).
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ground } from '../stage/browser.ts'
import type { Chance } from '../processes/seeded.ts'
import type { Fleet } from './fleet.ts'
import { OutcomeUnknown } from './outcome-unknown.ts'
import type { Record } from './record.ts'

export interface Outside {
  readonly fleet: Fleet
  readonly record: Record
  readonly chance: Chance
  /** True once nobody needs to go on. */
  readonly isOver: () => boolean
}

/** Whatever happens to the database, no client waits longer for an answer, good or 503. */
const answerMsMax = 60_000
/** Much less than `Retry-After` asks for: it is to be busy when the database comes back. */
const pauseMsMax = 200
/** Nothing an operator or Patroni repairs takes longer here. */
const patienceMs = 120_000

/** What the attempt came to once its outcome was known; null where everything was over before. */
export async function untilTold<T>(outside: Outside, attempt: () => Promise<T>): Promise<T | null> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const outcome = await unlessUnknown(attempt)
    if (outcome !== null) return outcome
    if (outside.isOver()) return null
    await pause(outside.chance.below(pauseMsMax))
  }
  outside.record.violated(`a client was told nothing for ${patienceMs / 1000} seconds`)
  return null
}

/** Null where the outcome is unknown. */
export async function unlessUnknown<T>(attempt: () => Promise<T>): Promise<T | null> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof OutcomeUnknown) return null
    throw error
  }
}

/** Every request goes to some node. Rejects with `OutcomeUnknown` where the answer says that, or none comes. */
export function someNode({ fleet, chance, record }: Outside): Ground {
  return {
    issuer: fleet.nodes[0]!.issuer,
    send: async (path, init) => {
      const node = fleet.nodes[chance.below(fleet.nodes.length)]!
      const response = await node.send(path, { ...init, signal: AbortSignal.timeout(answerMsMax) }).catch(cause => {
        // No node is killed here, so no connection breaks.
        record.violated(`${path} was not answered: ${String(cause)}`)
        return record.unknown(`${path} was not answered`)
      })
      if (response.status < 500) return response
      if (response.status !== 503) record.violated(`${path} was answered with ${response.status}`)
      if (!(Number(response.headers.get('retry-after')) > 0)) record.violated(`${path}: 503 without Retry-After`)
      return record.unknown(`${path} was answered with 503`)
    },
  }
}
