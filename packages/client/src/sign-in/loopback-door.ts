/**
 * The one address at which a native application waits for its answer (RFC 8252 §7.3): on the loopback interface alone,
 * for a GET of one path with one state, once. Whatever else knocks gets a 404 and changes nothing.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopbackUrl } from '@pawl/protocol'
import { htmlOf, type LoopbackPage, nothingHerePage, pageHeaders } from './loopback-page.ts'

export interface LoopbackDoor {
  /** As registered, with the port in it. */
  readonly redirectUri: string
  /** The answer with this state. Only the first one counts. */
  arrival(state: string): Promise<Arrival>
  /** Nobody is let in any more; an answer that is being given is given to its end. */
  close(): Promise<void>
}

export interface Arrival {
  readonly url: string
  show(page: LoopbackPage): Promise<void>
}

/** `registered` without a port takes a free one. Throws a `TypeError` for what is no http address on loopback. */
export async function openDoor(registered: string): Promise<LoopbackDoor> {
  const url = URL.canParse(registered) ? new URL(registered) : null
  if (url === null || !isLoopbackUrl(url)) throw new TypeError('the redirect URI is no http address on loopback')
  const waiting: Waiting = { host: '', pathname: url.pathname, expected: null }
  const servers = await listen(url, (request, response) => knock(waiting, request, response))
  const { port } = servers[0].address() as AddressInfo
  waiting.host = `${url.hostname}:${port}`
  return {
    // The text is kept as it was registered: servers compare it character by character.
    redirectUri: url.port === '' ? registered.replace(/^http:\/\/[^/?]+/, `$&:${port}`) : registered,
    arrival: state =>
      new Promise(resolve => {
        waiting.expected = { state, resolve }
      }),
    close: async () => {
      waiting.expected = null
      await Promise.all(servers.map(shut))
    },
  }
}

interface Waiting {
  host: string
  readonly pathname: string
  expected: { readonly state: string; readonly resolve: (arrival: Arrival) => void } | null
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** `localhost` may lead a browser to either address, so the port is taken at both. */
async function listen({ hostname, port }: URL, listener: Listener): Promise<readonly [Server, ...Server[]]> {
  const first = await listenAt(hostname === '[::1]' ? '::1' : '127.0.0.1', Number(port), listener)
  if (hostname !== 'localhost') return [first]
  try {
    return [first, await listenAt('::1', (first.address() as AddressInfo).port, listener)]
  } catch {
    // A machine without IPv6 leads nobody there.
    return [first]
  }
}

const headersMsMax = 10_000
const headerBytesMax = 16_384

async function listenAt(address: string, port: number, listener: Listener): Promise<Server> {
  const options = { headersTimeout: headersMsMax, requestTimeout: headersMsMax, maxHeaderSize: headerBytesMax }
  const server = createServer(options, listener).listen(port, address)
  await once(server, 'listening')
  return server
}

/** The name in `Host` is asked too, so that no web page reaches us under a name of its own that leads here. */
function knock(waiting: Waiting, request: IncomingMessage, response: ServerResponse): void {
  const { expected, host, pathname } = waiting
  const { url: target = '' } = request
  const text = `http://${host}${target}`
  const url = target.startsWith('/') && URL.canParse(text) ? new URL(text) : null
  const [state, ...more] = url?.searchParams.getAll('state') ?? []
  const isOurs =
    expected !== null &&
    request.method === 'GET' &&
    request.headers.host === host &&
    url?.pathname === pathname &&
    state === expected.state &&
    more.length === 0
  if (!isOurs) {
    write(response, nothingHerePage)
    return
  }
  waiting.expected = null
  expected.resolve({ url: text, show: page => shown(response, page) })
}

function write(response: ServerResponse, page: LoopbackPage): void {
  response.writeHead(page.status, pageHeaders).end(htmlOf(page))
}

/** Resolves when the browser has it, or has gone. */
async function shown(response: ServerResponse, page: LoopbackPage): Promise<void> {
  if (response.closed) return
  const closed = once(response, 'close')
  write(response, page)
  await closed
}

async function shut(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
