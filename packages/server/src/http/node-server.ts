/** A server of Node's, with our limits: for plain HTTP, or for HTTP in TLS. It does not listen yet. */

import { createServer, type Server as PlainHttpServer } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { ListenerLimits } from './limits.ts'

export type Server = PlainHttpServer | TlsServer

export interface Tls {
  /** PEM: the certificate, and those between it and its root. */
  readonly certificate: string
  readonly key: string
  /** True where clients are asked for certificates. None is demanded: who shows none is told so by the endpoints. */
  readonly asksClients: boolean
}

/** Throws a `RangeError` with a sentence for the operator where certificate and key make no server. */
export function newServer(limits: ListenerLimits, tls: Tls | null): Server {
  const server = tls === null ? createServer(httpOptions(limits)) : newTlsServer(limits, tls)
  server.timeout = limits.silentMsMax
  // One more than we accept, so that too many are seen and refused: Node 24 would drop the rest without a word.
  server.maxHeadersCount = limits.headersMax + 1
  return server
}

/** The event with which a connection begins that requests can come on. */
export function connectionEvent(tls: Tls | null): 'connection' | 'secureConnection' {
  return tls === null ? 'connection' : 'secureConnection'
}

function newTlsServer(limits: ListenerLimits, { certificate, key, asksClients }: Tls): TlsServer {
  try {
    const server = createTlsServer({
      ...httpOptions(limits),
      cert: certificate,
      key,
      requestCert: asksClients,
      // The handshake proves that the client holds the key. Whose it is, the endpoints judge: some clients are known by
      // certificates that nobody vouches for (RFC 8705 §2.2).
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.headersMsMax,
    })
    // Connections that are still shaking hands are not counted by us.
    server.maxConnections = limits.connectionsMax
    return server
  } catch (cause) {
    throw new RangeError('the TLS certificate and its key cannot be used together', { cause })
  }
}

function httpOptions(limits: ListenerLimits) {
  return {
    headersTimeout: limits.headersMsMax,
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: limits.keepAliveMsMax,
    connectionsCheckingInterval: limits.timesCheckedEveryMs,
    maxHeaderSize: limits.headerBytesMax,
    requireHostHeader: true,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    noDelay: true,
  }
}
