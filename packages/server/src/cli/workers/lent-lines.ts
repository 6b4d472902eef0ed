/**
 * Log lines of a worker, on their way to the main thread: written by several threads at once, they would tear each other.
 * While the main thread has no time for them they wait, and no more of them than so many characters; beyond, they are
 * dropped rather than kept in memory, as they are while stderr is slow.
 */

import { type Lines, logBytesWaitingMax } from '../../http/access-log.ts'
import type { FromWorker } from './messages.ts'

export function linesMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
}

/** In the worker. */
export function lentLines(memory: SharedArrayBuffer, tell: (message: FromWorker) => void): Lines {
  const waiting = new Int32Array(memory)
  return {
    write: line => {
      if (Atomics.load(waiting, 0) + line.length > logBytesWaitingMax) return
      Atomics.add(waiting, 0, line.length)
      tell({ kind: 'log', line })
    },
  }
}

/** In the main thread: what arrived makes room for more. */
export function takeLine(memory: SharedArrayBuffer, line: string, lines: Lines): void {
  Atomics.sub(new Int32Array(memory), 0, line.length)
  lines.write(line)
}
