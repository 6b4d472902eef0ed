import type { LapOrder } from './lap.ts'

/** A lap being ridden. */
export interface Ride {
  readonly order: LapOrder
  /** Asked before each request: false ends the ride. */
  readonly goesOn: () => boolean
  /** Told of each answer, with the moment its request was sent or, at a pace, was due. */
  readonly answered: (fromMs: number, answeredAtMs: number) => void
}
