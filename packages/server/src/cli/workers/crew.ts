/**
 * The other threads of a server. The first thread serves at once; these join it, and one that dies is replaced: soon, but
 * ever less soon while its successors die as well. What a dead thread held is let go of, so that nobody waits for it.
 */

import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { CarriedConfig } from '../../config/carried-config.ts'
import type { PasswordHasher } from '../../domain/user/password.ts'
import type { Lines, Logger } from '../../http/access-log.ts'
import { type Common, leaveCommon } from '../../pawl.ts'
import { hashFor } from './borrowed-hasher.ts'
import { linesMemory, takeLine } from './lent-lines.ts'
import type { FromWorker, Orders, ToWorker } from './messages.ts'

/** Before a dead worker is replaced; doubled for every further death without a steady life between. */
export const firstPauseMs = 100
export const replacementPauseMsMax = 30_000
/** Who lived as long as this was well, and what killed it is no trouble at start. */
export const steadyMs = 60_000
/** Deaths in a row after which the server says that it is not ready. */
export const deathsForgivenMax = 2

/** How long a stopping server waits for a worker that is still starting. */
export const startingMsMax = 2_000

export interface CrewParts {
  readonly config: CarriedConfig
  readonly common: Common
  readonly passwords: PasswordHasher
  readonly logger: Logger
  readonly lines: Lines
  readonly nowMs: () => number
  /** What a worker runs; by default ours. */
  readonly program?: string
}

export interface Crew {
  /** Resolves when every worker that is up says that its store answers; rejects where one does not, or keeps dying. */
  readonly check: () => Promise<void>
  /** Every worker answers what it has in flight and ends. */
  readonly stop: () => Promise<void>
}

/** Starts all threads of `common` but the first, which is the caller's. */
export function startCrew(parts: CrewParts): Crew {
  const others = Array.from({ length: parts.common.threads - 1 }, (_, index) => startPost(parts, index + 1))
  return {
    check: async () => {
      await Promise.all(others.map(post => post.check()))
    },
    stop: async () => {
      await Promise.all(others.map(post => post.stop()))
    },
  }
}

/** The place of one worker, and of whoever replaces it. */
interface Post extends Crew {}

function startPost(parts: CrewParts, thread: number): Post {
  const { logger, common, nowMs } = parts
  let deaths = 0
  let pausing: NodeJS.Timeout | null = null
  let isStopping = false
  let hand = hire()

  function hire(): Hand {
    pausing = null
    const hiredAtMs = nowMs()
    return hireHand(parts, thread, () => {
      leaveCommon(common, thread)
      if (isStopping) return
      deaths = nowMs() - hiredAtMs >= steadyMs ? 1 : deaths + 1
      const pauseMs = Math.min(firstPauseMs * 2 ** (deaths - 1), replacementPauseMsMax)
      logger.error({ thread, deaths, pauseMs }, 'a worker is gone; another will take its place')
      pausing = setTimeout(() => {
        hand = hire()
      }, pauseMs)
    })
  }

  return {
    check: async () => {
      if (deaths > deathsForgivenMax && !hand.isUp()) throw new Error(`worker ${thread} keeps dying`)
      if (hand.isUp() && !(await hand.check())) throw new Error(`worker ${thread} has no store`)
    },
    stop: async () => {
      isStopping = true
      if (pausing !== null) clearTimeout(pausing)
      await hand.stop()
    },
  }
}

interface Hand {
  /** It answers requests. */
  readonly isUp: () => boolean
  readonly check: () => Promise<boolean>
  readonly stop: () => Promise<void>
}

/** One worker from its start to its end. */
function hireHand(parts: CrewParts, thread: number, onGone: () => void): Hand {
  const { config, common, passwords, logger, lines, program = ours } = parts
  const linesUnderWay = linesMemory()
  const orders: Orders = { config, common, thread, dummyPhc: passwords.dummyPhc, linesUnderWay }
  const worker = new Worker(program, { workerData: orders, name: `pawl ${thread}`, env: environmentOfWorkers() })
  const { promise: gone, resolve: go } = Promise.withResolvers<void>()
  let state: 'starting' | 'up' | 'gone' = 'starting'

  const send = (message: ToWorker): void => worker.postMessage(message)
  const report = (error: unknown): void => logger.error({ err: error, thread }, 'a worker failed')
  const health = oneAtATime(() => send({ kind: 'check' }))
  worker.on('error', report)
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'log') return takeLine(linesUnderWay, message.line, lines)
    if (message.kind === 'checked') return health.answer(message.isWell)
    if (message.kind === 'asked') return lend(message, { passwords, send, report })
    state = 'up'
    logger.info({ thread }, 'a worker joined')
  })
  worker.once('exit', () => {
    state = 'gone'
    health.answer(false)
    onGone()
    go()
  })
  return {
    isUp: () => state === 'up',
    check: health.ask,
    stop: async () => {
      send({ kind: 'stop' })
      // Who is not up by then has nothing in flight, and may be waiting for a store that does not come.
      const late = setTimeout(() => {
        if (state === 'starting') worker.terminate().catch(report)
      }, startingMsMax)
      await gone
      clearTimeout(late)
    },
  }
}

/**
 * A thread has no part in what this one has compiled and kept unless it is told where: it would take twice the time to
 * join, and half as much memory again.
 */
function environmentOfWorkers(): NodeJS.ProcessEnv {
  const kept = getCompileCacheDir()
  return kept === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(kept) }
}

interface Lending {
  readonly passwords: PasswordHasher
  readonly send: (message: ToWorker) => void
  readonly report: (error: unknown) => void
}

function lend({ id, question }: Extract<FromWorker, { kind: 'asked' }>, { passwords, send, report }: Lending): void {
  hashFor(passwords, question, report).then(reply => send({ kind: 'replied', id, reply }), report)
}

/** However many want to know, it is asked once, and all get that answer. */
function oneAtATime(post: () => void): {
  readonly ask: () => Promise<boolean>
  readonly answer: (isWell: boolean) => void
} {
  let asked: PromiseWithResolvers<boolean> | null = null
  return {
    ask: () => {
      if (asked === null) post()
      asked ??= Promise.withResolvers()
      return asked.promise
    },
    answer: isWell => {
      asked?.resolve(isWell)
      asked = null
    },
  }
}

/** The TypeScript itself in a checkout, what was made of it in a published package: like this file. */
const ours = fileURLToPath(import.meta.url).replace(/crew(\.[jt]s)$/, 'worker-thread$1')
