/**
 * A network that fails on purpose: a TCP proxy on loopback that does to each connection what it is told, and nothing by
 * itself. It waits for bytes, never for time, but where a delay is asked for; so a test that has seen one of its faults
 * happen knows exactly what either side was told. The faults themselves are in `faults.ts`, `http-answers.ts` and
 * `postgres-faults.ts`.
 */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { stablePort } from '../processes/stable-port.ts'
import type { Lifetime } from '../stage/lifetime.ts'

export type Direction = 'toServer' | 'toClient'

/** One connection through the proxy, as a fault sees it. */
export interface Link {
  /** Sends bytes on. What a tap does not send on has vanished. */
  readonly forward: (direction: Direction, bytes: Uint8Array) => void
  /** Passes on that one side has no more to say. */
  readonly end: (direction: Direction) => void
  /** Ends both connections in order, after what was sent on. */
  readonly cut: () => void
  /** Ends both connections at once, with a RST. */
  readonly reset: () => void
  /** From now on nothing crosses, not even an end: each side waits for the other as if a cable were pulled out. */
  readonly sever: () => void
}

/** What becomes of the bytes of one connection. A direction without a function passes through. */
export interface Tap {
  readonly toServer?: (bytes: Buffer) => void
  readonly toClient?: (bytes: Buffer) => void
  readonly ended?: (direction: Direction) => void
}

/** Makes the tap of one connection, when that is opened or when the fault is chosen. */
export type Fault = (link: Link) => Tap

export interface FaultProxy {
  readonly port: number
  /** Where a client of HTTP finds the server behind the proxy. */
  readonly origin: string
  /** For the next connection alone. */
  readonly faultNext: (fault: Fault) => void
  /** For every connection that is opened from now on. */
  readonly faultNew: (fault: Fault) => void
  /** For every connection, open ones too, from the next byte on. */
  readonly faultAll: (fault: Fault) => void
  /** New connections pass through again, and open ones too; those that were severed end with a RST. */
  readonly heal: () => void
  /** Ends every open connection with a RST. */
  readonly resetAll: () => void
  /** Holds everything, and loses nothing, until `release`. New connections are accepted and held as well. */
  readonly hold: () => void
  readonly release: () => void
  /** New connections are refused, as by a port where nobody listens, until `accept`. */
  readonly refuse: () => void
  readonly accept: () => Promise<void>
  /** Connections that were ever accepted. */
  readonly accepted: () => number
  readonly connections: () => number
  /** Resolves when no connection is open. */
  readonly idle: () => Promise<void>
}

/** Everything passes through. */
export const through: Fault = () => ({})

/** A proxy in front of a port of this machine, open for a lifetime. */
export async function faultProxy(lifetime: Lifetime, targetPort: number): Promise<FaultProxy> {
  const port = await stablePort()
  const links = new Set<OpenLink>()
  const onIdle: (() => void)[] = []
  let next: Fault | null = null
  let standing = through
  let isHeld = false
  let accepted = 0

  const closed = (link: OpenLink): void => {
    links.delete(link)
    if (links.size === 0) for (const tell of onIdle.splice(0)) tell()
  }
  const accept = (downstream: Socket): void => {
    accepted += 1
    const link = openLink(downstream, targetPort, closed)
    links.add(link)
    link.fault(next ?? standing)
    next = null
    if (isHeld) link.pause()
  }
  const forAll = (fault: Fault): void => {
    standing = fault
    for (const link of links) link.fault(fault)
  }
  const resetAll = (): void => {
    for (const link of links) link.link.reset()
  }

  let server: Server | null = await listening(port, accept)
  lifetime.after(() => {
    server?.close()
    resetAll()
  })
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    faultNext: fault => {
      next = fault
    },
    faultNew: fault => {
      standing = fault
    },
    faultAll: forAll,
    heal: () => {
      next = null
      for (const link of links) if (link.isSevered()) link.link.reset()
      forAll(through)
    },
    resetAll,
    hold: () => {
      isHeld = true
      for (const link of links) link.pause()
    },
    release: () => {
      isHeld = false
      for (const link of links) link.resume()
    },
    refuse: () => {
      server?.close()
      server = null
    },
    accept: async () => {
      server ??= await listening(port, accept)
    },
    accepted: () => accepted,
    connections: () => links.size,
    idle: () => new Promise(resolve => (links.size === 0 ? resolve() : onIdle.push(resolve))),
  }
}

async function listening(port: number, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

interface OpenLink {
  readonly link: Link
  readonly fault: (fault: Fault) => void
  readonly pause: () => void
  readonly resume: () => void
  readonly isSevered: () => boolean
}

function openLink(downstream: Socket, targetPort: number, closed: (link: OpenLink) => void): OpenLink {
  const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const target = { toServer: upstream, toClient: downstream } as const
  const source = { toServer: downstream, toClient: upstream } as const
  const sockets = [downstream, upstream]
  let tap: Tap = {}
  let isSevered = false

  const link: Link = {
    forward: (direction, bytes) => {
      if (!isSevered && target[direction].writable) target[direction].write(bytes)
    },
    end: direction => {
      if (!isSevered) target[direction].end()
    },
    cut: () => sockets.forEach(socket => socket.destroySoon()),
    reset: () => sockets.forEach(socket => socket.resetAndDestroy()),
    sever: () => {
      isSevered = true
    },
  }
  const self: OpenLink = {
    link,
    fault: fault => {
      tap = fault(link)
    },
    pause: () => sockets.forEach(socket => socket.pause()),
    resume: () => sockets.forEach(socket => socket.resume()),
    isSevered: () => isSevered,
  }
  for (const direction of ['toServer', 'toClient'] as const) {
    const from = source[direction]
    from.on('data', (bytes: Buffer) => {
      if (!isSevered) (tap[direction] ?? (chunk => link.forward(direction, chunk)))(bytes)
    })
    from.on('end', () => (tap.ended ?? link.end)(direction))
    // A side that broke is the news the other one gets, as a RST, unless nothing crosses any more.
    from.on('error', () => (isSevered ? from.destroy() : link.reset()))
    from.on('close', () => {
      if (sockets.every(socket => socket.destroyed)) closed(self)
    })
  }
  return self
}
