/** Certificates that are renewed while a server runs, over real files and real handshakes. Only the waiting is left out. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { type Certificate, makeAuthority } from '../../../../test/network/certificates.ts'
import {
  type ClientAuthority,
  type ClientCertificate,
  clientAuthority,
} from '../../../../test/network/client-certificates.ts'
import { settingsSchema } from '../config/settings.ts'
import { systemClock } from '../domain/time.ts'
import { lineLogger } from '../http/access-log.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import { listenOn } from './public-listener.ts'
import { tlsFilesReadEverySeconds } from './tls-renewal.ts'

let shown: { readonly old: Certificate; readonly renewed: Certificate }
let clients: { readonly old: ClientAuthority; readonly renewed: ClientAuthority }

before(async () => {
  const authority = await makeAuthority('the operator')
  shown = { old: await authority.vouchFor(['localhost']), renewed: await authority.vouchFor(['localhost']) }
  clients = { old: await clientAuthority('clients'), renewed: await clientAuthority('other clients') }
})

/** Both ports over files that can be written anew. `look` is what a timer would call. */
async function openServer(test: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'pawl-renewal-'))
  const files = { tlsCert: join(home, 'cert.pem'), tlsKey: join(home, 'key.pem'), tlsClientCa: join(home, 'ca.pem') }
  const write = (file: keyof typeof files, text: string): void => writeFileSync(files[file], text)
  write('tlsCert', shown.old.certificate)
  write('tlsKey', shown.old.privateKey)
  write('tlsClientCa', clients.old.pem)
  const lines: string[] = []
  const looks = new Map<() => void, number>()
  const every = (callback: () => void, seconds: number) => {
    looks.set(callback, seconds)
    return () => looks.delete(callback)
  }
  const listener = await listenOn(
    { ...settingsSchema.parse({ host: '127.0.0.1', drainSeconds: 0, mtlsPort: 0, ...files }), port: 0 },
    { handle: tellCertificate, handleApplications: tellCertificate },
    {
      logger: lineLogger('info', { write: line => lines.push(line) }),
      sharing: undefined,
      nowMs: systemClock.nowMs,
      every,
    },
  )
  test.after(async () => {
    await listener.close()
    assert.equal(looks.size, 0, 'nobody looks any more')
    rmSync(home, { recursive: true })
  })
  assert.deepEqual([...looks.values()], [tlsFilesReadEverySeconds])
  const look = (): void => looks.forEach((_, callback) => callback())
  const port = listener.mtlsPort ?? 0
  return { ports: [listener.port, port], port, write, look, lines }
}

async function tellCertificate({ certificate }: HttpRequest): Promise<HttpResponse> {
  return { status: 200, headers: {}, body: certificate?.verified === true ? 'vouched for' : 'nobody' }
}

interface Met {
  /** The certificate of the server. */
  readonly fingerprint: string
  readonly localPort: number | undefined
  readonly said: string
}

function meet(port: number, agent = new Agent(), certificate?: ClientCertificate): Promise<Met> {
  const own = certificate && { cert: certificate.pem, key: certificate.privateKey }
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: '127.0.0.1', port, agent, rejectUnauthorized: false, ...own })
    request.on('error', reject).on('response', response => {
      const { socket } = response
      assert.ok(socket instanceof TLSSocket)
      const { fingerprint256: fingerprint } = socket.getPeerCertificate()
      const { localPort } = socket
      let said = ''
      response.setEncoding('utf8').on('data', (text: string) => (said += text))
      response.on('end', () => resolve({ fingerprint, localPort, said }))
    })
    request.end()
  })
}

function fingerprintOf({ certificate }: Certificate): string {
  return new X509Certificate(certificate).fingerprint256
}

describe('a renewed certificate', () => {
  it('is shown on every port from the next handshake on, while open connections go on', async test => {
    const { ports, port, write, look, lines } = await openServer(test)
    const open = new Agent({ keepAlive: true, maxSockets: 1 })
    test.after(() => open.destroy())
    const first = await meet(port, open)
    assert.equal(first.fingerprint, fingerprintOf(shown.old))
    write('tlsCert', shown.renewed.certificate)
    write('tlsKey', shown.renewed.privateKey)
    look()
    for (const each of ports) assert.equal((await meet(each)).fingerprint, fingerprintOf(shown.renewed))
    assert.equal((await meet(port, open)).localPort, first.localPort, 'the same connection')
    look()
    assert.equal(lines.filter(line => line.includes('renewed certificates are in use')).length, 1)
  })

  it('waits for its key: with that of before it is not used, and the operator is told once where it stays so', async test => {
    const { port, write, look, lines } = await openServer(test)
    const complaints = (): number => lines.filter(line => line.includes('cannot be used')).length
    write('tlsCert', shown.renewed.certificate)
    look()
    assert.equal(complaints(), 0, 'somebody may be writing the other file')
    for (let times = 0; times < 3; times++) look()
    assert.equal(complaints(), 1)
    assert.equal((await meet(port)).fingerprint, fingerprintOf(shown.old))
    write('tlsCert', 'no certificate')
    for (let times = 0; times < 3; times++) look()
    assert.equal(complaints(), 2, 'another reason')
    assert.equal((await meet(port)).fingerprint, fingerprintOf(shown.old))
    write('tlsCert', shown.renewed.certificate)
    write('tlsKey', shown.renewed.privateKey)
    look()
    assert.equal((await meet(port)).fingerprint, fingerprintOf(shown.renewed))
    assert.ok(lines.every(line => !line.includes('PRIVATE KEY')))
  })
})

describe('the authorities of clients', () => {
  it('count as they stand in their file now, also for who is connected', async test => {
    const { port, write, look } = await openServer(test)
    const [old, renewed] = [await clients.old.issue(), await clients.renewed.issue()]
    const open = new Agent({ keepAlive: true, maxSockets: 1 })
    test.after(() => open.destroy())
    const first = await meet(port, open, old)
    assert.equal(first.said, 'vouched for')
    assert.equal((await meet(port, new Agent(), renewed)).said, 'nobody')
    write('tlsClientCa', clients.renewed.pem)
    look()
    assert.deepEqual(await meet(port, open, old), { ...first, said: 'nobody' })
    assert.equal((await meet(port, new Agent(), renewed)).said, 'vouched for')
  })
})
