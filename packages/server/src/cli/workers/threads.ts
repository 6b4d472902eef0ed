/** How many threads answer requests. */

import { availableParallelism } from 'node:os'
import { storePlaceOf } from '../../config/config.ts'
import { ConfigRefused } from '../../config/config-refused.ts'
import type { Settings } from '../../config/settings.ts'
import { canSharePorts } from '../../http/node-listener.ts'

/** More have to be asked for: each takes memory, and beyond a few the one that writes is what the others wait for. */
export const workersUnaskedMax = 8

/** One for each core, where nothing stands against several. Throws `ConfigRefused` where somebody asked for too much. */
export function threadsOf(settings: Settings, canShare = canSharePorts, cores = availableParallelism()): number {
  const { workers } = settings
  const place = storePlaceOf(settings)
  const isOneThreadsAlone = place.kind === 'sqlite' && place.path === ':memory:'
  if (workers === null) return isOneThreadsAlone || !canShare ? 1 : Math.min(cores, workersUnaskedMax)
  if (workers > 1 && isOneThreadsAlone) {
    throw new ConfigRefused('A database in memory belongs to one thread: use --workers 1, or a file.')
  }
  if (workers > 1 && !canShare) {
    throw new ConfigRefused(
      `This system (${process.platform}) does not let threads share a port: use --workers 1, and several servers behind a balancer.`,
    )
  }
  return workers
}
