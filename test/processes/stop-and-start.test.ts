/** How a server begins and ends: refused where it is unsafe, silent about itself in public, and gone without a loss. */

import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { basic } from '../stage/app.ts'
import { type Holder, present, signedInHolders } from './holders.ts'
import { appOf, openOffice } from './registered.ts'
import { dataDirectory, emptyDirectory, type Exit, runPawl, type ServerProcess, startServer } from './server-process.ts'
import { stablePort } from './stable-port.ts'

const goodKey = 'q1UaX7mDkz0Yf3Rw9LhSeVt5Nc2BoPj8GxEi4KuHdZs'
const issuer = 'https://login.example'

describe('a production server', () => {
  const refused = async (test: TestContext, flags: readonly string[], environment: { [name: string]: string }) => {
    const data = await dataDirectory(test)
    const words = ['serve', '--json', '--port', '0', '--data', data, ...flags]
    const { code, stdout, stderr } = await runPawl(words, { environment })
    assert.equal(code, 3, stderr)
    assert.equal(stdout, '', 'a server that does not start says nothing on stdout')
    assert.ok(!existsSync(join(data, 'pawl.db')), 'a database was opened before the refusal')
    assert.ok(!existsSync(join(data, 'master.key')), 'production made a key of its own')
    for (const secret of Object.values(environment)) assert.ok(!stderr.includes(secret) || secret.startsWith('/'))
    return stderr
  }

  it('OP-01 does not start over plain http', async test => {
    const stderr = await refused(test, ['--issuer', 'http://login.example'], { PAWL_MASTER_KEY: goodKey })
    assert.match(stderr, /http is for loopback only: write https:\/\/login\.example/)
  })

  it('OP-01 does not start without a master key of its operator', async test => {
    assert.match(await refused(test, ['--issuer', issuer], {}), /Production needs a master key .* openssl rand/)
  })

  it('OP-01 does not start with a key that is weak, short or no key', async test => {
    const weak = ['A'.repeat(43), Buffer.from('password'.repeat(4)).toString('base64url'), 'short', `${goodKey}=`]
    for (const PAWL_MASTER_KEY of weak) {
      assert.match(await refused(test, ['--issuer', issuer], { PAWL_MASTER_KEY }), /PAWL_MASTER_KEY is refused/)
    }
  })

  it('OP-01 does not start with a key file that others can read, and starts once they cannot', async test => {
    const path = join(await emptyDirectory(test), 'key')
    await writeFile(path, goodKey, { mode: 0o600 })
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      await chmod(path, mode)
      const stderr = await refused(test, ['--issuer', issuer], { PAWL_MASTER_KEY_FILE: path })
      assert.match(stderr, /can be read by others: run chmod 600/)
    }
    await chmod(path, 0o600)
    const environment = { PAWL_MASTER_KEY_FILE: path }
    const data = await dataDirectory(test)
    const server = await startServer(test, { data, port: await stablePort(), flags: ['--issuer', issuer], environment })
    assert.equal(server.issuer, issuer)
  })

  it('OP-05 shows health on the management port alone, and nothing secret there', async test => {
    const data = await dataDirectory(test)
    const environment = { PAWL_MASTER_KEY: goodKey }
    const flags = ['--issuer', issuer]
    const server = await startServer(test, { data, port: await stablePort(), flags, environment })
    for (const path of ['/livez', '/readyz', '/healthz', '/health', '/metrics', '/admin', '/debug']) {
      const { status } = await server.send(path)
      assert.equal(status, 404, path)
    }
    const answers = ['/livez', '/readyz'].map(async path => (await fetch(new URL(path, server.admin))).text())
    assert.deepEqual(await Promise.all(answers), ['{"alive":true}', '{"ready":true,"reasons":[]}'])
    for (const path of ['/token', '/authorize', '/jwks', '/']) {
      assert.equal((await fetch(new URL(path, server.admin))).status, 404, path)
    }
    assert.equal(new URL(server.admin).hostname, '127.0.0.1')
  })
})

describe('a server that is told to stop', () => {
  it('answers what is in flight under load, ends with 0, and the next one goes on where it was', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    const server = await startServer(test, { data })
    const holders = await signedInHolders(office, server, 4)
    let answers = 0
    const stops: Promise<Exit>[] = []
    const live = async (holder: Holder): Promise<void> => {
      const app = appOf(server, holder.registered)
      for (;;) {
        const answer = await present(holder, app).catch((error: unknown) => error)
        if (answer instanceof Error) return assert.equal(stops.length, 1, `broken off: ${answer.message}`)
        const { status, refreshToken } = answer as Awaited<ReturnType<typeof present>>
        assert.equal(status, 200, 'a stopping server refuses a good request')
        holder.token = refreshToken
        answers += 1
        if (answers === holders.length * 10) stops.push(server.stop())
      }
    }
    await Promise.all(holders.map(live))
    assert.deepEqual(await Promise.all(stops), [{ code: 0, signal: null }])
    const next = await startServer(test, { data })
    for (const holder of holders) {
      assert.equal((await present(holder, appOf(next, holder.registered))).status, 200)
    }
    test.diagnostic(`ready after ${Math.round(server.readyMs)} ms on new data, ${Math.round(next.readyMs)} ms on old`)
  })

  for (const workers of [1, 2]) {
    it(`answers every request that reached it before the signal, also where it lay unread, on ${workers} threads`, async test => {
      const data = await dataDirectory(test)
      await stopsWithRequestsUnread(await startServer(test, { data, workers }))
    })
  }

  it('says that it is not ready while it still answers what was asked before', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    const registered = await office.addClient({ id: 'robot', kind: 'service', redirectUris: [], scopes: ['read'] })
    const server = await startServer(test, { data })
    const authorization = basic('robot', registered.secret ?? '')
    const { socket, rest } = await halfRequest(server, authorization)
    const stopped = server.stop()
    assert.deepEqual(await notReady(server), { ready: false, reasons: ['the server is stopping'] })
    socket.write(rest)
    const answer = await wholeAnswer(socket)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(answer, /\r\nConnection: close\r\n/i)
    assert.deepEqual(await stopped, { code: 0, signal: null })
  })

  it('does not wait for a request that never comes to its end', async test => {
    const data = await dataDirectory(test)
    const server = await startServer(test, { data, flags: ['--drain-seconds', '1'] })
    const { socket } = await halfRequest(server, basic('robot', 'x'))
    const closed = once(socket, 'close')
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
    await closed
  })
})

const connections = 200
const jwksRequest = 'GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function stopsWithRequestsUnread(server: ServerProcess): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => usedConnection(server)))
  const answers = sockets.map(wholeAnswer)
  // A process that is held reads nothing, so the requests are there before the signal, and both before it goes on.
  server.signal('SIGSTOP')
  await Promise.all(sockets.map(socket => new Promise(sent => socket.write(jwksRequest, sent))))
  const stopped = server.stop()
  server.signal('SIGCONT')
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  assert.deepEqual(await stopped, { code: 0, signal: null })
}

/** A connection that was answered once and is kept. */
async function usedConnection(server: ServerProcess): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(jwksRequest)
  await once(socket, 'data')
  return socket
}

interface HalfRequest {
  readonly socket: Socket
  readonly rest: string
}

/** A request whose body stops half way. The answer to another request behind it shows that the server has read it. */
async function halfRequest(server: ServerProcess, authorization: string): Promise<HalfRequest> {
  const body = 'grant_type=client_credentials'
  const head = [
    'POST /token HTTP/1.1',
    'Host: localhost',
    `Authorization: ${authorization}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ]
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`${jwksRequest}${head.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`)
  await once(socket, 'data')
  return { socket, rest: body.slice(10) }
}

async function wholeAnswer(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}

/** Asks until the signal has arrived: it and a request travel on different ways. */
async function notReady(server: ServerProcess): Promise<unknown> {
  for (;;) {
    const response = await fetch(new URL('/readyz', server.admin))
    const body: unknown = await response.json()
    if (response.status === 503) return body
  }
}
