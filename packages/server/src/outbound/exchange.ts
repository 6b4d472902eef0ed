/** One request and its answer on a connection of its own, which nothing of the environment can lead elsewhere. */

import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type OutboundAnswer, OutboundRefused, type OutboundRequest } from '../domain/outbound/outbound.ts'

export const outboundHeaderBytesMax = 16_384

export interface Deadline {
  readonly signal: AbortSignal
  /** What everything that waits is rejected with once the signal is given. */
  readonly over: OutboundRefused
}

interface Exchange {
  readonly url: URL
  readonly request: OutboundRequest
  /** Judged. The connection goes to one of these and nowhere else. */
  readonly addresses: readonly string[]
  readonly deadline: Deadline
  readonly trustedRoots: string | undefined
}

/** Rejects with the deadline's reason, an `OutboundRefused`, or whatever went wrong on the way. */
export function exchange(one: Exchange): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    const { request, deadline } = one
    const sent = open(one)
    let isAnswered = false
    const settle = () => {
      deadline.signal.removeEventListener('abort', stop)
      sent.destroy()
    }
    const fail = (error: Error) => {
      settle()
      reject(deadline.signal.aborted ? deadline.over : error)
    }
    // Not left to the request: one that is destroyed already has no more to say, and somebody waits.
    const stop = () => fail(deadline.over)
    deadline.signal.addEventListener('abort', stop, { once: true })
    sent.on('error', fail)
    sent.on('response', response => {
      isAnswered = true
      readAnswer(response, request, one.url).then(answer => {
        settle()
        resolve(answer)
      }, fail)
    })
    // To 101 there is neither an answer nor an error: Node closes the connection, and that is all it tells.
    sent.on('close', () => {
      if (!isAnswered) fail(new Error('the connection was closed without an answer'))
    })
    if (deadline.signal.aborted) stop()
    sent.end(request.body)
  })
}

/** Agents of its own for each: no connection is kept, and no proxy is read out of the environment. */
function open({ url, request, addresses, trustedRoots }: Exchange): ClientRequest {
  const options = {
    method: request.method,
    headers: headersOf(request),
    lookup: lookUpOnly(addresses),
    maxHeaderSize: outboundHeaderBytesMax,
  }
  if (url.protocol === 'http:') return httpRequest(url, { ...options, agent: new HttpAgent({ keepAlive: false }) })
  // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED would otherwise be heard.
  const verified = {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(trustedRoots && { ca: trustedRoots }),
  } as const
  return httpsRequest(url, { ...options, ...verified, agent: new HttpsAgent({ keepAlive: false }) })
}

function headersOf({ headers, body, accept }: OutboundRequest): { [name: string]: string } {
  const accepted = accept?.filter(type => !type.startsWith('+')).join(', ')
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return {
    'user-agent': 'pawl',
    ...(accepted && { accept: accepted }),
    ...headers,
    ...length,
    'accept-encoding': 'identity',
  }
}

/** In the place of the resolver: answers what was judged, whatever it is asked. */
function lookUpOnly(addresses: readonly string[]): LookupFunction {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    const [first] = found
    if (options.all === true) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }
}

async function readAnswer(response: IncomingMessage, request: OutboundRequest, url: URL): Promise<OutboundAnswer> {
  const status = response.statusCode ?? 0
  const headers = plainHeaders(response)
  if (status >= 300 && status < 400) throw new OutboundRefused('redirect', `${url.host} answered ${status}, a redirect`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') throw new OutboundRefused('type', `${url.host} answered compressed`)
  if (status < 300 && !isAccepted(headers['content-type'], request.accept)) {
    throw new OutboundRefused('type', `${url.host} answered with a media type that was not asked for`)
  }
  return { status, headers, body: await readBody(response, request.bytesMax, url) }
}

async function readBody(response: IncomingMessage, bytesMax: number, url: URL): Promise<Uint8Array> {
  const tooLong = () => new OutboundRefused('size', `${url.host} answered more than ${bytesMax} bytes`)
  if (Number(response.headers['content-length'] ?? 0) > bytesMax) throw tooLong()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function plainHeaders(response: IncomingMessage): { readonly [name: string]: string | undefined } {
  const entries = Object.entries(response.headersDistinct).map(([name, values]) => [name, values?.join(', ')] as const)
  return Object.fromEntries(entries)
}

function isAccepted(contentType: string | undefined, accept: readonly string[] | undefined): boolean {
  if (accept === undefined) return true
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return accept.some(one => (one.startsWith('+') ? type.endsWith(one) : type === one))
}
