/** A database that survives its primary, whoever looks after it: what the failover tests need of one. */

import type { Chance } from '../processes/seeded.ts'

export interface Database {
  /** What the nodes of Pawl are started with; good for the whole test. */
  readonly url: string
  /** As superuser, past everything that stands between the nodes and the primary of the moment. */
  readonly primaryUrl: () => string
  /** Kills the primary and has another one in its place; resolves when that one has a synchronous standby again. */
  readonly failOver: (chance: Chance) => Promise<Takeover>
}

/** What happened, with milliseconds counted from the kill. */
export interface Takeover {
  readonly killed: string
  /** Until there was another primary. */
  readonly primaryMs: number
  /** Until a synchronous standby followed it, so that writes could be acknowledged again. */
  readonly standbyMs: number
}

/** The account the nodes use: it owns its database and is no superuser. */
export const nodeAccount = 'pawl_node'
export const nodeDatabase = 'pawl'
