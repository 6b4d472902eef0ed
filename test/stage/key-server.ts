/** A client's own web server, where it publishes its keys: it counts who asks, and answers what it is told to. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lifetime } from './lifetime.ts'

export interface KeyServer {
  readonly url: string
  readonly asked: () => number
  /** What is answered from now on: a key set, or a text with a status of its own. */
  readonly publish: (body: unknown, status?: number) => void
}

export async function openKeyServer(lifetime: Lifetime, keys: readonly unknown[]): Promise<KeyServer> {
  let asked = 0
  let answer = { status: 200, text: JSON.stringify({ keys }) }
  const server = createServer((_request, response) => {
    asked += 1
    response.writeHead(answer.status, { 'content-type': 'application/jwk-set+json' }).end(answer.text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  lifetime.after(() => new Promise<void>(resolve => server.close(() => resolve())))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    asked: () => asked,
    publish: (body, status = 200) => {
      answer = { status, text: typeof body === 'string' ? body : JSON.stringify({ keys: body }) }
    },
  }
}
