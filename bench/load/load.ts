/** The bench's end of the load generator. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LapOrder, LapReply, LapResult } from './lap.ts'

export interface Load {
  /** Rides one lap; rejects when any answer was wrong, missing or late. */
  readonly ride: (order: LapOrder) => Promise<LapResult>
  readonly stop: () => Promise<void>
}

export function startLoad(): Load {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const gone = once(child, 'exit').then((): [LapReply] => [{ kind: 'failed', reason: 'the load generator went away' }])
  return {
    ride: async order => {
      const answer = once(child, 'message') as Promise<[LapReply]>
      child.send(order)
      const [message] = await Promise.race([answer, gone])
      if (message.kind === 'failed') throw new Error(message.reason)
      return message.result
    },
    stop: async () => {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}
