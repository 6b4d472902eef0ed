/** The load generator: a process of its own that rides one lap at a time, as the bench orders over the IPC channel. */

import { setTimeout as after } from 'node:timers/promises'
import { readUsage, type Usage } from '../measure/process-usage.ts'
import { percentile } from '../measure/statistics.ts'
import { rideClosedLoop } from './closed-loop.ts'
import type { LapOrder, LapReply, LapResult } from './lap.ts'
import { rideOpenLoop } from './open-loop.ts'
import type { Ride } from './ride.ts'

/** How long after the end of a lap the last answers may still come. */
const drainWithinMs = 30_000
/** How many times its seconds a lap may last at most. */
const turnsMax = 10
/** How long a lap that is counted in rotations may take. */
const lapWithinMs = 300_000

interface Usages {
  readonly server: Usage | null
  readonly database: Usage | null
}

interface Window {
  readonly fromMs: number
  readonly untilMs: number
  readonly before: Usages
  readonly after: Usages
  readonly load: NodeJS.CpuUsage
}

async function rideLap(order: LapOrder): Promise<LapResult> {
  const { length } = order
  const latenciesMs: number[] = []
  let rotationsInAll = 0
  let fromMs = Number.POSITIVE_INFINITY
  let isOver = false
  const ride: Ride = {
    order,
    goesOn: () => !isOver && (length.kind === 'seconds' || rotationsInAll < length.rotations),
    answered: (sentAtMs, answeredAtMs) => {
      rotationsInAll++
      if (answeredAtMs >= fromMs && !isOver) latenciesMs.push(answeredAtMs - sentAtMs)
    },
  }
  const before = usages(order)
  if (length.kind === 'rotations') fromMs = performance.now()
  // A lap by the clock ends when it is told to; the first wrong answer rejects and ends any lap at once.
  const { riding, tokens } = setOut(ride)
  if (length.kind === 'seconds') await Promise.race([riding, after(length.warmUpSeconds * 1000)])
  const from = length.kind === 'seconds' ? usages(order) : before
  const loadBefore = process.cpuUsage()
  if (length.kind === 'seconds') fromMs = performance.now()
  const isLongEnough = (): boolean => latenciesMs.length >= order.connections
  await Promise.race([riding, length.kind === 'seconds' ? turns(length.seconds, isLongEnough) : overdue(lapWithinMs)])
  isOver = true
  const untilMs = performance.now()
  const load = process.cpuUsage(loadBefore)
  const window = { fromMs, untilMs, before: from, after: usages(order), load }
  await Promise.race([riding, overdue(drainWithinMs)])
  return { ...summary(window, latenciesMs), rotationsInAll, tokens: tokens() }
}

interface Riding {
  readonly riding: Promise<unknown>
  /** What is left of the tokens, in the order they came in. */
  readonly tokens: () => string[]
}

function setOut(ride: Ride): Riding {
  const { order } = ride
  if (order.pace !== null) {
    const tokens = [...order.tokens]
    return { riding: rideOpenLoop(ride, tokens, order.pace), tokens: () => tokens }
  }
  const owned = dealOut(order.tokens, order.connections)
  return {
    riding: Promise.all(owned.map(tokens => rideClosedLoop(ride, tokens))),
    tokens: () => gatherIn(owned, order.tokens.length),
  }
}

function usages(order: LapOrder): Usages {
  return {
    server: readUsage(order.serverPid),
    database: order.databasePid === null ? null : readUsage(order.databasePid),
  }
}

function summary(window: Window, latenciesMs: number[]): Omit<LapResult, 'rotationsInAll' | 'tokens'> {
  latenciesMs.sort((a, b) => a - b)
  return {
    rotations: latenciesMs.length,
    elapsedSeconds: (window.untilMs - window.fromMs) / 1000,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: percentile(latenciesMs, 1),
    serverCpuSeconds: cpuSeconds(window.before.server, window.after.server),
    serverResidentBytes: window.after.server?.residentBytes ?? null,
    databaseCpuSeconds: cpuSeconds(window.before.database, window.after.database),
    loadCpuSeconds: (window.load.user + window.load.system) / 1e6,
  }
}

function cpuSeconds(before: Usage | null, later: Usage | null): number | null {
  return before === null || later === null ? null : later.cpuSeconds - before.cpuSeconds
}

/** A server that answers fewer requests than there are connections gets more of such times, until it has. */
async function turns(seconds: number, isLongEnough: () => boolean): Promise<void> {
  for (let turn = 1; turn <= turnsMax; turn++) {
    await after(seconds * 1000)
    if (isLongEnough()) return
  }
}

async function overdue(withinMs: number): Promise<never> {
  await after(withinMs, undefined, { ref: false })
  throw new Error(`the lap had no end: a request was not answered within ${withinMs} ms`)
}

/** Deals the tokens out to the connections like cards, so that every connection has its share of the whole table. */
function dealOut(tokens: readonly string[], connections: number): (string | null)[][] {
  if (tokens.length < connections)
    throw new Error(`${connections} connections need as many families, not ${tokens.length}`)
  const owned = Array.from({ length: connections }, (): (string | null)[] => [])
  for (const [at, token] of tokens.entries()) owned[at % connections]?.push(token)
  return owned
}

function gatherIn(owned: readonly (readonly (string | null)[])[], count: number): string[] {
  const all = Array.from(
    { length: count },
    (_, at) => owned[at % owned.length]?.[Math.floor(at / owned.length)] ?? null,
  )
  return all.filter(token => token !== null)
}

function reply(message: LapReply): void {
  process.send?.(message)
}

process.on('message', (order: LapOrder) => {
  rideLap(order).then(
    result => reply({ kind: 'done', result }),
    (error: unknown) => reply({ kind: 'failed', reason: String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
