/** What the bench tells the load generator to do, and what comes back. Plain data: it crosses a process boundary. */

export interface LapOrder {
  readonly port: number
  readonly serverPid: number
  /** The database server's, where the store is one; else null. */
  readonly databasePid: number | null
  readonly authorization: string | null
  readonly exchange: Exchange
  /** What is presented: the newest token of every family, or codes. Connection c owns numbers c, c + connections, … */
  readonly tokens: readonly string[]
  readonly connections: number
  readonly length: LapLength
  /**
   * Requests a second, sent when they are due whether or not others were answered, each timed from when it was due; null
   * for a closed loop, in which every connection sends its next request when the last one was answered.
   */
  readonly pace: number | null
}

/** One kind of request and what its answer must be. */
export interface Exchange {
  readonly kind: ExchangeKind
  readonly path: string
  /** Form parameters beside the token, encoded and with a leading `&`, or empty. */
  readonly parameters: string
  /** The URL that proofs are made for, or null where none are. */
  readonly proofUrl: string | null
}

/** `refresh-dpop`: each connection with a key of its own, and each request with a proof. */
export const exchangeKinds = ['refresh', 'refresh-dpop', 'redeem', 'introspect', 'revoke'] as const
export type ExchangeKind = (typeof exchangeKinds)[number]

export type LapLength =
  | { readonly kind: 'seconds'; readonly warmUpSeconds: number; readonly seconds: number }
  /** From the first answer on. Several connections may go over by less than one each. */
  | { readonly kind: 'rotations'; readonly rotations: number }

export interface LapResult {
  /** Answered in the measured part of the lap. */
  readonly rotations: number
  /** Answered at all, warm-up included: what the server's disk has to show for. */
  readonly rotationsInAll: number
  readonly elapsedSeconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Processor time of the server's processes in the measured part; null where the system does not tell. */
  readonly serverCpuSeconds: number | null
  readonly serverResidentBytes: number | null
  /** Processor time of the database server; null where there is none. */
  readonly databaseCpuSeconds: number | null
  /** Processor time of the load generator itself: what it took from the same cores. */
  readonly loadCpuSeconds: number
  /** The newest refresh tokens, in the order they came in; without those that were used up. */
  readonly tokens: readonly string[]
}

export type LapReply =
  | { readonly kind: 'done'; readonly result: LapResult }
  | { readonly kind: 'failed'; readonly reason: string }
