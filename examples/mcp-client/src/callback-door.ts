/** The address on this machine that the browser comes back to (RFC 8252 §7.3). */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CallbackDoor {
  readonly redirectUrl: string
  /** The address that somebody came back to. */
  readonly arrival: Promise<URL>
  readonly close: () => void
}

export async function openCallbackDoor(): Promise<CallbackDoor> {
  const { promise: arrival, resolve } = Promise.withResolvers<URL>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', redirectUrl)
    if (url.pathname !== '/callback' || !url.searchParams.has('state')) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/plain' }).end('You may close this window and go back to the agent.')
    resolve(url)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
  return {
    redirectUrl,
    arrival,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
