/**
 * The backend behind Node's own server, and so behind Express, Fastify and everything else that is built on it. Bodies
 * stream both ways, and a browser that goes away ends the request to the API, never a refresh.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A backend, or any other function of fetch's types that answers null to what is not its own. */
export type Answer = (request: Request) => Promise<Response | null>

/** Calls `next` with nothing where the request is the application's own, and with the error where something went wrong. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => Promise<void>

/**
 * A handler for `node:http`, and middleware for Express and Connect. It must come before anything that reads the body.
 * Without `next` the application has nothing of its own, and is answered 404.
 */
export function nodeHandler(answer: Answer, origin: string): NodeHandler {
  return async (request, response, next = notFound(response)) => {
    let isOurs: boolean
    try {
      isOurs = await answerNode(answer, origin, request, response)
    } catch (error) {
      // Half an answer cannot be taken back; whoever reads it must not take it for whole.
      if (response.headersSent) response.destroy()
      else next(error)
      return
    }
    if (!isOurs) next()
  }
}

/** Answers on `response` what is the backend's own; false, with nothing done, for everything else. */
export async function answerNode(
  answer: Answer,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const asked = requestOf(origin, request, gone.signal)
  const answered = asked === null ? new Response(null, { status: 400 }) : await answer(asked)
  if (answered === null) return false
  await write(answered, response)
  return true
}

/** Null for a target that is no path: a proxy is not what we are. */
function requestOf(origin: string, request: IncomingMessage, signal: AbortSignal): Request | null {
  const { method = 'GET', url: target = '/', headers, headersDistinct } = request
  if (!target.startsWith('/')) return null
  const pairs = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map(value => [name, value] as [string, string]),
  )
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  const init = { method, headers: pairs, signal }
  // `//host/…` would be read as another host's address.
  const url = `${origin}${target.replace(/^\/+/, '/')}`
  if (!hasBody || method === 'GET' || method === 'HEAD') return new Request(url, init)
  return new Request(url, {
    ...init,
    body: Readable.toWeb(request) as ReadableStream<Uint8Array<ArrayBuffer>>,
    ...streaming,
  })
}

const streaming: { readonly duplex: 'half' } = { duplex: 'half' }

async function write(answer: Response, response: ServerResponse): Promise<void> {
  const { status, headers, body } = answer
  response.statusCode = status
  for (const [name, value] of headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) response.setHeader('set-cookie', cookies)
  if (body === null) {
    response.end()
    return
  }
  // Whoever waits for events gets the headers before the first of them.
  response.flushHeaders()
  await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), response)
}

function notFound(response: ServerResponse): (error?: unknown) => void {
  return error => {
    response.statusCode = error === undefined ? 404 : 500
    response.end()
  }
}
