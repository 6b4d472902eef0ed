import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import type { Logger } from './access-log.ts'
import type { HttpRequest, HttpResponse } from './exchange.ts'
import type { ListenerLimits } from './limits.ts'
import { type Listener, listen, loopbackHosts } from './node-listener.ts'

const open: Listener[] = []
after(() => Promise.all(open.map(listener => listener.close())))

const silent: Logger = { isLevelEnabled: () => false, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const hello: HttpResponse = { status: 200, headers: {}, body: 'hello' }

type Handle = (request: HttpRequest) => Promise<HttpResponse>

async function start(
  limits: Partial<ListenerLimits> = {},
  handle: Handle = () => Promise.resolve(hello),
): Promise<Listener> {
  const listener = await listen({ handle, host: ['127.0.0.1'], port: 0, logger: silent, limits })
  open.push(listener)
  return listener
}

interface Conversation {
  readonly socket: Socket
  readonly closed: Promise<string>
  readonly received: (pattern: RegExp) => Promise<string>
}

function talk(port: number, text = '', host = '127.0.0.1'): Conversation {
  const socket = connect(port, host)
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk.toString('latin1')
  })
  // A reset is one of the ways a server may close; what arrived before it is what the tests look at.
  socket.on('error', () => {})
  socket.write(text)
  const closed = new Promise<string>(resolve => {
    socket.on('close', () => resolve(answer))
  })
  const received = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(answer)) resolve(answer)
      }
      socket.on('data', look)
      socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(answer)}`)))
      look()
    })
  return { socket, closed, received }
}

const get = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'
const getAndClose = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
const answered = /hello$/

/** An endpoint that answers when it is told to. */
function heldBack(): { handle: Handle; arrived: Promise<void>; release: () => void } {
  const arrival = Promise.withResolvers<void>()
  const release = Promise.withResolvers<HttpResponse>()
  return {
    handle: () => {
      arrival.resolve()
      return release.promise
    },
    arrived: arrival.promise,
    release: () => release.resolve(hello),
  }
}

describe('a listener', () => {
  it('has the same free port on both families of loopback', async () => {
    const listener = await listen({ handle: () => Promise.resolve(hello), port: 0, logger: silent })
    open.push(listener)
    assert.deepEqual(listener.hosts, loopbackHosts.slice(0, listener.hosts.length))
    for (const host of listener.hosts) {
      assert.match(await talk(listener.port, getAndClose, host).closed, answered)
    }
  })

  it('rejects with the reason of the system when its port is taken, and lets go of what it had', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { port } = address
    const taken = listen({
      handle: () => Promise.resolve(hello),
      host: ['127.0.0.2', '127.0.0.1'],
      port,
      logger: silent,
    })
    await assert.rejects(taken, { code: 'EADDRINUSE' })
    const free = await listen({ handle: () => Promise.resolve(hello), host: ['127.0.0.2'], port, logger: silent })
    await free.close()
    other.close()
  })

  it('rejects when an address that was asked for by name does not exist', async () => {
    const options = { handle: () => Promise.resolve(hello), port: 0, logger: silent }
    await assert.rejects(listen({ ...options, host: ['127.0.0.1', '192.0.2.1'] }), { code: 'EADDRNOTAVAIL' })
    await assert.rejects(listen({ ...options, host: [] }), /no address/)
  })

  it('rejects before it listens when a trusted proxy is no address', async () => {
    const options = { handle: () => Promise.resolve(hello), port: 0, logger: silent }
    await assert.rejects(listen({ ...options, trustedProxies: ['everyone'] }), /no address or CIDR range/)
  })
})

describe('DS-06 a slow client', () => {
  const quick = { headersMsMax: 60, requestMsMax: 120, timesCheckedEveryMs: 10 }

  it('that says nothing is dropped', async () => {
    const listener = await start(quick)
    assert.match(await talk(listener.port).closed, /^(HTTP\/1\.1 408 .*)?$/s)
    assert.equal(listener.connections(), 0)
  })

  it('that never ends its headers gets 408', async () => {
    const listener = await start(quick)
    assert.match(await talk(listener.port, 'GET /a HTTP/1.1\r\nHost: x\r\nA: ').closed, /^HTTP\/1\.1 408 /)
  })

  it('that never ends its body gets 408, and its request no answer', async () => {
    let handled = 0
    const listener = await start(quick, () => {
      handled += 1
      return Promise.resolve(hello)
    })
    const bytes = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'
    assert.match(await talk(listener.port, bytes).closed, /^HTTP\/1\.1 408 /)
    assert.equal(handled, 0)
  })

  it('that never reads its answer is dropped', async () => {
    const large = { ...hello, body: 'x'.repeat(32 * 1_048_576) }
    const listener = await start({ silentMsMax: 100, keepAliveMsMax: 50 }, () => Promise.resolve(large))
    const socket = connect(listener.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(get)
    const closed = once(await accepted(listener), 'close')
    await closed
    assert.equal(listener.connections(), 0)
    socket.destroy()
  })

  it('does not keep others from their answers', async () => {
    const listener = await start({ ...quick, headersMsMax: 300_000, requestMsMax: 300_000, drainMsMax: 1 })
    const slow = Array.from({ length: 200 }, () =>
      talk(listener.port, 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx'),
    )
    for (let index = 0; index < 20; index += 1) assert.match(await talk(listener.port, getAndClose).closed, answered)
    for (const { socket } of slow) socket.destroy()
  })
})

/** Resolves with a stand-in that tells when the only connection of the listener is gone. */
async function accepted(listener: Listener): Promise<EventTarget> {
  const target = new EventTarget()
  let wasOpen = false
  const look = (): void => {
    if (listener.connections() > 0) wasOpen = true
    if (wasOpen && listener.connections() === 0) target.dispatchEvent(new Event('close'))
    else setImmediate(look)
  }
  setImmediate(look)
  return target
}

describe('DS-07 connections', () => {
  it('that are idle make room for new ones at the limit', async () => {
    const listener = await start({ connectionsMax: 3 })
    const idle = [talk(listener.port, get), talk(listener.port, get), talk(listener.port, get)]
    for (const { received } of idle) await received(answered)
    assert.match(await talk(listener.port, getAndClose).closed, answered)
    await Promise.all(idle.map(({ closed }) => closed))
  })

  it('past the limit are turned away while all others are busy, and the busy ones are answered', async () => {
    const { handle, arrived, release } = heldBack()
    const listener = await start({ connectionsMax: 1 }, handle)
    const busy = talk(listener.port, getAndClose)
    await arrived
    assert.equal(await talk(listener.port, getAndClose).closed, '')
    release()
    assert.match(await busy.closed, answered)
  })

  it('never pass the limit, however many come', async () => {
    const listener = await start({ connectionsMax: 20, drainMsMax: 1 })
    const flood = Array.from({ length: 200 }, () => talk(listener.port))
    await Promise.all(flood.map(({ socket }) => once(socket, 'connect').catch(() => {})))
    await talk(listener.port, getAndClose).closed
    assert.ok(listener.connections() <= 20, `${listener.connections()} are open`)
    for (const { socket } of flood) socket.destroy()
  })
})

describe('closing', () => {
  it('answers what is in flight, says that the connection ends, and accepts nothing more', async () => {
    const { handle, arrived, release } = heldBack()
    const listener = await start({}, handle)
    const inFlight = talk(listener.port, get)
    await arrived
    const closing = listener.close()
    assert.equal(listener.close(), closing)
    const late = connect(listener.port, '127.0.0.1')
    await assert.rejects(once(late, 'connect'), { code: 'ECONNREFUSED' })
    release()
    assert.match(await inFlight.closed, /Connection: close\r\n.*hello$/s)
    await closing
    assert.equal(listener.connections(), 0)
  })

  it('waits neither for idle connections nor for those that never said a word', async () => {
    const listener = await start({ drainMsMax: 60_000 })
    const idle = talk(listener.port, get)
    await idle.received(answered)
    const mute = talk(listener.port)
    await once(mute.socket, 'connect')
    await talk(listener.port, getAndClose).closed
    await listener.close()
    assert.match(await idle.closed, answered)
    assert.equal(await mute.closed, '')
  })

  it('lets connections that are kept, or were just made, ask once more, and tells them that it was the last time', async () => {
    const listener = await start({ lastAskMs: 60_000, drainMsMax: 60_000 })
    const kept = talk(listener.port, get)
    await kept.received(answered)
    const fresh = talk(listener.port)
    await talk(listener.port, getAndClose).closed
    const closing = listener.close()
    for (const { socket, closed } of [kept, fresh]) {
      socket.write(get)
      assert.match(await closed, /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n[^]*hello$/s)
    }
    await closing
    assert.equal(listener.connections(), 0)
  })

  it('does not wait longer than it may', async () => {
    const { handle, arrived } = heldBack()
    const listener = await start({ drainMsMax: 20 }, handle)
    const stuck = talk(listener.port, get)
    await arrived
    await listener.close()
    assert.equal(await stuck.closed, '')
  })
})

describe('DS-01 an endless body', () => {
  it('leaves the memory of the server where it was', async () => {
    const server = await startProcess()
    try {
      await floodAgain(server.port)
      // What is kept of each body is kept of the next ones too; what the engine sets aside, it sets aside once.
      const grownBytes: number[] = []
      while (grownBytes.length < measurementsMax && !grownBytes.some(each => each < grownBytesMax)) {
        const before = await server.residentBytes()
        await floodAgain(server.port)
        grownBytes.push((await server.residentBytes()) - before)
      }
      assert.ok(
        grownBytes.some(each => each < grownBytesMax),
        `it grew by ${grownBytes.join(', then ')} bytes`,
      )
    } finally {
      server.child.kill()
    }
  })
})

const grownBytesMax = 5 * 1_048_576
const measurementsMax = 5

async function floodAgain(port: number): Promise<void> {
  for (let index = 0; index < 10; index += 1) assert.match(await flood(port), /^HTTP\/1\.1 413 /)
}

/** Sends chunks without end until the server has answered, and then hangs up. */
async function flood(port: number): Promise<string> {
  const { socket, received } = talk(port, 'POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  const send = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', send)
  send()
  const answer = await received(/\r\n\r\n/)
  socket.destroy()
  return answer
}

interface ServerProcess {
  readonly child: ChildProcess
  readonly port: number
  readonly residentBytes: () => Promise<number>
}

/** Memory can only be told apart from the client's in a process of the server's own. */
async function startProcess(): Promise<ServerProcess> {
  const script = `
    import { listen } from ${JSON.stringify(new URL('./node-listener.ts', import.meta.url).href)}
    const logger = { isLevelEnabled: () => false, debug() {}, info() {}, warn() {}, error() {} }
    const handle = async () => ({ status: 200, headers: {}, body: '' })
    const listener = await listen({ handle, host: ['127.0.0.1'], port: 0, logger, limits: { lingerMs: 300_000 } })
    process.on('message', () => { globalThis.gc(); process.send(process.memoryUsage.rss()) })
    process.send(listener.port)`
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const told = async (): Promise<number> => {
    const [value] = (await once(child, 'message')) as [number]
    return value
  }
  const port = await told()
  const residentBytes = (): Promise<number> => {
    child.send('measure')
    return told()
  }
  return { child, port, residentBytes }
}
