/** How many may read the feed at a time: each of them holds a connection for as long as it waits. */

import type { ClientId } from '@pawl/family'

/** Of all clients together, on one node; divided among its threads. */
export const feedReadersMax = 4_000
/** Of one client, which may be an API in many processes; divided in the same way. */
export const feedReadersPerClientMax = 1_000

export interface ReaderSeats {
  /** What gives the seat back; or why there is none. */
  readonly take: (clientId: ClientId) => (() => void) | 'too many of this client' | 'too many'
}

export function readerSeats(threads: number): ReaderSeats {
  const taken = new Map<ClientId, number>()
  let all = 0

  return {
    take: clientId => {
      const own = taken.get(clientId) ?? 0
      if (own >= feedReadersPerClientMax / threads) return 'too many of this client'
      if (all >= feedReadersMax / threads) return 'too many'
      all += 1
      taken.set(clientId, own + 1)
      return () => {
        all -= 1
        const left = (taken.get(clientId) ?? 1) - 1
        if (left === 0) taken.delete(clientId)
        else taken.set(clientId, left)
      }
    },
  }
}
