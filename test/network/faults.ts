/** What a network does to a connection whatever is said on it. Each of these is a fault for a `FaultProxy`. */

import { type Direction, type Fault, type FaultProxy, type Link, through } from './fault-proxy.ts'

/** Ends both connections after exactly so many bytes of one direction; more than there are end nothing. */
export function cutAfter(direction: Direction, bytes: number): Fault {
  return after(direction, bytes, link => link.cut())
}

/** The same with a RST. */
export function resetAfter(direction: Direction, bytes: number): Fault {
  return after(direction, bytes, link => link.reset())
}

/** A connection that is half open: after so many bytes nothing crosses any more, and neither side is told. */
export function severAfter(direction: Direction, bytes: number): Fault {
  return after(direction, bytes, link => link.sever())
}

/** Connections are accepted, and not a byte is passed on. */
export const blackHole: Fault = link => {
  link.sever()
  return {}
}

/** The bytes of one direction vanish, and the others pass. */
export function swallowed(direction: Direction): Fault {
  return () => ({ [direction]: () => {} })
}

/** Every byte of one direction arrives so much later. */
export function delayed(direction: Direction, delayMs: number): Fault {
  return link => ({
    [direction]: (bytes: Buffer) => void setTimeout(() => link.forward(direction, bytes), delayMs),
    ended: which => void setTimeout(() => link.end(which), which === direction ? delayMs : 0),
  })
}

/**
 * Counts the bytes of one direction over all connections, open ones too, and ends the one on which so many have passed;
 * that once, and nothing else. Answers whether it has happened.
 */
export function cutOnceAfter(proxy: FaultProxy, direction: Direction, bytes: number): () => boolean {
  let left = bytes
  let isDone = false
  proxy.faultAll(link => ({
    [direction]: (chunk: Buffer) => {
      if (isDone) return link.forward(direction, chunk)
      link.forward(direction, chunk.subarray(0, left))
      left -= Math.min(left, chunk.length)
      if (left > 0) return
      isDone = true
      proxy.faultNew(through)
      link.cut()
    },
  }))
  return () => isDone
}

function after(direction: Direction, bytes: number, end: (link: Link) => void): Fault {
  return link => {
    let left = bytes
    return {
      [direction]: (chunk: Buffer) => {
        link.forward(direction, chunk.subarray(0, left))
        left -= Math.min(left, chunk.length)
        if (left === 0) end(link)
      },
    }
  }
}
