/** Serves a fetch function on `node:http`, on loopback, and streams its answers. Hono, Bun and Deno bring this themselves. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { arrayBuffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

export interface Served {
  readonly close: () => Promise<void>
}

type Fetch = (request: Request) => Promise<Response>

/** `origin` is what the requests say they were sent to, whatever `Host` says. */
export async function serveFetch(fetch: Fetch, port: number, origin: string): Promise<Served> {
  const server = createServer((incoming, outgoing) => {
    answer(fetch, origin, incoming, outgoing).catch((error: unknown) => {
      console.error(error)
      outgoing.destroy()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(
  fetch: Fetch,
  origin: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const method = incoming.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: await arrayBuffer(incoming) }
  const request = new Request(new URL(incoming.url ?? '/', origin), { method, headers, ...body })
  const response = await fetch(request)
  outgoing.statusCode = response.status
  outgoing.setHeaders(response.headers)
  if (response.body === null) outgoing.end()
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing)
}
