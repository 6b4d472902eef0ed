/**
 * Requests at an even pace, whatever the server does, as many clients who know nothing of each other send them. A request
 * that finds all connections busy waits, and its wait counts: times run from when a request was due. The clock of the
 * generator ticks every millisecond, so up to one of them is its own.
 */

import { type Connection, openConnection } from './connection.ts'
import { formOf } from './exchange.ts'
import type { Ride } from './ride.ts'

const tickMs = 1
/** Seconds of requests that may wait before the lap fails: the server cannot keep the pace at all. */
const backlogSecondsMax = 5

/** Resolves when the ride is over and everything sent was answered; rejects at the first wrong answer. */
export async function rideOpenLoop(ride: Ride, tokens: string[], pace: number): Promise<void> {
  const { body, next } = formOf(ride.order.exchange)
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const opened = Array.from({ length: ride.order.connections }, () => openConnection(ride.order, reject))
  const connections = await Promise.all(opened)
  const free: Connection[] = [...connections]
  const idle = tokens.map((_token, at) => at)
  const due: number[] = []
  const startedAtMs = performance.now()
  let sent = 0
  const send = (): void => {
    while (due.length > 0 && free.length > 0 && idle.length > 0) {
      const [dueMs, connection, at] = [due.shift() ?? 0, free.pop() as Connection, idle.shift() ?? 0]
      const token = tokens[at] ?? ''
      connection.send(body(token), answer => {
        tokens[at] = next(answer, token) ?? ''
        ride.answered(dueMs, performance.now())
        idle.push(at)
        free.push(connection)
        send()
      })
    }
  }
  const ticking = setInterval(() => {
    if (!ride.goesOn()) {
      if (free.length === connections.length && due.length === 0) resolve(undefined)
      return send()
    }
    const dueByNow = ((performance.now() - startedAtMs) / 1000) * pace
    for (; sent < dueByNow; sent++) due.push(startedAtMs + (sent / pace) * 1000)
    if (due.length > pace * backlogSecondsMax) reject(new Error(`the server cannot keep a pace of ${pace} a second`))
    send()
  }, tickMs)
  await promise.finally(() => clearInterval(ticking))
  for (const connection of connections) connection.close()
}
