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
import { reset } from './reset.ts'

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
  const { carry, ...traffic } = trafficTo(targetPort)
  const door = doorAt(port, carry)
  await door.open()
  lifetime.after(() => {
    door.shut()
    traffic.resetAll()
  })
  return { port, origin: `http://127.0.0.1:${port}`, ...traffic, refuse: door.shut, accept: door.open }
}

interface Door {
  readonly open: () => Promise<void>
  readonly shut: () => void
}

/** A listening socket that comes and goes; what was called last is what it comes to. */
function doorAt(port: number, carry: (downstream: Socket) => void): Door {
  let server: Server | null = null
  let opening: Promise<void> | null = null
  let isWanted = false

  async function listen(): Promise<void> {
    const opened = createServer({ allowHalfOpen: true, noDelay: true }, carry).listen(port, '127.0.0.1')
    await once(opened, 'listening')
    opening = null
    if (isWanted) server = opened
    else opened.close()
  }

  return {
    open: async () => {
      isWanted = true
      if (server === null) await (opening ??= listen())
    },
    shut: () => {
      isWanted = false
      server?.close()
      server = null
    },
  }
}

type Traffic = Omit<FaultProxy, 'port' | 'origin' | 'refuse' | 'accept'> & {
  readonly carry: (downstream: Socket) => void
}

function trafficTo(targetPort: number): Traffic {
  const links = new Set<OpenLink>()
  const onIdle: (() => void)[] = []
  let next: Fault | null = null
  let standing = through
  let isHeld = false
  let accepted = 0

  function carry(downstream: Socket): void {
    accepted += 1
    const link = openLink(downstream, targetPort, closed)
    links.add(link)
    link.fault(next ?? standing)
    next = null
    if (isHeld) link.pause()
  }

  function closed(link: OpenLink): void {
    links.delete(link)
    if (links.size === 0) for (const tell of onIdle.splice(0)) tell()
  }

  function faultAll(fault: Fault): void {
    standing = fault
    for (const link of links) link.fault(fault)
  }

  function hold(isNowHeld: boolean): void {
    isHeld = isNowHeld
    for (const link of links) link[isHeld ? 'pause' : 'resume']()
  }

  return {
    carry,
    faultNext: fault => void (next = fault),
    faultNew: fault => void (standing = fault),
    faultAll,
    heal: () => {
      next = null
      for (const link of links) if (link.isSevered()) link.link.reset()
      faultAll(through)
    },
    resetAll: () => links.forEach(({ link }) => link.reset()),
    hold: () => hold(true),
    release: () => hold(false),
    accepted: () => accepted,
    connections: () => links.size,
    idle: () => new Promise(resolve => (links.size === 0 ? resolve() : onIdle.push(resolve))),
  }
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
    reset: () => sockets.forEach(reset),
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
