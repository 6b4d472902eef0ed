/** A server of Node's, with our limits: for plain HTTP, or for HTTP in TLS. It does not listen yet. */

import { createServer, type Server as PlainHttpServer } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { ListenerLimits } from './limits.ts'

export type Server = PlainHttpServer | TlsServer

/** What a server of TLS shows of itself, as PEM. */
export interface ServerCertificate {
  /** With those between it and its root. */
  readonly certificate: string
  readonly key: string
}

export interface Tls extends ServerCertificate {
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

/**
 * Shows another certificate from the next handshake on; connections that are open go on with theirs. Throws a
 * `RangeError` as `newServer` does, and then the server shows what it showed before.
 */
export function showCertificate(server: Server, shown: ServerCertificate): void {
  if (!(server instanceof TlsServer)) throw new TypeError('a server of plain HTTP shows no certificate')
  fitting(() => server.setSecureContext(contextOf(shown)))
}

function newTlsServer(limits: ListenerLimits, { asksClients, ...shown }: Tls): TlsServer {
  const server = fitting(() =>
    createTlsServer({
      ...httpOptions(limits),
      ...contextOf(shown),
      requestCert: asksClients,
      // The handshake proves that the client holds the key. Whose it is, the endpoints judge: some clients are known by
      // certificates that nobody vouches for (RFC 8705 §2.2).
      rejectUnauthorized: false,
      handshakeTimeout: limits.headersMsMax,
    }),
  )
  // Connections that are still shaking hands are not counted by us.
  server.maxConnections = limits.connectionsMax
  return server
}

/** Of TLS 1.2 what RFC 9325 §4.2 recommends and nothing else, as FAPI 2.0 §5.2.2 asks; every browser of today has these. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':')

function contextOf({ certificate, key }: ServerCertificate) {
  return { cert: certificate, key, ciphers, minVersion: 'TLSv1.2' } as const
}

function fitting<T>(make: () => T): T {
  try {
    return make()
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
