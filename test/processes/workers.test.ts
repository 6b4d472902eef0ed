/** One server with several threads: one port, one database, and the promises of one process. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { App, Tokens } from '../stage/app.ts'
import { type Holder, present, signedInHolders } from './holders.ts'
import { appOf, browserOf, openOffice } from './registered.ts'
import { dataDirectory, type Exit, pawlJson, type ServerProcess, startServer } from './server-process.ts'

const workers = 3
const connections = 60
const parallel = 20
const generations = 20

describe('a server with several workers', () => {
  it('says once that it is ready, answers on every thread, and ends with 0', async test => {
    const server = await startServer(test, {
      data: await dataDirectory(test),
      workers,
      flags: ['--log-level', 'debug'],
    })
    const sockets = await Promise.all(Array.from({ length: connections }, () => opened(server)))
    const answers = sockets.map(wholeAnswer)
    // Written, not ended: Node answers nobody who has closed their half before the answer is there.
    for (const socket of sockets) socket.write('GET /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
    const lines = answered(server)
    assert.equal(lines.length, connections)
    const threads = new Set(lines.map(line => line.thread ?? 0))
    assert.deepEqual(threads, new Set([0, 1, 2]), 'a thread answered nothing')
  })

  it('RT-01 gives every generation one successor, whichever threads it is presented to', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    await office.addUser()
    const registered = await office.addClient({ id: 'phone', kind: 'native' })
    const server = await startServer(test, { data, workers })
    const app = appOf(server, registered)
    let { refreshToken } = await app.signIn(browserOf(server))
    const seen = new Set([refreshToken])
    for (let generation = 0; generation < generations; generation++) {
      const [successor = '', ...others] = new Set(await allAtOnce(app, refreshToken))
      assert.deepEqual(others, [], `generation ${generation} has a second successor`)
      assert.ok(!seen.has(successor), `generation ${generation} answers a token of before`)
      seen.add(successor)
      refreshToken = successor
    }
    assert.equal((await app.refresh(refreshToken)).status, 200)
  })

  it('enforces on every thread what one command has ended', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    const server = await startServer(test, { data, workers })
    const holders = await signedInHolders(office, server, 4)
    const ended = (await pawlJson(['revoke', '--all', '--yes', '--data', data])) as { readonly families: number }
    assert.equal(ended.families, holders.length)
    for (const holder of holders) {
      const app = appOf(server, holder.registered)
      const answers = await Promise.all(Array.from({ length: parallel }, () => present(holder, app)))
      assert.deepEqual(new Set(answers.map(answer => answer.status)), new Set([400]))
    }
  })

  it('OP-03 stops under load without breaking off an answer, and the next one goes on', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    const server = await startServer(test, { data, workers })
    const holders = await signedInHolders(office, server, 4)
    const stops: Promise<Exit>[] = []
    let answers = 0
    const live = async (holder: Holder): Promise<void> => {
      const app = appOf(server, holder.registered)
      for (;;) {
        const answer = await present(holder, app).catch((error: unknown) => error)
        if (answer instanceof Error) return assert.equal(stops.length, 1, `broken off: ${answer.message}`)
        const { status, refreshToken } = answer as Tokens
        assert.equal(status, 200, 'a stopping server refuses a good request')
        holder.token = refreshToken
        answers += 1
        if (answers === holders.length * 20) stops.push(server.stop())
      }
    }
    await Promise.all(holders.map(live))
    assert.deepEqual(await Promise.all(stops), [{ code: 0, signal: null }])
    const next = await startServer(test, { data, workers: 2 })
    for (const holder of holders) {
      assert.equal((await present(holder, appOf(next, holder.registered))).status, 200)
    }
  })

  it('is refused the port of another server', async test => {
    const data = await dataDirectory(test)
    const server = await startServer(test, { data, workers })
    const again = startServer(test, { data, workers, port: server.port })
    await assert.rejects(again, /Port \d+ is taken: choose another with --port/)
  })
})

interface Line {
  readonly msg: string
  readonly thread?: number
}

/** What the log says about requests, each line whole. */
function answered(server: ServerProcess): readonly Line[] {
  const lines = server
    .stderr()
    .split('\n')
    .filter(line => line.startsWith('{'))
  return lines.map(line => JSON.parse(line) as Line).filter(line => line.msg === 'answered')
}

async function opened(server: ServerProcess): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function wholeAnswer(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

async function allAtOnce(app: App, refreshToken: string): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: parallel }, () => app.refresh(refreshToken)))
  for (const answer of answers) assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answers.map(answer => answer.refreshToken)
}
