/**
 * Every limit of the listener that is not a rule of the protocol (I13). The body's is in `exchange.ts`, those of
 * parameters and cookies stand beside their parsers.
 */

import { readFileSync } from 'node:fs'

export interface ListenerLimits {
  /** From the first byte of a request to the end of its headers. */
  readonly headersMsMax: number
  /** From the first byte of a request to the end of its body. */
  readonly requestMsMax: number
  /** Between two requests on one connection. Longer than the idle time of common proxies, which must be first to close. */
  readonly keepAliveMsMax: number
  /** Without a byte in either direction: ends the client that never reads its answer. */
  readonly silentMsMax: number
  /** How often the two times above are looked at. */
  readonly timesCheckedEveryMs: number
  readonly headerBytesMax: number
  readonly headersMax: number
  /** Requests sent ahead on one connection without waiting for answers. */
  readonly pipelinedMax: number
  /** Open connections of all addresses together; at the limit, idle ones make room. */
  readonly connectionsMax: number
  /** How long the answer 413 stays readable on a connection that will be closed without reading on. */
  readonly lingerMs: number
  /** While closing, how long a connection that waits for nothing may still ask, once, before it is closed. */
  readonly lastAskMs: number
  /** How long `close` waits for the answers in flight. */
  readonly drainMsMax: number
}

/** Safe for the open internet; `connectionsMax` follows from what the process may open. */
export function listenerLimits(chosen: Partial<ListenerLimits> = {}): ListenerLimits {
  return {
    headersMsMax: 10_000,
    requestMsMax: 30_000,
    keepAliveMsMax: 65_000,
    silentMsMax: 90_000,
    timesCheckedEveryMs: 1_000,
    headerBytesMax: 32_768,
    headersMax: 100,
    pipelinedMax: 32,
    connectionsMax: connectionsMax(openFilesMax()),
    lingerMs: 500,
    lastAskMs: 250,
    drainMsMax: 10_000,
    ...chosen,
  }
}

/** What an idle connection costs in memory (about 12 kB) makes more than this unwise below 512 MB. */
const connectionsCap = 10_000
/** Kept free for the database, its journal, logs and outgoing calls. */
const filesReserved = 128
/** What POSIX guarantees in practice where the system cannot be asked. */
const openFilesAssumed = 1_024

export function connectionsMax(openFiles: number): number {
  return Math.max(16, Math.min(connectionsCap, openFiles - filesReserved))
}

/** The soft limit on open files of this process, which Node raised to the hard one at start. */
function openFilesMax(): number {
  if (process.platform !== 'linux') return openFilesAssumed
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  if (line === null) return openFilesAssumed
  return line[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(line[1])
}
