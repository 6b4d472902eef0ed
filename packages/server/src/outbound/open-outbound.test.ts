import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { OutboundFailed, type OutboundRefusal, OutboundRefused } from '../domain/outbound/outbound.ts'
import {
  openOutbound,
  outboundForStrangersMax,
  outboundUnderWayMax,
  outboundUnderWayPerHostMax,
  type OutboundWorld,
} from './open-outbound.ts'
import { openSite, type Site, siteCertificate } from './fixture.test.ts'

const development = { allowsLoopback: true, privateHosts: new Set<string>() }
const get = { method: 'GET', bytesMax: 1000, secondsMax: 5 } as const

let sites: Site[] = []

async function site(...parts: Parameters<typeof openSite>): Promise<Site> {
  const opened = await openSite(...parts)
  sites.push(opened)
  return opened
}

afterEach(async () => {
  await Promise.all(sites.map(({ close }) => close()))
  sites = []
})

async function assertRefused(sent: Promise<unknown>, reason: OutboundRefusal): Promise<void> {
  await assert.rejects(sent, error => error instanceof OutboundRefused && error.reason === reason)
}

describe('a request to somebody else', () => {
  it('brings status, headers and body back', async () => {
    const { origin, requests } = await site((_, response) => {
      response.writeHead(201, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'max-age=60' })
      response.end('{"a":1}')
    })
    const answer = await openOutbound(development).send({
      ...get,
      url: `${origin}/x?y=1`,
      accept: ['application/json'],
    })

    assert.equal(answer.status, 201)
    assert.equal(answer.headers['cache-control'], 'max-age=60')
    assert.equal(Buffer.from(answer.body).toString(), '{"a":1}')
    assert.equal(requests[0]?.url, '/x?y=1')
    assert.equal(requests[0]?.headers['accept'], 'application/json')
    assert.equal(requests[0]?.headers['accept-encoding'], 'identity')
    assert.equal(requests[0]?.headers['cookie'], undefined)
  })

  it('posts a body with its length', async () => {
    let body = ''
    const { origin, requests } = await site((request, response) => {
      request.on('data', chunk => (body += String(chunk)))
      request.on('end', () => response.end())
    })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const sent = { ...get, method: 'POST', url: origin, headers: form, body: 'logout_token=ä' } as const
    const { status } = await openOutbound(development).send(sent)

    assert.equal(status, 200)
    assert.equal(body, 'logout_token=ä')
    assert.equal(requests[0]?.headers['content-length'], '15')
    assert.equal(requests[0]?.headers['transfer-encoding'], undefined)
  })

  it('tells an error status, whatever its media type', async () => {
    const { origin } = await site((_, response) => response.writeHead(503, { 'content-type': 'text/html' }).end('no'))
    const { status } = await openOutbound(development).send({ ...get, url: origin, accept: ['application/json'] })
    assert.equal(status, 503)
  })

  it('verifies the certificate, for the name that was asked for', async () => {
    const { port, origin } = await site((_, response) => response.end('hello'), 'https')
    const rules = { allowsLoopback: false, privateHosts: new Set(['rp.example', 'other.example']) }
    const resolveHost: OutboundWorld['resolveHost'] = async () => ['127.0.0.1']
    const trusting = openOutbound(rules, { resolveHost, trustedRoots: siteCertificate })
    const { body } = await trusting.send({ ...get, url: origin })

    assert.equal(Buffer.from(body).toString(), 'hello')
    await assert.rejects(trusting.send({ ...get, url: `https://other.example:${port}` }), OutboundFailed)
    await assert.rejects(openOutbound(rules, { resolveHost }).send({ ...get, url: origin }), OutboundFailed)
  })

  it('goes to the address that was judged: the name is asked for once', async () => {
    const { origin } = await site((_, response) => response.end('ok'), 'https')
    let asked = 0
    const resolveHost = async () => {
      asked += 1
      return ['127.0.0.1']
    }
    const rules = { allowsLoopback: false, privateHosts: new Set(['rp.example']) }
    await openOutbound(rules, { resolveHost, trustedRoots: siteCertificate }).send({ ...get, url: origin })
    assert.equal(asked, 1)
  })

  it('fails where nobody listens, where a name has no address, and where the answer breaks off', async () => {
    const closed = await openSite(() => {})
    await closed.close()
    const broken = await site((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half')
      response.socket?.end()
    })
    const nameless = openOutbound(development, { resolveHost: async () => [] })
    const unknown = openOutbound(development, { resolveHost: () => Promise.reject(new Error('ENOTFOUND')) })

    await assert.rejects(openOutbound(development).send({ ...get, url: closed.origin }), OutboundFailed)
    await assert.rejects(openOutbound(development).send({ ...get, url: broken.origin }), OutboundFailed)
    await assert.rejects(nameless.send({ ...get, url: 'https://a.example' }), OutboundFailed)
    await assert.rejects(unknown.send({ ...get, url: 'https://a.example' }), OutboundFailed)
  })

  it('fails where the other side changes the protocol, and holds no slot for it', async () => {
    const { origin } = await site((request, response) => {
      const text = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
      if (request.url === '/closed') response.socket?.end(text)
      else response.socket?.write(text)
    })
    const outbound = openOutbound(development)
    for (let n = 0; n <= outboundUnderWayPerHostMax; n++) {
      const url = `${origin}/${n % 2 === 0 ? 'closed' : 'open'}`
      await assert.rejects(outbound.send({ ...get, url }), OutboundFailed, `number ${n}`)
    }
  })

  it('takes an answer of exactly the bytes allowed, and none longer, announced or not', async () => {
    const { origin } = await site((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', '1001')
      response.write('x'.repeat(1000))
      response.end(request.url === '/fits' ? '' : 'x')
    })
    const outbound = openOutbound(development)

    assert.equal((await outbound.send({ ...get, url: `${origin}/fits` })).body.length, 1000)
    await assertRefused(outbound.send({ ...get, url: `${origin}/longer` }), 'size')
    await assertRefused(outbound.send({ ...get, url: `${origin}/announced` }), 'size')
  })

  it('takes a structured suffix for the type it stands for', async () => {
    const { origin } = await site((request, response) => {
      response
        .writeHead(200, { 'content-type': request.url === '/good' ? 'Application/X+JSON' : 'text/json' })
        .end('{}')
    })
    const outbound = openOutbound(development)
    const accept = ['application/json', '+json']

    assert.equal((await outbound.send({ ...get, url: `${origin}/good`, accept })).status, 200)
    await assertRefused(outbound.send({ ...get, url: `${origin}/bad`, accept }), 'type')
  })

  it('does not unpack anything', async () => {
    const { origin } = await site((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(500)))
    })
    await assertRefused(openOutbound(development).send({ ...get, url: origin }), 'type')
  })

  it('ends at its deadline, whether the name, the headers or the body keep it waiting', async () => {
    const timers = heldTimers()
    const { startTimer } = timers
    const never = () => new Promise<never>(() => {})
    const naming = openOutbound(development, { startTimer, resolveHost: never })
    const nameless = assertRefused(naming.send({ ...get, url: 'https://a.example' }), 'time')
    timers.goOff()
    await nameless

    const outbound = openOutbound(development, { startTimer })
    for (const start of [() => {}, (response: ServerResponse) => response.writeHead(200).write('x')]) {
      const reached = Promise.withResolvers<void>()
      const { origin } = await site((_, response) => {
        start(response)
        reached.resolve()
      })
      const slow = assertRefused(outbound.send({ ...get, url: origin, secondsMax: 3 }), 'time')
      await reached.promise
      timers.goOff()
      await slow
    }
    assert.deepEqual(timers.delaysMs, [5000, 3000, 3000])
  })

  it('is refused while too many are under way, to one host or in all, and taken again when one is over', async () => {
    const waiting: (() => void)[] = []
    const resolveHost: OutboundWorld['resolveHost'] = () =>
      new Promise((_, reject) => waiting.push(() => reject(new Error('no'))))
    const outbound = openOutbound(development, { resolveHost })
    const sent: Promise<unknown>[] = []
    const send = (host: string) => sent.push(assert.rejects(outbound.send({ ...get, url: `https://${host}` })))

    for (let n = 0; n < outboundUnderWayPerHostMax; n++) send('one.example')
    await assertRefused(outbound.send({ ...get, url: 'https://one.example/other' }), 'busy')
    while (waiting.length < outboundUnderWayMax) send(`host-${waiting.length}.example`)
    await assertRefused(outbound.send({ ...get, url: 'https://new.example' }), 'busy')
    for (const end of waiting) end()
    await Promise.all(sent)

    const last = outbound.send({ ...get, url: 'https://one.example' })
    waiting.at(-1)?.()
    await assert.rejects(last, OutboundFailed)
  })

  it('leaves room for others, however much strangers have sent', async () => {
    const waiting: (() => void)[] = []
    const resolveHost: OutboundWorld['resolveHost'] = () =>
      new Promise((_, reject) => waiting.push(() => reject(new Error('no'))))
    const outbound = openOutbound(development, { resolveHost })
    const sent: Promise<unknown>[] = []
    const send = (host: string, forStranger: boolean) =>
      sent.push(assert.rejects(outbound.send({ ...get, url: `https://${host}`, forStranger }), OutboundFailed))
    while (waiting.length < outboundForStrangersMax) send(`stranger-${waiting.length}.example`, true)
    await assertRefused(outbound.send({ ...get, url: 'https://late.example', forStranger: true }), 'busy')
    while (waiting.length < outboundUnderWayMax) send(`own-${waiting.length}.example`, false)
    for (const end of waiting) end()
    await Promise.all(sent)

    send('stranger.example', true)
    waiting.at(-1)?.()
    await sent.at(-1)
  })

  it('says no path and no secret in its errors', async () => {
    const outbound = openOutbound(development, { resolveHost: async () => ['10.0.0.1'] })
    await assert.rejects(
      outbound.send({ ...get, url: 'https://a.example/secret?token=secret', headers: { authorization: 'secret' } }),
      error => error instanceof OutboundRefused && !error.message.includes('secret'),
    )
  })
})

function heldTimers() {
  const delaysMs: number[] = []
  let held: (() => void)[] = []
  return {
    delaysMs,
    startTimer: (callback: () => void, afterMs: number) => {
      delaysMs.push(afterMs)
      held.push(callback)
      return () => {}
    },
    goOff: () => {
      for (const callback of held) callback()
      held = []
    },
  }
}
