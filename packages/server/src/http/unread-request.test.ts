import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, describe, it } from 'node:test'
import type { RequestId } from '../domain/identifiers.ts'
import type { Answered } from './access-log.ts'
import { bodyBytesMax, type HttpRequest } from './exchange.ts'
import { type Listener, listen } from './node-listener.ts'
import { refuseUnread } from './unread-request.ts'

const open: Listener[] = []
after(() => Promise.all(open.map(listener => listener.close())))

interface Started {
  readonly port: number
  readonly logged: (readonly [HttpRequest, Answered])[]
  readonly release: () => void
}

/** A listener whose answers wait until they are let go. */
async function start(limits = {}): Promise<Started> {
  const logged: (readonly [HttpRequest, Answered])[] = []
  const silent = { isLevelEnabled: () => false, debug() {}, info() {}, warn() {}, error() {} }
  const refuse = refuseUnread({
    newRequestId: () => `req_${logged.length}` as RequestId,
    nowMs: () => 0,
    accessLog: { answered: (request, answered) => logged.push([request, answered]) },
  })
  const released = Promise.withResolvers<void>()
  const listener = await listen({
    host: ['127.0.0.1'],
    port: 0,
    logger: silent,
    refuse,
    limits: { lingerMs: 20, drainMsMax: 50, timesCheckedEveryMs: 20, ...limits },
    handle: async () => {
      await released.promise
      return { status: 200, headers: {}, body: 'hello' }
    },
  })
  open.push(listener)
  return { port: listener.port, logged, release: () => released.resolve() }
}

/** Everything the server said until it closed. */
function say(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    // A reset is one of the ways a server may close; what arrived before it is looked at.
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

const host = 'Host: x\r\n'
const unread: readonly (readonly [string, number, string])[] = [
  ['no HTTP at all', 400, 'hello\r\n\r\n'],
  ['two lengths', 400, `POST /a HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  ['a broken chunk', 400, `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
  ['the absolute form', 400, `GET http://y/a HTTP/1.1\r\n${host}\r\n`],
  ['a header twice', 400, `GET /a HTTP/1.1\r\n${host}Authorization: a\r\nAuthorization: b\r\n\r\n`],
  ['headers without end', 431, `GET /a HTTP/1.1\r\n${host}A: ${'b'.repeat(40_000)}\r\n\r\n`],
  ['too many headers', 431, `GET /a HTTP/1.1\r\n${host}${'A: b\r\n'.repeat(200)}\r\n`],
  ['a body too long', 413, `POST /a HTTP/1.1\r\n${host}Content-Length: ${bodyBytesMax + 1}\r\n\r\n`],
  ['an odd expectation', 417, `GET /a HTTP/1.1\r\n${host}Expect: a-miracle\r\n\r\n`],
]

describe('a request that no endpoint sees', () => {
  for (const [what, status, bytes] of unread) {
    it(`CK-04 with ${what} is answered ${status} under an id the log knows, in a frame for nobody`, async () => {
      const { port, logged } = await start()
      const answer = await say(port, bytes)
      assert.equal(Number(/^HTTP\/1\.1 (\d{3}) \w/.exec(answer)?.[1]), status)
      assert.match(answer, /\r\nPawl-Request-Id: req_0\r\n/)
      assert.match(answer, /\r\nConnection: close\r\n/)
      assert.match(answer, /\r\nX-Frame-Options: DENY\r\n/)
      assert.match(answer, /\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n/)
      assert.match(answer, /\r\nCache-Control: no-store\r\n/)
      assert.match(answer, /\r\n\r\n\{"error":"invalid_request"\}$/)
      assert.deepEqual(
        logged.map(([request, answered]) => [request.address, answered.status, answered.requestId]),
        [['127.0.0.1', status, 'req_0']],
      )
      assert.ok((logged[0]?.[1].detail ?? '').length > 0)
    })
  }

  it('DS-06 because it never ends is answered 408, the same way', async () => {
    const { port } = await start({ headersMsMax: 40, requestMsMax: 60 })
    for (const bytes of ['GET /a HTTP/1.1\r\nA: ', `POST /a HTTP/1.1\r\n${host}Content-Length: 9\r\n\r\nx`]) {
      assert.match(await say(port, bytes), /^HTTP\/1\.1 408 .*\r\nPawl-Request-Id: req_\d\r\n/s)
    }
  })

  it('DS-10 behind one that is being answered is never taken for its answer', async () => {
    const { port, logged } = await start()
    assert.equal(await say(port, `GET /a HTTP/1.1\r\n${host}\r\nnonsense\r\n\r\n`), '')
    assert.deepEqual(logged, [])
  })
})
