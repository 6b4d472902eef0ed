import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import type { Logger } from './access-log.ts'
import { bodyBytesMax, type HttpRequest, type HttpResponse } from './exchange.ts'
import { connectionsMax, type ListenerLimits, listenerLimits } from './limits.ts'
import { type Listener, type ListenerOptions, listen } from './node-listener.ts'

const open: Listener[] = []
after(() => Promise.all(open.map(listener => listener.close())))

interface Started {
  readonly listener: Listener
  readonly seen: HttpRequest[]
  readonly said: string[]
}

/** A listener on a free port that answers `hello`, or what `handle` says. */
async function start(options: Partial<ListenerOptions> = {}, limits: Partial<ListenerLimits> = {}): Promise<Started> {
  const seen: HttpRequest[] = []
  const said: string[] = []
  const say = (_fields: object, message: string): void => void said.push(message)
  const logger: Logger = { isLevelEnabled: () => true, debug: say, info: say, warn: say, error: say }
  const handle = (request: HttpRequest): Promise<HttpResponse> => {
    seen.push(request)
    return options.handle?.(request) ?? Promise.resolve({ status: 200, headers: {}, body: 'hello' })
  }
  const listener = await listen({
    host: ['127.0.0.1'],
    port: 0,
    logger,
    ...options,
    handle,
    limits: { lingerMs: 50, ...limits },
  })
  open.push(listener)
  return { listener, seen, said }
}

interface Conversation {
  readonly socket: Socket
  /** Everything received once the server has closed. */
  readonly closed: Promise<string>
  /** Resolves when what was received so far matches. */
  readonly received: (pattern: RegExp) => Promise<string>
}

function talk(port: number, bytes: string | Uint8Array = ''): Conversation {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
  })
  // A reset is one of the ways a server may close; what arrived before it is what the tests look at.
  socket.on('error', () => {})
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  const closed = new Promise<string>(resolve => {
    socket.on('close', () => resolve(text))
  })
  const received = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(text)) resolve(text)
      }
      socket.on('data', look)
      socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
      look()
    })
  return { socket, closed, received }
}

const get = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'
const getAndClose = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1
}

describe('a request', () => {
  it('arrives as it was sent, undecoded', async () => {
    const { listener, seen } = await start()
    const body = 'a=b&c=%20'
    await talk(
      listener.port,
      `POST /%74oken//x;y?q=%41&z HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    ).closed
    const [request] = seen
    assert.equal(request?.method, 'POST')
    assert.equal(request?.path, '/%74oken//x;y')
    assert.equal(request?.query, 'q=%41&z')
    assert.equal(request?.headers['x-two'], '1, 2')
    assert.equal(Buffer.from(request?.body ?? []).toString(), body)
    assert.equal(request?.address, '127.0.0.1')
  })

  it('IJ-06 has the address, path and host of nobody else, whatever it claims', async () => {
    const { listener, seen } = await start()
    const claims =
      'X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Prefix: /evil\r\n'
    await talk(listener.port, `GET /a HTTP/1.1\r\nHost: evil\r\n${claims}Connection: close\r\n\r\n`).closed
    assert.equal(seen[0]?.address, '127.0.0.1')
    assert.equal(seen[0]?.path, '/a')
  })

  it('LG-06 has the forwarded address where the peer is a trusted proxy', async () => {
    const { listener, seen } = await start({ trustedProxies: ['127.0.0.0/8'] })
    const claim = 'X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n'
    await talk(listener.port, `GET /a HTTP/1.1\r\nHost: x\r\n${claim}Connection: close\r\n\r\n`).closed
    assert.equal(seen[0]?.address, '198.51.100.7')
  })

  it('DS-10 may ask to continue before it sends its body', async () => {
    const { listener } = await start()
    const { socket, received, closed } = talk(
      listener.port,
      'POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n',
    )
    await received(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    socket.write('abc')
    assert.match(await closed, /HTTP\/1\.1 200 OK\r\n.*hello$/s)
  })
})

describe('an answer', () => {
  it('has its length, its cookies apart, and its body in UTF-8', async () => {
    const response = { status: 200, headers: { 'Set-Cookie': ['a=1', 'b=2'] }, body: 'é' }
    const { listener } = await start({ handle: () => Promise.resolve(response) })
    const answer = await talk(listener.port, getAndClose).closed
    assert.match(answer, /Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
    assert.match(answer, /Content-Length: 2\r\n/)
    assert.match(answer, /\r\n\r\n\u00c3\u00a9$/)
  })

  it('has no body for HEAD, and neither body nor length for 204', async () => {
    const head = await talk((await start()).listener.port, getAndClose.replace('GET', 'HEAD')).closed
    assert.match(head, /Content-Length: 5\r\n.*\r\n\r\n$/s)
    const empty = await start({ handle: () => Promise.resolve({ status: 204, headers: {}, body: '' }) })
    assert.doesNotMatch(await talk(empty.listener.port, getAndClose).closed, /Content-Length/)
  })

  it('IJ-02 with a line break in a header is not sent; the client gets 500 and the log the reason', async () => {
    const { listener, said } = await start({
      handle: () => Promise.resolve({ status: 200, headers: { Location: '/\r\nX-Evil: 1' }, body: '' }),
    })
    const answer = await talk(listener.port, get).closed
    assert.equal(statusOf(answer), 500)
    assert.doesNotMatch(answer, /X-Evil/)
    assert.deepEqual(said, ['an answer could not be written'])
  })

  it('that never comes because the endpoint broke closes the connection, not the server', async () => {
    const { listener, said } = await start({
      handle: request => (request.path === '/a' ? Promise.reject(new Error('x')) : hello()),
    })
    assert.equal(await talk(listener.port, get).closed, '')
    assert.equal(said.length, 1)
    assert.equal(statusOf(await talk(listener.port, getAndClose.replace('/a', '/b')).closed), 200)
  })
})

function hello(): Promise<HttpResponse> {
  return Promise.resolve({ status: 200, headers: {}, body: 'hello' })
}

describe('DS-10 a request that two servers could read two ways', () => {
  const post = (headers: string, body = ''): string => `POST /a HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`
  const cases: readonly (readonly [string, string])[] = [
    ['both a length and chunks', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    ['two lengths', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd')],
    ['the same length twice', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc')],
    ['a length that is no number', post('Content-Length: +3\r\n', 'abc')],
    ['a coding besides chunks', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['chunks inside another coding', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n', '0\r\n\r\n')],
    ['chunks under a disguise', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
    ['a chunk size that is no number', post('Transfer-Encoding: chunked\r\n', '+3\r\nabc\r\n0\r\n\r\n')],
    ['a folded header', 'GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n'],
    ['a NUL in a header', 'GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n'],
    ['a bare CR in a header', 'GET /a HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n'],
    ['bare LF line ends', 'GET /a HTTP/1.1\nHost: x\n\n'],
    ['a space before a colon', 'GET /a HTTP/1.1\r\nHost: x\r\nAuthorization : b\r\n\r\n'],
    ['no host', 'GET /a HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
    ['the absolute form', 'GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a target without a slash', 'GET a HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a NUL in the target', 'GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another version', 'GET /a HTTP/3.0\r\nHost: x\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['the greeting of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ]
  for (const [what, bytes] of cases) {
    it(`with ${what} gets 400 and the connection closed`, async () => {
      const { listener, seen } = await start()
      assert.equal(statusOf(await talk(listener.port, bytes).closed), 400)
      assert.deepEqual(seen, [])
      assert.equal(statusOf(await talk(listener.port, getAndClose).closed), 200)
    })
  }

  for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key', 'Origin']) {
    it(`DS-09 with ${name} twice gets 400`, async () => {
      const { listener, seen } = await start()
      const answer = await talk(listener.port, post(`${name}: a\r\n${name.toLowerCase()}: a\r\nContent-Length: 0\r\n`))
        .closed
      assert.equal(statusOf(answer), 400)
      assert.deepEqual(seen, [])
    })
  }
})

describe('DS-09 an Authorization header', () => {
  it('reaches the endpoint as it was sent, or is refused by the parser; nothing else happens', async () => {
    const { listener, seen } = await start()
    const shapes = [
      '',
      ' ',
      'Basic',
      'Basic ',
      'Basic =',
      'basic Og==',
      'Basic \xff\xfe',
      ',',
      'a\tb',
      '"',
      'x'.repeat(8_192),
    ]
    for (const shape of shapes) {
      const bytes = `GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: ${shape}\r\nConnection: close\r\n\r\n`
      assert.equal(statusOf(await talk(listener.port, bytes).closed), 200, JSON.stringify(shape))
      assert.equal(seen.at(-1)?.headers['authorization'], shape.trim())
    }
    for (const shape of ['a\0', 'a\x7f', 'a\x01', 'a\rb']) {
      const bytes = `GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: ${shape}\r\n\r\n`
      assert.equal(statusOf(await talk(listener.port, bytes).closed), 400, JSON.stringify(shape))
    }
    assert.equal(seen.length, shapes.length)
  })
})

describe('a header section', () => {
  const headers = (count: number): string => Array.from({ length: count }, (_, index) => `X-${index}: y\r\n`).join('')

  it('has so many lines and no more', async () => {
    const { listener } = await start({}, { headersMax: 10 })
    const bytes = (count: number): string => `GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers(count)}\r\n`
    assert.equal(statusOf(await talk(listener.port, bytes(8)).closed), 200)
    for (const count of [9, 10, 11, 500]) {
      assert.equal(statusOf(await talk(listener.port, bytes(count)).closed), 431, String(count))
    }
  })

  it('has so many bytes and no more', async () => {
    const { listener } = await start()
    const answer = await talk(listener.port, `GET /a HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(33_000)}\r\n\r\n`).closed
    assert.equal(statusOf(answer), 431)
  })
})

describe('DS-01 a body', () => {
  it('has so many bytes and no more, however it is sent', async () => {
    const { listener, seen } = await start()
    const declared = (bytes: number): string =>
      `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n${'x'.repeat(bytes)}`
    const chunked = (bytes: number): string =>
      `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`
    for (const bytes of [declared(bodyBytesMax), chunked(bodyBytesMax)]) {
      assert.equal(statusOf(await talk(listener.port, bytes).closed), 200)
      assert.equal(seen.pop()?.body.length, bodyBytesMax)
    }
    for (const bytes of [declared(bodyBytesMax + 1), chunked(bodyBytesMax + 1)]) {
      const answer = await talk(listener.port, bytes).closed
      assert.equal(statusOf(answer), 413)
      assert.match(answer, /Connection: close\r\n/)
    }
    assert.deepEqual(seen, [])
  })

  it('that is shorter than declared is nobody’s request', async () => {
    const { listener, seen } = await start()
    const { socket, closed } = talk(listener.port, 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    socket.end()
    await closed
    assert.deepEqual(seen, [])
    assert.equal(statusOf(await talk(listener.port, getAndClose).closed), 200)
  })
})

describe('limits', () => {
  it('DS-07 leave files for everything else the process opens', () => {
    assert.equal(connectionsMax(1_024), 896)
    assert.equal(connectionsMax(1_000_000), 10_000)
    assert.equal(connectionsMax(64), 16)
    assert.ok(listenerLimits().connectionsMax >= 16)
  })

  it('DS-06 are ten seconds for headers and thirty for a request, unless chosen otherwise', () => {
    assert.equal(listenerLimits().headersMsMax, 10_000)
    assert.equal(listenerLimits().requestMsMax, 30_000)
    assert.equal(listenerLimits({ headersMsMax: 5 }).headersMsMax, 5)
  })
})

describe('requests sent ahead on one connection', () => {
  it('DS-07 are answered in order, up to a limit', async () => {
    const { listener, seen } = await start({}, { pipelinedMax: 4 })
    const one = (index: number, end: string): string => `GET /${index} HTTP/1.1\r\nHost: x\r\n${end}\r\n`
    const bytes = one(1, '') + one(2, '') + one(3, '') + one(4, 'Connection: close\r\n')
    const answer = await talk(listener.port, bytes).closed
    assert.equal(countOf(answer, 'HTTP/1.1 200'), 4)
    assert.deepEqual(
      seen.map(request => request.path),
      ['/1', '/2', '/3', '/4'],
    )
  })

  it('DS-07 past the limit end the connection', async () => {
    const { listener, seen } = await start({ handle: () => new Promise(() => {}) }, { pipelinedMax: 4, drainMsMax: 1 })
    assert.equal(await talk(listener.port, get.repeat(100)).closed, '')
    assert.equal(seen.length, 4)
  })
})
