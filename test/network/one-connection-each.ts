/** A ground for browsers and applications of the stage whose every request has a connection of its own. */

import { request } from 'node:http'
import type { Ground } from '../stage/browser.ts'

/**
 * Behind a balancer each request then meets the next node, and in front of a fault each one meets it alone. Rejects when
 * the connection breaks before the answer is whole, or when the request's signal says so.
 */
export function oneConnectionEach(issuer: string, port: number): Ground {
  return { issuer, send: (path, init = {}) => sendAlone(port, path, init) }
}

function sendAlone(port: number, path: string, init: RequestInit): Promise<Response> {
  const { body = null, method = 'GET', signal } = init
  if (body !== null && typeof body !== 'string') throw new TypeError('a body is sent as text')
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        headers: { ...headers, ...length },
        ...(signal ? { signal } : {}),
      },
      incoming => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.once('error', reject)
        incoming.once('end', () => {
          const answered = new Headers()
          for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
            for (const value of values) answered.append(name, value)
          }
          resolve(new Response(Buffer.concat(chunks), { status: incoming.statusCode ?? 0, headers: answered }))
        })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body ?? undefined)
  })
}
