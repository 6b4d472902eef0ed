/**
 * The same server as a `fetch` function, for embedding in another one. The host takes care of connections, times and
 * header sizes; the body has our limit here too.
 */

import { bodyBytesMax, bodyless, type HttpRequest, type HttpResponse } from './exchange.ts'
import { type RefuseUnread, refuseUnnamed } from './unread-request.ts'

/** What only the host knows. Without it every client has the address `unknown`, and limits per address are shared. */
export interface FetchInfo {
  /** The client's address. */
  readonly address: string
}

export type FetchFunction = (request: Request, info?: FetchInfo) => Promise<Response>

/** Resolves with an answer for every request; rejects only where the host's own body stream fails. */
export function fetchListener(
  handle: (request: HttpRequest) => Promise<HttpResponse>,
  refuse: RefuseUnread = refuseUnnamed,
): FetchFunction {
  return async (request, info = { address: 'unknown' }) => {
    const body = await readBody(request)
    const read = requestOf(request, body ?? bodyless, info.address)
    if (body !== null) return toResponse(request.method, await handle(read))
    const { method, path, address } = read
    return toResponse(method, refuse({ status: 413, detail: 'the body is too long', method, path, address }))
  }
}

function requestOf(request: Request, body: Uint8Array, address: string): HttpRequest {
  const url = new URL(request.url)
  return {
    method: request.method.toUpperCase(),
    path: url.pathname,
    query: url.search.slice(1),
    headers: Object.fromEntries(request.headers),
    body,
    address,
  }
}

/** The whole body, or null where it is longer than allowed; then the rest is not read. */
async function readBody(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > bodyBytesMax) {
    await request.body?.cancel()
    return null
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  const stream: AsyncIterable<Uint8Array> | null = request.body
  if (stream === null) return new Uint8Array(0)
  for await (const chunk of stream) {
    bytes += chunk.length
    // Leaving the loop cancels the stream.
    if (bytes > bodyBytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

function toResponse(method: string, response: HttpResponse): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string') headers.append(name, value)
    else for (const one of value) headers.append(name, one)
  }
  const hasBody = method !== 'HEAD' && response.status !== 204 && response.status !== 304
  return new Response(hasBody ? response.body : null, { status: response.status, headers })
}
