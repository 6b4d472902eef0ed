/**
 * One more thread of a server: an event loop, a port shared with the others and a store handle of its own. It is the
 * program of a worker, so it runs when it is loaded. What it cannot know alone it asks of the main thread.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { carriedConfig } from '../../config/carried-config.ts'
import { systemEntropy } from '../../domain/entropy.ts'
import { everySeconds, systemClock } from '../../domain/time.ts'
import { lineLogger } from '../../http/access-log.ts'
import { openPawl, type Pawl } from '../../pawl.ts'
import { listenOn, type PublicListener } from '../public-listener.ts'
import { type BorrowedHasher, borrowedHasher } from './borrowed-hasher.ts'
import { lentLines } from './lent-lines.ts'
import type { FromWorker, Orders, ToWorker } from './messages.ts'

interface Serving {
  readonly pawl: Pawl
  readonly listener: PublicListener
}

function tell(message: FromWorker): void {
  parentPort?.postMessage(message)
}

async function serve(orders: Orders, passwords: BorrowedHasher): Promise<Serving> {
  const config = carriedConfig(orders.config)
  const { common, thread, linesUnderWay } = orders
  const logger = lineLogger(config.logLevel, lentLines(linesUnderWay, tell), { thread })
  const world = { clock: systemClock, entropy: systemEntropy(), logger, seat: { common, thread, passwords } }
  const pawl = await openPawl(config, world)
  const sharing = { threads: common.threads, isFirst: false }
  const where = { ...config, port: orders.config.port }
  const listener = await listenOn(where, pawl, { logger, sharing, nowMs: systemClock.nowMs, every: everySeconds })
  tell({ kind: 'up' })
  return { pawl, listener }
}

async function stop({ pawl, listener }: Serving): Promise<void> {
  pawl.answerWaiting()
  await listener.close()
  await pawl.close()
  parentPort?.close()
}

async function check({ pawl }: Serving): Promise<void> {
  const isWell = await pawl.store.check().then(
    () => true,
    () => false,
  )
  tell({ kind: 'checked', isWell })
}

const orders = workerData as Orders
const { dummyPhc, common } = orders
const passwords = borrowedHasher({ dummyPhc, hashesFull: common.hashesFull, tell })
const serving = serve(orders, passwords)
async function obey(message: ToWorker): Promise<void> {
  if (message.kind === 'replied') return passwords.onReply(message)
  const server = await serving
  await (message.kind === 'stop' ? stop(server) : check(server))
}

/** What nobody foresaw ends this thread: the main thread says what it was and puts another in its place. */
function fall(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

parentPort?.on('message', (message: ToWorker) => {
  obey(message).catch(fall)
})
await serving
