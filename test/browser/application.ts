/** An application of which only the address counts: it takes what Pawl's pages send it, and shows what it is told to. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lifetime } from '../stage/lifetime.ts'

export interface Application {
  readonly origin: string
  readonly redirectUri: string
  /** Every authorization response that arrived, in order. */
  readonly responses: readonly Arrived[]
  /** Serves this page at `/`. */
  readonly show: (html: string) => void
}

export interface Arrived {
  readonly method: string
  readonly parameters: URLSearchParams
  readonly referrer: string | undefined
}

/** `host` decides how far away it is: `localhost` is the same site as a server there, `127.0.0.1` is another one. */
export async function openApplication(lifetime: Lifetime, host: 'localhost' | '127.0.0.1'): Promise<Application> {
  const responses: Arrived[] = []
  let shown = ''
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://application.invalid')
    let body = ''
    request.setEncoding('utf8').on('data', (more: string) => {
      body += more
    })
    request.once('end', () => {
      response.setHeaders(
        new Map([
          ['content-type', 'text/html; charset=utf-8'],
          ['cache-control', 'no-store'],
        ]),
      )
      if (url.pathname !== '/callback') {
        response.end(shown)
        return
      }
      const method = request.method ?? ''
      const parameters = method === 'POST' ? new URLSearchParams(body) : url.searchParams
      responses.push({ method, parameters, referrer: request.headers.referer })
      response.end('<!doctype html><title>Arrived</title><h1>Arrived</h1>')
    })
  })
  server.listen(0, host === 'localhost' ? '127.0.0.1' : host)
  await once(server, 'listening')
  lifetime.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`
  return {
    origin,
    redirectUri: `${origin}/callback`,
    responses,
    show: html => {
      shown = html
    },
  }
}
