/** The proxy does to a connection what it is told: to the byte, to the side, and to no other connection. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { type Conversation, dial, echoServer, type EchoServer, heardBytes } from './echo-server.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { blackHole, cutAfter, delayed, resetAfter, severAfter, swallowed } from './faults.ts'

describe('the fault proxy', () => {
  it('passes everything on, ends too, while nothing else is asked for', async test => {
    const { client, server, proxy } = await talking(test)
    await says(client, 'hello')
    client.socket.end('goodbye')
    assert.equal(await heardBytes(client, 12), 'hellogoodbye')
    assert.equal(await server.ended, 'end')
    assert.equal(await client.ended, 'end')
    await proxy.idle()
    assert.equal(proxy.accepted(), 1)
  })

  it('cuts after exactly so many bytes of the answer', async test => {
    for (const bytes of [0, 1, 4, 9]) {
      const { client, server } = await talking(test, proxy => proxy.faultNext(cutAfter('toClient', bytes)))
      client.socket.write('0123456789')
      assert.equal(await client.ended, 'end')
      assert.equal(client.heard(), '0123456789'.slice(0, bytes))
      await server.ended
      assert.equal(server.heard(), '0123456789')
    }
  })

  it('cuts after exactly so many bytes of the request', async test => {
    for (const bytes of [0, 1, 9]) {
      const { client, server } = await talking(test, proxy => proxy.faultNext(cutAfter('toServer', bytes)))
      client.socket.write('0123456789')
      await server.ended
      assert.equal(server.heard(), '0123456789'.slice(0, bytes))
      await client.ended
    }
  })

  it('ends with a RST on both sides where it is told to', async test => {
    const { client, server } = await talking(test, proxy => proxy.faultNext(resetAfter('toServer', 3)))
    client.socket.write('0123456789')
    assert.deepEqual(await Promise.all([client.ended, server.ended]), ['ECONNRESET', 'ECONNRESET'])
  })

  it('passes the reset of one side on to the other', async test => {
    const { client, server } = await talking(test)
    await says(client, 'hello')
    client.socket.resetAndDestroy()
    assert.equal(await server.ended, 'ECONNRESET')
  })

  it('leaves a connection half open: neither side hears of the other again, not even of its end', async test => {
    const { client, server, proxy } = await talking(test, one => one.faultNext(severAfter('toClient', 5)))
    await says(client, 'hello')
    client.socket.end('is anybody there?')
    await crossesBeside(test, proxy)
    assert.deepEqual([client.heard(), server.heard()], ['hello', 'hello'])
    assert.equal(server.socket.readableEnded, false)
    server.socket.end('yes')
    await crossesBeside(test, proxy)
    assert.equal(client.heard(), 'hello')
    proxy.heal()
    assert.equal(await client.ended, 'ECONNRESET')
    await proxy.idle()
  })

  it('accepts into a black hole', async test => {
    const { client, server, proxy } = await talking(test, one => one.faultNext(blackHole))
    client.socket.write('hello')
    await crossesBeside(test, proxy)
    assert.deepEqual([client.heard(), server.heard()], ['', ''])
  })

  it('lets the bytes of one direction vanish, of connections that are open already', async test => {
    const { client, server, proxy } = await talking(test)
    await says(client, 'one')
    proxy.faultAll(swallowed('toClient'))
    client.socket.write('two')
    await heardBytes(server, 6)
    await crossesBeside(test, proxy)
    proxy.heal()
    client.socket.write('three')
    assert.equal(await heardBytes(client, 8), 'onethree')
  })

  it('delays what is said, keeps its order, and ends after it', async test => {
    const { client } = await talking(test, proxy => proxy.faultNext(delayed('toClient', 20)))
    client.socket.write('one')
    client.socket.end('two')
    assert.equal(await client.ended, 'end')
    assert.equal(client.heard(), 'onetwo')
  })

  it('holds everything and loses nothing', async test => {
    const { client, server, proxy, echo } = await talking(test)
    await says(client, 'one')
    proxy.hold()
    client.socket.write('two')
    const accepted = echo.next()
    const late = await dial(test, proxy.port)
    late.socket.write('late')
    await accepted
    assert.equal(server.heard(), 'one')
    proxy.release()
    assert.equal(await heardBytes(client, 6), 'onetwo')
    assert.equal(await heardBytes(late, 4), 'late')
  })

  it('refuses connections, keeps those that are open, and accepts again on the same port', async test => {
    const { client, proxy } = await talking(test)
    proxy.refuse()
    const [refusal] = (await once(connect(proxy.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
    assert.equal(refusal.code, 'ECONNREFUSED')
    await says(client, 'still here')
    await proxy.accept()
    await says(await dial(test, proxy.port), 'hello')
  })

  it('ends a connection with a RST where the server behind it is gone', async test => {
    const echo = await echoServer(test)
    const proxy = await faultProxy(test, echo.port)
    await echo.close()
    const client = await dial(test, proxy.port)
    assert.equal(await client.ended, 'ECONNRESET')
    await proxy.idle()
  })

  it('does a fault for the next connection to that one alone', async test => {
    const { client, proxy } = await talking(test)
    proxy.faultNext(cutAfter('toClient', 0))
    const unlucky = await dial(test, proxy.port)
    const lucky = await dial(test, proxy.port)
    unlucky.socket.write('hello')
    assert.equal(await unlucky.ended, 'end')
    await says(lucky, 'hello')
    await says(client, 'hello')
    assert.equal(proxy.connections(), 2)
  })
})

interface Talk {
  readonly echo: EchoServer
  readonly proxy: FaultProxy
  readonly client: Conversation
  readonly server: Conversation
}

/** A client and a server that have just been connected. */
async function talking(test: TestContext, prepare: (proxy: FaultProxy) => void = () => {}): Promise<Talk> {
  const echo = await echoServer(test)
  const proxy = await faultProxy(test, echo.port)
  prepare(proxy)
  const accepted = echo.next()
  const client = await dial(test, proxy.port)
  return { echo, proxy, client, server: await accepted }
}

async function says(client: Conversation, text: string): Promise<void> {
  const before = client.heard()
  client.socket.write(text)
  assert.equal(await heardBytes(client, before.length + text.length), before + text)
}

/** Whatever was on its way before has reached the proxy by now: a later connection has gone there and back. */
async function crossesBeside(test: TestContext, proxy: FaultProxy): Promise<void> {
  const later = await dial(test, proxy.port)
  later.socket.end('a later connection')
  await later.ended
}
