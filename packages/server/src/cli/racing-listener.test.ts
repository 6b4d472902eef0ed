/**
 * Opens a port as the first thread of a server does, as soon as it is told (`port-turn.test.ts` starts two of them). It
 * says what came of it, and closes when it is told so. Run as a test file of its own it has nothing to do.
 */

import { ConfigRefused } from '../config/config-refused.ts'
import { settingsSchema } from '../config/settings.ts'
import { everySeconds } from '../domain/time.ts'
import { stderrLogger } from '../http/access-log.ts'
import { listenOn, type PublicListener } from './public-listener.ts'

/** The port to open, at once, or to close what is open. */
export type Order = number | 'close'
export type Told = 'ready' | 'open' | 'refused' | 'closed'

let listener: PublicListener | null = null

async function obey(order: Order): Promise<Told> {
  if (order !== 'close') return open(order)
  await listener?.close()
  listener = null
  return 'closed'
}

const nobodyAsks = (): Promise<never> => Promise.reject(new Error('nobody asks'))

async function open(port: number): Promise<Told> {
  try {
    listener = await listenOn(
      { ...settingsSchema.parse({ host: '127.0.0.1', drainSeconds: 0 }), port },
      { handle: nobodyAsks, handleApplications: nobodyAsks },
      { logger: stderrLogger('error'), sharing: { threads: 2, isFirst: true }, nowMs: () => 0, every: everySeconds },
    )
    return 'open'
  } catch (error) {
    if (error instanceof ConfigRefused) return 'refused'
    throw error
  }
}

if (process.argv[2] === 'race') {
  const tell = (told: Told): unknown => process.send?.(told)
  process.on('message', (order: Order) => {
    obey(order).then(tell, (error: unknown) => {
      throw error
    })
  })
  tell('ready')
}
