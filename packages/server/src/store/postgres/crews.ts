/**
 * What the crews of one store owe each other. They share a server, so a place there that one of them can spare goes to
 * another that has none, to the one that writes first; and what one of them finds out about the server holds for all.
 */

import { setTimeout } from 'node:timers/promises'
import { isFull } from './postgres-error.ts'

/** How often a place is asked for that was given up: the server process that had it takes a moment to be gone. */
export const placeAttemptsMax = 40
const placePauseMs = 25

/** A crew, as the others see it. */
export interface Member {
  readonly connections: () => number
  /** Closes what lies idle and is not to be used again. */
  readonly closeStale: () => void
  /** Ends a connection, an idle one at once, a busy one after its batch; resolves when it has ended. */
  readonly giveUpOne: () => Promise<void>
}

export interface Seat {
  /** Closes what is stale in every crew. */
  readonly closeStale: () => void
  /** False while another crew waits for a place that was given up for it. */
  readonly mayConnect: () => boolean
  readonly isClaiming: () => boolean
  /** Connects. A crew without any connection, where the server has no place for it, is given one of another crew's. */
  readonly connect: <T>(connect: () => Promise<T>) => Promise<T>
}

/** `first` takes the last place that another has; `second` leaves one. */
export type Rank = 'first' | 'second'

export interface Crews {
  readonly join: (rank: Rank, member: Member) => Seat
}

interface Place {
  readonly rank: Rank
  readonly member: Member
  isClaiming: boolean
}

export function createCrews(): Crews {
  const places: Place[] = []
  return {
    join: (rank, member) => {
      const place: Place = { rank, member, isClaiming: false }
      places.push(place)
      return seatOf(place, places)
    },
  }
}

function seatOf(place: Place, places: readonly Place[]): Seat {
  const { rank, member } = place
  const others = (): readonly Place[] => places.filter(other => other !== place)
  return {
    closeStale: () => {
      for (const one of places) one.member.closeStale()
    },
    mayConnect: () => (rank === 'first' && member.connections() === 0) || !others().some(other => other.isClaiming),
    isClaiming: () => place.isClaiming,
    connect: async connect => {
      try {
        return await connect()
      } catch (error) {
        if (!isFull(error) || member.connections() > 0 || place.isClaiming) throw error
        const spared = rank === 'first' ? 0 : 1
        const giver = others().find(other => other.member.connections() > spared)
        return claim(place, giver, connect)
      }
    },
  }
}

/** Without a giver, it may be that the places of what was closed a moment ago are not free yet. */
async function claim<T>(place: Place, giver: Place | undefined, connect: () => Promise<T>): Promise<T> {
  place.isClaiming = true
  try {
    await giver?.member.giveUpOne()
    return await connectSoon(connect)
  } finally {
    place.isClaiming = false
  }
}

async function connectSoon<T>(connect: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect()
    } catch (error) {
      if (!isFull(error) || attempt === placeAttemptsMax) throw error
    }
    await setTimeout(placePauseMs)
  }
}
