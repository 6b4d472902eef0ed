/** WebSockets behind Node's own server, and so behind Express and Fastify: bytes are carried both ways, unread. */

import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Upgrade } from '../upgrade.ts'

/** So long an API may take to agree. */
export const upgradeSecondsMax = 10

/** What judges requests: a `Bff`. */
export interface Judge {
  upgrade(request: Request): Promise<Upgrade | Response | null>
}

/**
 * For the `upgrade` event of the application's server. Answers false, with nothing done, where the path is none of the
 * backend's. A session that ends later does not end a socket that is open: the API closes it, or the page.
 */
export async function answerUpgrade(
  judge: Judge,
  origin: string,
  request: IncomingMessage,
  socket: Duplex,
): Promise<boolean> {
  // A browser that goes away before there is an answer is no error of ours.
  socket.on('error', () => socket.destroy())
  const asked = requestOf(origin, request)
  const judged = asked === null ? new Response(null, { status: 400 }) : await judge.upgrade(asked)
  if (judged === null) return false
  if (judged instanceof Response) refuse(socket, judged.status)
  else carry(judged, socket)
  return true
}

function requestOf(origin: string, { url: target = '', headersDistinct, method }: IncomingMessage): Request | null {
  if (!target.startsWith('/') || method !== 'GET') return null
  const pairs = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  return new Request(`${origin}${target.replace(/^\/+/, '/')}`, { headers: pairs })
}

function carry({ upstream, headers }: Upgrade, socket: Duplex): void {
  const send = upstream.protocol === 'https:' ? requestHttps : requestHttp
  const there = send(upstream, {
    headers: { ...Object.fromEntries(headers), connection: 'Upgrade', upgrade: 'websocket' },
    timeout: upgradeSecondsMax * 1000,
  })
  there.once('timeout', () => there.destroy())
  there.once('error', () => refuse(socket, 502))
  socket.once('close', () => there.destroy())
  there.once('response', answer => {
    answer.destroy()
    refuse(socket, answer.statusCode ?? 502)
  })
  there.once('upgrade', (answer, upstreamSocket, head) => {
    upstreamSocket.setTimeout(0)
    upstreamSocket.on('error', () => socket.destroy())
    upstreamSocket.once('close', () => socket.destroy())
    socket.once('close', () => upstreamSocket.destroy())
    socket.write(agreement(answer))
    if (head.length > 0) socket.write(head)
    upstreamSocket.pipe(socket)
    socket.pipe(upstreamSocket)
  })
  there.end()
}

/** The API's own answer, but for what would set something in the browser. */
function agreement(answer: IncomingMessage): string {
  const told = Object.entries(answer.headersDistinct)
    .filter(([name]) => name.startsWith('sec-websocket-'))
    .flatMap(([name, values = []]) => values.map(value => `${name}: ${value}\r\n`))
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${told.join('')}\r\n`
}

function refuse(socket: Duplex, status: number): void {
  if (socket.destroyed) return
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
