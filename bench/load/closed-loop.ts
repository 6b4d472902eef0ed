/** One connection in a closed loop: it presents one of its tokens, waits for the answer, checks it and goes on. */

import { openConnection } from './connection.ts'
import { formOf } from './exchange.ts'
import type { Ride } from './ride.ts'

/** Resolves once the last request was answered, or all tokens were used up; rejects at the first wrong answer. */
export function rideClosedLoop(ride: Ride, tokens: (string | null)[]): Promise<void> {
  const { body, next } = formOf(ride.order.exchange)
  return new Promise((resolve, reject) => {
    const drive = async (): Promise<void> => {
      const connection = await openConnection(ride.order, reject)
      let at = 0
      const send = (): void => {
        const token = tokens[at]
        if (token === undefined || token === null || !ride.goesOn()) {
          connection.close()
          return resolve()
        }
        const sentAtMs = performance.now()
        connection.send(body(token), answer => {
          tokens[at] = next(answer, token)
          ride.answered(sentAtMs, performance.now())
          at = (at + 1) % tokens.length
          send()
        })
      }
      send()
    }
    drive().catch(reject)
  })
}
