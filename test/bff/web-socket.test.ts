import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { answerUpgrade } from '@pawl/bff/web-socket'
import { type BffGround, openBff, origin, type Visitor } from './bff-ground.ts'

interface Sockets extends BffGround {
  readonly port: number
  readonly tokens: string[]
}

/** An API that agrees, and then says everything back. */
async function openSockets(test: TestContext): Promise<Sockets> {
  const tokens: string[] = []
  const api = createServer((_request, response) => response.writeHead(426).end())
  api.on('upgrade', (request, socket: Socket) => {
    tokens.push(request.headers.authorization ?? '', request.headers.cookie ?? 'no cookie')
    socket.on('error', () => socket.destroy())
    const key = request.headers['sec-websocket-key'] ?? ''
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: for ${key}\r\nset-cookie: a=b\r\n\r\n`,
    )
    socket.pipe(socket)
  })
  const apiPort = await listening(test, api)
  const ground = await openBff(test, {
    routes: {
      '/live/': { upstream: `http://127.0.0.1:${apiPort}/` },
      '/gone': { upstream: 'http://127.0.0.1:1/gone' },
    },
  })
  const app = createServer((_request, response) => response.end())
  app.on('upgrade', (request, socket: Socket) => {
    answerUpgrade(ground.bff, origin, request, socket).then(
      isOurs => (isOurs ? undefined : socket.destroy()),
      () => socket.destroy(),
    )
  })
  return { ...ground, tokens, port: await listening(test, app) }
}

async function listening(test: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** What the browser hears, first the head and then one answer to what it says. */
async function open(
  test: TestContext,
  port: number,
  visitor: Visitor,
  changes: { readonly path?: string; readonly from?: string } = {},
) {
  const { path = '/live/feed', from = origin } = changes
  const socket = connect(port, '127.0.0.1')
  test.after(() => socket.destroy())
  const cookie = [...visitor.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const lines = [
    `GET ${path} HTTP/1.1`,
    'host: x',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-key: abc',
    'sec-websocket-version: 13',
  ]
  socket.write([...lines, ...(from === '' ? [] : [`origin: ${from}`]), `cookie: ${cookie}`, '', ''].join('\r\n'))
  const [head] = (await once(socket, 'data')) as [Buffer]
  return { socket, head: head.toString() }
}

describe('a WebSocket through a backend', () => {
  it('is opened with the access token, without the cookie, and carries bytes both ways', async test => {
    const { visitor, port, tokens } = await openSockets(test)
    const ada = visitor()
    await ada.signIn()
    const { socket, head } = await open(test, port, ada)
    assert.match(head, /^HTTP\/1\.1 101 /)
    assert.match(head, /sec-websocket-accept: for abc/)
    assert.doesNotMatch(head, /set-cookie/)
    assert.match(tokens[0] ?? '', /^Bearer ey/)
    assert.equal(tokens[1], 'no cookie')
    socket.write('ping')
    const [back] = (await once(socket, 'data')) as [Buffer]
    assert.equal(back.toString(), 'ping')
  })

  it('is refused to other origins, to nobody’s, and to who is signed out', async test => {
    const { visitor, port, tokens } = await openSockets(test)
    const ada = visitor()
    await ada.signIn()
    for (const from of ['https://evil.example', 'https://evil.app.example', 'null', '']) {
      assert.match((await open(test, port, ada, { from })).head, /^HTTP\/1\.1 403 /)
    }
    assert.match((await open(test, port, visitor())).head, /^HTTP\/1\.1 401 /)
    assert.match((await open(test, port, ada, { path: '/live/a%2f..%2fadmin' })).head, /^HTTP\/1\.1 403 /)
    assert.deepEqual(tokens, [])
  })

  it('gets an answer when the API is away', async test => {
    const { visitor, port } = await openSockets(test)
    const ada = visitor()
    await ada.signIn()
    assert.match((await open(test, port, ada, { path: '/gone' })).head, /^HTTP\/1\.1 502 /)
  })
})
