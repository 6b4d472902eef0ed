import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runHere } from './fixture.test.ts'

/** The server as whoever starts it sees it: one line when it is ready, health beside it, and a clean end. */

const program = fileURLToPath(new URL('../../bin/pawl.js', import.meta.url))
const hangsAfterMs = 300_000

let home: string

before(() => {
  home = mkdtempSync(join(tmpdir(), 'pawl-serve-'))
})

after(() => {
  rmSync(home, { recursive: true })
})

interface Ready {
  readonly event: 'ready'
  readonly issuer: string
  readonly admin: string
}

interface Started {
  readonly process: ChildProcess
  readonly ready: Ready
  /** Every line of stdout so far. */
  readonly lines: readonly string[]
  readonly ended: Promise<number | null>
}

async function start(words: readonly string[]): Promise<Started> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAWL_')))
  const child = spawn(process.execPath, [program, ...words, '--json'], { env: clean, timeout: hangsAfterMs })
  const ended = once(child, 'exit').then(([exitCode]) => exitCode as number | null)
  child.stderr.resume()
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  await Promise.race([once(reader, 'line'), ended])
  return { process: child, ready: JSON.parse(lines[0] ?? '{}') as Ready, lines, ended }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

describe('serve', () => {
  it('prints one line when it is ready, answers, and ends with 0 at SIGTERM', async () => {
    const server = await start(['serve', '--data', join(home, 'one'), '--port', '0'])
    assert.deepEqual(Object.keys(server.ready), ['event', 'issuer', 'admin'])
    const { issuer, admin } = server.ready
    assert.match(issuer, /^http:\/\/localhost:\d+$/)
    const metadata = await fetch(`${issuer}/.well-known/openid-configuration`)
    assert.equal(((await metadata.json()) as { issuer: string }).issuer, issuer)
    assert.equal((await fetch(`${admin}/readyz`)).status, 200)
    assert.equal((await fetch(`${admin}/livez`)).status, 200)
    assert.equal((await fetch(`${admin}/token`)).status, 404)
    server.process.kill('SIGTERM')
    assert.equal(await server.ended, 0)
    assert.equal(server.lines.length, 1)
  })

  it('OP-05 keeps health off the public listener', async () => {
    const server = await start(['serve', '--data', join(home, 'two'), '--port', '0'])
    for (const path of ['/livez', '/readyz', '/metrics']) {
      assert.equal((await fetch(server.ready.issuer + path)).status, 404, path)
    }
    server.process.kill('SIGTERM')
    assert.equal(await server.ended, 0)
  })

  it('is named by --issuer alone, whatever port it listens on', async () => {
    const issuer = 'http://localhost:1'
    const server = await start(['serve', '--data', join(home, 'three'), '--port', '0', '--issuer', issuer])
    assert.equal(server.ready.issuer, issuer)
    server.process.kill('SIGINT')
    assert.equal(await server.ended, 0)
  })

  it('runs twice on one machine, each with ports of its own, also on one database', async () => {
    const words = ['serve', '--data', join(home, 'four'), '--port', '0']
    const servers = await Promise.all([start(words), start(words)])
    const ports = servers.flatMap(({ ready }) => [portOf(ready.issuer), portOf(ready.admin)])
    assert.equal(new Set(ports).size, 4)
    for (const server of servers) server.process.kill('SIGTERM')
    assert.deepEqual(await Promise.all(servers.map(server => server.ended)), [0, 0])
  })

  it('answers what is in flight before it ends', async () => {
    const server = await start(['serve', '--data', join(home, 'five'), '--port', '0', '--workers', '1'])
    const socket = connect(portOf(server.ready.issuer), '127.0.0.1')
    await once(socket, 'connect')
    const head =
      'POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n'
    socket.write(`${head}grant_type=`)
    // One thread accepts and reads connections in the order they came: once this one is answered, the first was read too.
    await fetch(`${server.ready.issuer}/jwks`)
    server.process.kill('SIGTERM')
    socket.write('client_credentials')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString('latin1'), /^HTTP\/1\.1 401 /)
    assert.equal(await server.ended, 0)
    socket.destroy()
  })

  it('ends at once at the second signal', async () => {
    const flags = ['--port', '0', '--workers', '1', '--drain-seconds', '300']
    const server = await start(['serve', '--data', join(home, 'six'), ...flags])
    const socket = connect(portOf(server.ready.issuer), '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket.write('POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n')
    await fetch(`${server.ready.issuer}/jwks`)
    server.process.kill('SIGTERM')
    const { admin } = server.ready
    // Once it says that it is not ready, the first signal has been heard.
    while ((await fetch(`${admin}/readyz`)).status === 200);
    server.process.kill('SIGTERM')
    assert.equal(await server.ended, 1)
    socket.destroy()
  })

  it('says which port is taken', async () => {
    const server = await start(['serve', '--data', join(home, 'seven'), '--port', '0'])
    const port = String(portOf(server.ready.issuer))
    const { exitCode, err } = await runHere(['serve', '--data', join(home, 'seven'), '--port', port])
    assert.deepEqual([exitCode, err], [3, `Port ${port} is taken: choose another with --port.\n`])
    server.process.kill('SIGTERM')
    assert.equal(await server.ended, 0)
  })
})

interface DevReady extends Ready {
  readonly samples: {
    readonly user: { readonly password: string }
    readonly service: { readonly client_id: string; readonly client_secret: string }
  }
}

interface Story {
  readonly kept: boolean
  readonly steps: readonly { readonly kept: boolean; readonly promise: string }[]
}

describe('dev and try', () => {
  it('tells the whole story as promised, and again after a restart with new secrets', async () => {
    const data = join(home, 'dev')
    const passwords = new Set<string>()
    for (let round = 0; round < 2; round++) {
      const server = await start(['dev', '--data', data, '--port', '0'])
      const { issuer, samples } = server.ready as DevReady
      passwords.add(samples.user.password)
      const { exitCode, out, err } = await runHere(['try', '--data', data, '--json'])
      const story = JSON.parse(out) as Story
      assert.deepEqual([exitCode, err, story.kept], [0, '', true])
      assert.equal(story.steps.filter(({ kept }) => kept).length, 12)
      const { client_id: id, client_secret: secret } = samples.service
      const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      const token = await fetch(`${issuer}/token`, { method: 'POST', headers: { authorization }, body })
      assert.equal(token.status, 200)
      server.process.kill('SIGTERM')
      assert.equal(await server.ended, 0)
    }
    assert.equal(passwords.size, 2)
    assert.equal(statSync(join(data, 'dev.json')).mode & 0o777, 0o600)
    assert.equal(readFileSync(join(data, 'pawl.db')).includes([...passwords][1] ?? ''), false)
  })

  it('ends with 4 when the server is gone, and with 1 when a promise is broken', async () => {
    const data = join(home, 'gone')
    const server = await start(['dev', '--data', data, '--port', '0'])
    await runHere(['client', 'set', 'demo-native', '--disable', '--data', data])
    const broken = await runHere(['try', '--data', data])
    assert.deepEqual([broken.exitCode, broken.err], [1, ''])
    assert.match(broken.out, /Not as promised: A person signs in/)
    server.process.kill('SIGTERM')
    assert.equal(await server.ended, 0)
    const gone = await runHere(['try', '--data', data])
    assert.equal(gone.exitCode, 4)
    assert.match(gone.err, /does not answer: is the server running/)
  })
})
