/** The machine's world, and word of each answer that came from a server: a test that waits for the feed need not spin. */

import { setImmediate } from 'node:timers/promises'
import { machineWorld, type World } from '@pawl/verifier'

export interface HeardWorld {
  readonly world: World
  /** Resolves when the next answer has come, good or not, and whoever asked has read it. */
  readonly heard: () => Promise<void>
}

export function heardWorld(nowMs: () => number = machineWorld.nowMs): HeardWorld {
  let next = Promise.withResolvers<void>()
  const tell = (): void => {
    next.resolve()
    next = Promise.withResolvers<void>()
  }
  return {
    world: { ...machineWorld, nowMs, fetch: request => fetchedWhole(request).finally(tell) },
    heard: async () => {
      await next.promise
      await setImmediate()
      await setImmediate()
    },
  }
}

async function fetchedWhole(request: Request): Promise<Response> {
  const response = await fetch(request)
  return new Response(await response.arrayBuffer(), response)
}
