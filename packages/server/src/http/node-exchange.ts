/**
 * One request on a `node:http` connection, in and out. What the parser lets through and two readers could read two ways
 * is refused here with 400 (RFC 9112 §3.2, §11.2); a body past its limit is refused with 413 and never read on.
 */

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { PresentedCertificate } from '../domain/certificate/presented-certificate.ts'
import type { CertificateReader } from './client-certificates.ts'
import { bodyBytesMax, bodyless, type HttpRequest, type HttpResponse } from './exchange.ts'
import { clientAddress, isTrustedProxy, type TrustedProxies } from './forwarded.ts'
import type { ListenerLimits } from './limits.ts'
import { jsonResponse } from './oauth-failure.ts'
import type { RefuseUnread, UnreadStatus } from './unread-request.ts'

export interface Connection {
  /** Requests not answered yet. */
  unanswered: number
  /** The last of them is still arriving. */
  isReading: boolean
}

export interface ExchangeParts {
  readonly handle: (request: HttpRequest) => Promise<HttpResponse>
  readonly refuse: RefuseUnread
  readonly limits: ListenerLimits
  readonly trusted: TrustedProxies
  /** Null where nobody shows certificates here. */
  readonly certificates: CertificateReader | null
  readonly connections: ReadonlyMap<Socket, Connection>
  readonly isClosing: () => boolean
  /** Told of what should never happen: an answer that could not be made or written. */
  readonly onBroken: (error: unknown) => void
}

/** The listener for the `request` event. It never throws, and answers each request once. */
export function nodeExchange(parts: ExchangeParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { connections, limits } = parts
  return (incoming, outgoing) => {
    const { socket } = incoming
    const connection = connections.get(socket)
    // Gone from the map means the connection is closed: there is nobody to answer.
    if (connection === undefined || connection.unanswered >= limits.pipelinedMax) return abandon(socket)
    connection.unanswered += 1
    // Node 26 refuses more headers than its limit with 431; older ones drop the surplus and let the rest through.
    if (incoming.rawHeaders.length > 2 * limits.headersMax) {
      return refuse(incoming, outgoing, refusalOf(parts, incoming, 431, 'too many headers'))
    }
    const doubt = doubtAbout(incoming) ?? doubtAboutCertificate(incoming, parts)
    if (doubt !== null) return refuse(incoming, outgoing, refusalOf(parts, incoming, 400, doubt))
    connection.isReading = true
    readBody(incoming, {
      read: body => {
        connection.isReading = false
        answer(incoming, outgoing, body, parts).catch(error => {
          parts.onBroken(error)
          socket.destroy()
        })
      },
      tooLarge: () => {
        connection.isReading = false
        refuseRest(incoming, outgoing, { refusal: refusalOf(parts, incoming, 413, 'the body is too long'), limits })
      },
    })
  }
}

/** The listener for `checkExpectation`: the one thing a request may expect is to be told to continue (RFC 9110 §10.1.1). */
export function refuseExpectation(parts: ExchangeParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) =>
    refuse(incoming, outgoing, refusalOf(parts, incoming, 417, 'it expects what nobody here does'))
}

/** The listener for `clientError`: what the parser could not read, or would not wait for any longer. */
export function refuseUnreadable(parts: ExchangeParts): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    const connection = parts.connections.get(socket)
    const expected = connection?.isReading === true ? 1 : 0
    // While earlier requests wait for theirs, this answer would be taken for one of them.
    const wouldMislead = connection === undefined || connection.unanswered > expected
    if (wouldMislead || !socket.writable || error.code === 'ECONNRESET') return abandon(socket)
    const status = statusOf(error)
    const address = socket.remoteAddress ?? ''
    const detail = `the request could not be read: ${error.code ?? error.message}`
    socket.end(asText(parts.refuse({ status, detail, method: '', path: '', address })), () => socket.destroy())
  }
}

function statusOf(error: NodeJS.ErrnoException): UnreadStatus {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  if (error.code === 'HPE_HEADER_OVERFLOW') return 431
  return error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? 413 : 400
}

function refusalOf(
  parts: ExchangeParts,
  incoming: IncomingMessage,
  status: UnreadStatus,
  detail: string,
): HttpResponse {
  const { method, path, address } = requestOf(incoming, bodyless, parts)
  return parts.refuse({ status, detail, method, path, address })
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  body: Uint8Array,
  parts: ExchangeParts,
): Promise<void> {
  const response = await parts.handle(requestOf(incoming, body, parts))
  const { socket } = incoming
  const connection = parts.connections.get(socket)
  if (connection === undefined) return
  connection.unanswered -= 1
  write(incoming, outgoing, { response, parts })
}

type Reading = Pick<ExchangeParts, 'trusted' | 'certificates'>

function requestOf(incoming: IncomingMessage, body: Uint8Array, { trusted, certificates }: Reading): HttpRequest {
  const target = incoming.url ?? ''
  const mark = target.indexOf('?')
  // Only `set-cookie` is ever an array, and no request has a use for it.
  const headers = incoming.headers as { readonly [name: string]: string | undefined }
  return {
    method: incoming.method ?? '',
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? '' : target.slice(mark + 1),
    headers,
    body,
    address: clientAddress(incoming.socket.remoteAddress ?? '', headers, trusted),
    certificate: certificates === null ? null : certificateOf(incoming, { trusted, certificates }),
  }
}

/**
 * Of a trusted proxy what it hands on, or nothing: a certificate on its own connection is the proxy's and no client's. What
 * anybody else writes into that header is nothing.
 */
function certificateOf(
  incoming: IncomingMessage,
  { trusted, certificates }: { readonly trusted: TrustedProxies; readonly certificates: CertificateReader },
): PresentedCertificate | null {
  const handedOn = certificateHeader(incoming, trusted, certificates)
  if (handedOn === null) return certificates.ofSocket(incoming.socket)
  return handedOn === '' ? null : certificates.ofHeader(handedOn)
}

/** Null where nobody hands certificates on; empty where the client showed none to who does. */
function certificateHeader(
  incoming: IncomingMessage,
  trusted: TrustedProxies,
  { header }: CertificateReader,
): string | null {
  if (header === null || !isTrustedProxy(incoming.socket.remoteAddress ?? '', trusted)) return null
  const text = incoming.headers[header]
  return typeof text === 'string' ? text : ''
}

/** A certificate nobody can read is not the same as none: the client would be taken for one that showed nothing. */
function doubtAboutCertificate(incoming: IncomingMessage, { trusted, certificates }: Reading): string | null {
  const handedOn = certificates === null ? null : certificateHeader(incoming, trusted, certificates)
  if (certificates === null || handedOn === null || handedOn === '') return null
  if (certificates.ofHeader(handedOn) !== null) return null
  return 'the client certificate in the header of the proxy cannot be read'
}

interface BodyReader {
  readonly read: (body: Uint8Array) => void
  readonly tooLarge: () => void
}

function readBody(incoming: IncomingMessage, reader: BodyReader): void {
  const declared = incoming.headers['content-length']
  if (declared === undefined && incoming.headers['transfer-encoding'] === undefined) return reader.read(bodyless)
  if (declared !== undefined && Number(declared) > bodyBytesMax) return reader.tooLarge()
  const chunks: Uint8Array[] = []
  let bytes = 0
  incoming.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > bodyBytesMax) {
      incoming.removeAllListeners('data').removeAllListeners('end')
      return reader.tooLarge()
    }
    chunks.push(chunk)
  })
  incoming.on('end', () => {
    const [only] = chunks
    reader.read(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes))
  })
}

function write(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { response, parts }: { readonly response: HttpResponse; readonly parts: ExchangeParts },
): void {
  const headers: string[] = []
  for (const name in response.headers) {
    const value = response.headers[name]
    if (typeof value === 'string') headers.push(name, value)
    else for (const one of value ?? []) headers.push(name, one)
  }
  // RFC 9110 §8.6: neither of the two has a length to tell.
  if (response.status !== 204 && response.status !== 304) {
    headers.push('Content-Length', String(Buffer.byteLength(response.body)))
  }
  if (parts.isClosing()) headers.push('Connection', 'close')
  try {
    outgoing.writeHead(response.status, headers)
  } catch (error) {
    // A header value Node will not send, such as a line break: nothing has been written yet.
    parts.onBroken(error)
    const id = response.headers['Pawl-Request-Id']
    const named = typeof id === 'string' ? { 'Pawl-Request-Id': id } : {}
    return refuse(incoming, outgoing, jsonResponse(500, { error: 'server_error' }, named))
  }
  outgoing.end(response.body)
}

/**
 * Header names that mean two things when sent twice. `Content-Length` is the parser's to judge; a `DPoP` sent twice is
 * joined by a comma, which no proof survives, and gets its own error (RFC 9449 §4.3).
 */
const singular: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type', 'idempotency-key', 'origin'])

/** What two readers could read two ways, or null. */
function doubtAbout(incoming: IncomingMessage): string | null {
  const { rawHeaders, headers } = incoming
  // The origin form only: an absolute form names a second host, and we are no proxy.
  if (incoming.url?.charCodeAt(0) !== 0x2f) return 'the target is no path'
  // The parser unwraps chunks and nothing else; a body in any other coding is not what it seems.
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'the transfer coding is not chunked'
  // As many names as lines: nothing was sent twice, and the slow look can be left out.
  let names = 0
  for (const _ in headers) names += 1
  const isRepeated = names * 2 !== rawHeaders.length && hasRepeatedSingular(rawHeaders)
  return isRepeated ? 'a header that has one meaning was sent twice' : null
}

function hasRepeatedSingular(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (singular.has(name) && seen.has(name)) return true
    seen.add(name)
  }
  return false
}

/** The connection ends with this answer: who sent the request does not agree with us on where the next one begins. */
function refuse(incoming: IncomingMessage, outgoing: ServerResponse, refusal: HttpResponse): void {
  outgoing.writeHead(refusal.status, closing(refusal))
  outgoing.end(incoming.method === 'HEAD' ? '' : refusal.body)
}

/**
 * Answers, reads nothing more, and closes a moment later. Closing with bytes unread resets the connection, and a reset
 * can overtake the answer; the moment lets a client that is still sending read it (RFC 9112 §9.6).
 */
function refuseRest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { refusal, limits }: { readonly refusal: HttpResponse; readonly limits: ListenerLimits },
): void {
  incoming.pause()
  outgoing.writeHead(refusal.status, closing(refusal))
  outgoing.write(refusal.body)
  const timer = setTimeout(() => incoming.socket.destroy(), limits.lingerMs)
  outgoing.once('close', () => clearTimeout(timer))
}

function closing(refusal: HttpResponse): { [name: string]: string } {
  const headers: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(refusal.headers)) headers[name] = String(value)
  return { ...headers, 'Content-Length': String(Buffer.byteLength(refusal.body)), Connection: 'close' }
}

/** An answer where there is no `ServerResponse`, because there was no request that could be read. */
function asText(refusal: HttpResponse): string {
  const lines = Object.entries(closing(refusal)).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${refusal.body}`
}

/** More requests ahead than any honest client sends, or nobody there to answer: what is left is the connection. */
function abandon(socket: Socket): void {
  socket.destroy()
}
