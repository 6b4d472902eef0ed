/**
 * The server's sockets: opened on every address under one port, capped, timed, and closed without losing an answer. The
 * token endpoint is the hot path and has `node:http` alone below it (RFC 9112).
 */

import { createServer as createPlainServer, Server as PlainServer, type Socket } from 'node:net'
import type { Logger } from './access-log.ts'
import { type CertificateReader, certificateReader, type CertificateRules } from './client-certificates.ts'
import type { HttpRequest, HttpResponse } from './exchange.ts'
import { trustedProxies } from './forwarded.ts'
import { type ListenerLimits, listenerLimits } from './limits.ts'
import {
  type Connection,
  type ExchangeParts,
  nodeExchange,
  refuseExpectation,
  refuseUnreadable,
} from './node-exchange.ts'
import {
  connectionEvent,
  newServer,
  type Server,
  type ServerCertificate,
  showCertificate,
  type Tls,
} from './node-server.ts'
import { type RefuseUnread, refuseUnnamed } from './unread-request.ts'

export interface ListenerOptions {
  readonly handle: (request: HttpRequest) => Promise<HttpResponse>
  /** Answers what never becomes a request; by default without an id. */
  readonly refuse?: RefuseUnread
  /** Addresses to listen on; by default the two of loopback. */
  readonly host?: readonly string[]
  /** 0 takes a free one, the same for every address. */
  readonly port: number
  readonly limits?: Partial<ListenerLimits>
  /** Where threads of this process share the port; the system spreads connections over them. */
  readonly sharing?: PortSharing | undefined
  /** How many listeners of this process share what it may open; 1 by default. */
  readonly listeners?: number
  /** Addresses and CIDR ranges whose forwarded headers count. */
  readonly trustedProxies?: readonly string[]
  /** Where TLS ends here; without it, plain HTTP. */
  readonly tls?: Tls | null
  /** Where clients show certificates, in TLS here or to a trusted proxy. */
  readonly certificates?: CertificateRules | null
  readonly logger: Logger
}

export interface PortSharing {
  readonly threads: number
  /** The first proves that nobody else has the port; the others join it. */
  readonly isFirst: boolean
}

/** Systems where several sockets may listen on one port and the system spreads connections over them (SO_REUSEPORT). */
export const canSharePorts = ['linux', 'freebsd'].includes(process.platform)

export interface Listener {
  readonly port: number
  readonly hosts: readonly string[]
  readonly connections: () => number
  /** Throws a `RangeError` as `listen` does; what cannot be used leaves in place what it should have replaced. */
  readonly renew: (renewed: Renewed) => void
  /** Accepts nothing more; resolves when what was in flight is answered, or when `drainMsMax` is over. */
  readonly close: () => Promise<void>
}

/** What certificates become while a listener is open. */
export interface Renewed {
  /** Shown from the next handshake on. Null where TLS ends elsewhere. */
  readonly shown: ServerCertificate | null
  /** Who vouches for clients from the next request on, as PEM texts. */
  readonly authorities: readonly string[]
}

export const loopbackHosts: readonly string[] = ['127.0.0.1', '::1']
/** A port that is free on one address may be taken on another; another free one is tried this often. */
export const portAttemptsMax = 10
/** While closing, or at the limit, idle connections are looked for this often. */
const idleSweepMs = 50

/**
 * Resolves once every address accepts connections. Rejects with the system's error where one cannot be had, and with a
 * `RangeError` where what the operator set cannot be used.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const limits = limitsOf(options)
  const connections = new Map<Socket, Connection>()
  const servers: Server[] = []
  const certificates = options.certificates ? certificateReader(options.certificates) : null
  let isClosing = false
  const parts: ExchangeParts = {
    handle: options.handle,
    refuse: options.refuse ?? refuseUnnamed,
    limits,
    trusted: trustedProxies(options.trustedProxies ?? []),
    certificates,
    connections,
    isClosing: () => isClosing,
    onBroken: error => options.logger.error({ err: error }, 'an answer could not be written'),
  }
  const makeRoom = roomMaker(servers, connections)
  const admit = (socket: Socket): void => {
    connections.set(socket, { unanswered: 0, isReading: false })
    socket.once('close', () => connections.delete(socket))
    if (connections.size > limits.connectionsMax && !makeRoom()) socket.destroy()
  }
  const tls = options.tls ?? null
  const makeServer = (): Server =>
    newServer(limits, tls)
      .on('request', nodeExchange(parts))
      .on('checkExpectation', refuseExpectation(parts))
      .on('clientError', refuseUnreadable(parts))
      // Before Node's own listener, which would count the newcomer among the idle.
      .prependListener(connectionEvent(tls), admit)

  const bound = await bindAll(options, makeServer)
  for (const { server } of bound) {
    servers.push(server)
    server.on('error', (error: Error) => options.logger.error({ err: error }, 'a listening socket failed'))
  }
  let closed: Promise<void> | null = null
  return {
    port: bound[0]?.port ?? options.port,
    hosts: bound.map(one => one.host),
    connections: () => connections.size,
    renew: renewed => renew(servers, certificates, renewed),
    close: () => {
      isClosing = true
      closed ??= drain(servers, connections, limits)
      return closed
    },
  }
}

function renew(servers: readonly Server[], certificates: CertificateReader | null, renewed: Renewed): void {
  const { shown, authorities } = renewed
  certificates?.trust(authorities)
  if (shown !== null) for (const server of servers) showCertificate(server, shown)
}

/** A process may open so many files, however many threads and listeners it has. */
function limitsOf({ limits: chosen, sharing, listeners = 1 }: ListenerOptions): ListenerLimits {
  const limits = listenerLimits(chosen)
  const sharers = listeners * (sharing?.threads ?? 1)
  return { ...limits, connectionsMax: Math.max(1, Math.floor(limits.connectionsMax / sharers)) }
}

/**
 * At the limit, connections that wait for nothing close, and the newcomer stays; where all are busy it is turned away.
 * Looking costs time for every open connection, so a flood of newcomers may ask for it only now and then.
 */
function roomMaker(servers: readonly Server[], connections: ReadonlyMap<Socket, Connection>): () => boolean {
  let hasJustLooked = false
  return () => {
    if (hasJustLooked) return false
    hasJustLooked = true
    setTimeout(() => {
      hasJustLooked = false
    }, idleSweepMs).unref()
    for (const server of servers) server.closeIdleConnections()
    for (const socket of connections.keys()) if (socket.destroyed) return true
    return false
  }
}

interface Bound {
  readonly server: Server
  readonly host: string
  readonly port: number
}

async function bindAll(options: ListenerOptions, makeServer: () => Server): Promise<readonly Bound[]> {
  for (let attempt = 1; ; attempt += 1) {
    const bound: Bound[] = []
    try {
      for (const host of options.host ?? loopbackHosts) {
        const port = bound[0]?.port ?? options.port
        const one = await bindOne(makeServer(), { host, port }, options.sharing).catch(
          skipMissingLoopback(host, options),
        )
        if (one !== null) bound.push(one)
      }
      if (bound.length === 0) throw new Error('there is no address to listen on')
      return bound
    } catch (error) {
      await Promise.all(bound.map(({ server }) => closeServer(server)))
      const isTakenElsewhere = options.port === 0 && bound.length > 0 && codeOf(error) === 'EADDRINUSE'
      if (!isTakenElsewhere || attempt === portAttemptsMax) throw error
    }
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

async function bindOne(server: Server, address: Address, sharing: PortSharing | undefined): Promise<Bound> {
  if (sharing?.isFirst === true && address.port !== 0) await proveFree(address)
  const port = await bind(server, address, sharing !== undefined)
  return { server, host: address.host, port }
}

/** A port that is shared is not refused to another server of the same user, so it is asked for unshared first. */
async function proveFree(address: Address): Promise<void> {
  const probe = createPlainServer(socket => socket.destroy())
  await bind(probe, address, false)
  await closeServer(probe)
}

function bind(server: PlainServer, { host, port }: Address, reusePort: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: host.includes(':'), reusePort }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Machines without IPv6 have no `::1`. Nobody asked for it by name, so its absence is said and not fatal. */
function skipMissingLoopback(host: string, options: ListenerOptions): (error: unknown) => null {
  return error => {
    const isMissing = codeOf(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'EAFNOSUPPORT'
    if (options.host !== undefined || host !== '::1' || !isMissing) throw error
    options.logger.warn({ host }, 'this machine has no ::1; listening on 127.0.0.1 alone')
    return null
  }
}

/**
 * A request may be on its way on any connection, and would be lost with it. So each may ask once more, and is told with
 * the answer that the connection ends; one that says nothing for that long is closed.
 */
async function drain(
  servers: readonly Server[],
  connections: ReadonlyMap<Socket, Connection>,
  { lastAskMs, drainMsMax }: ListenerLimits,
): Promise<void> {
  const closed = Promise.all(servers.map(stopAccepting))
  const closeIdle = (): void => {
    // Browsers open connections ahead of need. One that never said a word has nothing to be answered.
    for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy()
    for (const server of servers) server.close()
  }
  const timers = [
    setTimeout(() => timers.push(setInterval(closeIdle, idleSweepMs)), Math.max(0, lastAskMs - idleSweepMs)),
    setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, drainMsMax),
  ]
  await closed
  timers.forEach(clearTimeout)
  closeIdle()
}

/** Closes the listening socket alone: a server of HTTP would close its idle connections with it. */
function stopAccepting(server: Server): Promise<void> {
  return new Promise(resolve => {
    PlainServer.prototype.close.call(server, () => resolve())
  })
}

/** Node closes idle connections with the server, and waits for the others. */
function closeServer(server: PlainServer): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
