/** What the bench tells the load generator to do, and what comes back. Plain data: it crosses a process boundary. */

export interface LapOrder {
  readonly port: number
  readonly serverPid: number
  readonly authorization: string | null
  /** The newest refresh token of every family that takes part. Connection c owns families c, c + connections, … */
  readonly tokens: readonly string[]
  readonly connections: number
  readonly length: LapLength
}

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
  /** Processor time of the server's process in the measured part; null where the system does not tell. */
  readonly serverCpuSeconds: number | null
  readonly serverResidentBytes: number | null
  /** Processor time of the load generator itself: what it took from the same cores. */
  readonly loadCpuSeconds: number
  /** The newest refresh tokens, in the order they came in. */
  readonly tokens: readonly string[]
}

export type LapReply =
  | { readonly kind: 'done'; readonly result: LapResult }
  | { readonly kind: 'failed'; readonly reason: string }
