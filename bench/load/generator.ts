/** The load generator: a process of its own that rides one lap at a time, as the bench orders over the IPC channel. */

import { setTimeout as after } from 'node:timers/promises'
import { readUsage, type Usage } from '../measure/process-usage.ts'
import { percentile } from '../measure/statistics.ts'
import { runConnection } from './connection.ts'
import type { LapOrder, LapReply, LapResult } from './lap.ts'

/** How long after the end of a lap the last answers may still come. */
const drainWithinMs = 10_000
/** How long a lap that is counted in rotations may take. */
const lapWithinMs = 300_000

interface Ride {
  readonly fromMs: number
  readonly untilMs: number
  readonly serverBefore: Usage | null
  readonly serverAfter: Usage | null
  readonly load: NodeJS.CpuUsage
}

async function rideLap(order: LapOrder): Promise<LapResult> {
  const { length } = order
  const latenciesMs: number[] = []
  let rotationsInAll = 0
  let fromMs = Number.POSITIVE_INFINITY
  let isOver = false
  const answered = (sentAtMs: number, answeredAtMs: number): void => {
    rotationsInAll++
    if (answeredAtMs >= fromMs && !isOver) latenciesMs.push(answeredAtMs - sentAtMs)
  }
  const goesOn = (): boolean => !isOver && (length.kind === 'seconds' || rotationsInAll < length.rotations)
  const owned = dealOut(order.tokens, order.connections)
  // A lap by the clock ends when it is told to; the first wrong answer rejects and ends any lap at once.
  const riding = Promise.all(owned.map(tokens => runConnection({ ...order, tokens, goesOn, answered })))
  if (length.kind === 'seconds') await Promise.race([riding, after(length.warmUpSeconds * 1000)])
  const serverBefore = readUsage(order.serverPid)
  const loadBefore = process.cpuUsage()
  fromMs = performance.now()
  await Promise.race([riding, length.kind === 'seconds' ? after(length.seconds * 1000) : overdue(lapWithinMs)])
  isOver = true
  const untilMs = performance.now()
  const load = process.cpuUsage(loadBefore)
  const ride = { fromMs, untilMs, serverBefore, serverAfter: readUsage(order.serverPid), load }
  await Promise.race([riding, overdue(drainWithinMs)])
  return { ...summary(ride, latenciesMs), rotationsInAll, tokens: gatherIn(owned, order.tokens.length) }
}

function summary(ride: Ride, latenciesMs: number[]): Omit<LapResult, 'rotationsInAll' | 'tokens'> {
  latenciesMs.sort((a, b) => a - b)
  const { serverBefore, serverAfter, load } = ride
  return {
    rotations: latenciesMs.length,
    elapsedSeconds: (ride.untilMs - ride.fromMs) / 1000,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: percentile(latenciesMs, 1),
    serverCpuSeconds:
      serverBefore === null || serverAfter === null ? null : serverAfter.cpuSeconds - serverBefore.cpuSeconds,
    serverResidentBytes: serverAfter === null ? null : serverAfter.residentBytes,
    loadCpuSeconds: (load.user + load.system) / 1e6,
  }
}

async function overdue(withinMs: number): Promise<never> {
  await after(withinMs, undefined, { ref: false })
  throw new Error(`the lap had no end: a request was not answered within ${withinMs} ms`)
}

/** Deals the families out to the connections like cards, so that every connection has its share of the whole table. */
function dealOut(tokens: readonly string[], connections: number): string[][] {
  if (tokens.length < connections)
    throw new Error(`${connections} connections need as many families, not ${tokens.length}`)
  return Array.from({ length: connections }, (_, connection) =>
    tokens.filter((_token, at) => at % connections === connection),
  )
}

function gatherIn(owned: readonly (readonly string[])[], count: number): string[] {
  return Array.from({ length: count }, (_, at) => owned[at % owned.length]?.[Math.floor(at / owned.length)] ?? '')
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
