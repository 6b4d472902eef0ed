/**
 * One request on a `node:http` connection, in and out. What the parser lets through and two readers could read two ways
 * is refused here with 400 (RFC 9112 §3.2, §11.2); a body past its limit is refused with 413 and never read on.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { bodyBytesMax, type HttpRequest, type HttpResponse } from './exchange.ts'
import { clientAddress, type TrustedProxies } from './forwarded.ts'
import type { ListenerLimits } from './limits.ts'
import { jsonResponse } from './oauth-failure.ts'

export interface ExchangeParts {
  readonly handle: (request: HttpRequest) => Promise<HttpResponse>
  readonly limits: ListenerLimits
  readonly trusted: TrustedProxies
  /** Requests not answered yet, by open connection. */
  readonly connections: Map<Socket, number>
  readonly isClosing: () => boolean
  /** Told of what should never happen: an answer that could not be made or written. */
  readonly onBroken: (error: unknown) => void
}

/** The listener for the `request` event. It never throws, and answers each request once. */
export function nodeExchange(parts: ExchangeParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { connections, limits } = parts
  return (incoming, outgoing) => {
    const { socket } = incoming
    const ahead = connections.get(socket) ?? 0
    if (ahead >= limits.pipelinedMax) return abandon(socket)
    connections.set(socket, ahead + 1)
    // Node 26 refuses more headers than its limit with 431; older ones drop the surplus and let the rest through.
    if (incoming.rawHeaders.length > 2 * limits.headersMax) return refuse(outgoing, 431, 'invalid_request')
    if (isDoubtful(incoming)) return refuse(outgoing, 400, 'invalid_request')
    readBody(incoming, {
      read: body => {
        answer(incoming, outgoing, body, parts).catch(error => {
          parts.onBroken(error)
          socket.destroy()
        })
      },
      tooLarge: () => refuseRest(incoming, outgoing, limits.lingerMs),
    })
  }
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  body: Uint8Array,
  parts: ExchangeParts,
): Promise<void> {
  const response = await parts.handle(requestOf(incoming, body, parts.trusted))
  const { socket } = incoming
  const ahead = parts.connections.get(socket)
  // Gone from the map means the connection is closed: there is nobody to answer.
  if (ahead === undefined) return
  parts.connections.set(socket, ahead - 1)
  write(outgoing, response, parts)
}

function requestOf(incoming: IncomingMessage, body: Uint8Array, trusted: TrustedProxies): HttpRequest {
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
  }
}

const noBody = new Uint8Array(0)

interface BodyReader {
  readonly read: (body: Uint8Array) => void
  readonly tooLarge: () => void
}

function readBody(incoming: IncomingMessage, reader: BodyReader): void {
  const declared = incoming.headers['content-length']
  if (declared === undefined && incoming.headers['transfer-encoding'] === undefined) return reader.read(noBody)
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

function write(outgoing: ServerResponse, response: HttpResponse, parts: ExchangeParts): void {
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
    return refuse(outgoing, 500, 'server_error')
  }
  outgoing.end(response.body)
}

/**
 * Header names that mean two things when sent twice. `Content-Length` is the parser's to judge; a `DPoP` sent twice is
 * joined by a comma, which no proof survives, and gets its own error (RFC 9449 §4.3).
 */
const singular: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type', 'idempotency-key', 'origin'])

function isDoubtful(incoming: IncomingMessage): boolean {
  const { rawHeaders, headers } = incoming
  // The origin form only: an absolute form names a second host, and we are no proxy.
  if (incoming.url?.charCodeAt(0) !== 0x2f) return true
  // The parser unwraps chunks and nothing else; a body in any other coding is not what it seems.
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return true
  // As many names as lines: nothing was sent twice, and the slow look can be left out.
  let names = 0
  for (const _ in headers) names += 1
  return names * 2 !== rawHeaders.length && hasRepeatedSingular(rawHeaders)
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
function refuse(outgoing: ServerResponse, status: number, error: string): void {
  const { headers, body } = jsonResponse(status, { error })
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
  outgoing.end(body)
}

/**
 * Answers 413, reads nothing more, and closes a moment later. Closing with bytes unread resets the connection, and a
 * reset can overtake the answer; the moment lets a client that is still sending read it (RFC 9112 §9.6).
 */
function refuseRest(incoming: IncomingMessage, outgoing: ServerResponse, lingerMs: number): void {
  incoming.pause()
  const { headers, body } = jsonResponse(413, { error: 'invalid_request' })
  outgoing.writeHead(413, { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
  outgoing.write(body)
  const timer = setTimeout(() => incoming.socket.destroy(), lingerMs)
  outgoing.once('close', () => clearTimeout(timer))
}

/** More requests ahead than any honest client sends: answering them in order would hold them all in memory. */
function abandon(socket: Socket): void {
  socket.destroy()
}
