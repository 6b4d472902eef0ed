/** Requests that strangers would have this server make (OWASP calls it SSRF): each must end before anything is sent. */

import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { afterEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type OutboundRefusal, OutboundRefused } from '../../packages/server/src/domain/outbound/outbound.ts'
import { openSite, type Site } from '../../packages/server/src/outbound/fixture.test.ts'
import { openOutbound } from '../../packages/server/src/outbound/open-outbound.ts'
import { notedTimers } from '../stage/timers.ts'

const production = { allowsLoopback: false, privateHosts: new Set<string>() }
const development = { allowsLoopback: true, privateHosts: new Set<string>() }
const get = { method: 'GET', bytesMax: 5_120, secondsMax: 3 } as const

const inside = `
  127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200 192.0.0.192
  198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::7f00:1 64:ff9b::a00:1
  64:ff9b:1::a00:1 2002:a00:1:: 2001:0:a00:1:: fd00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1`
  .trim()
  .split(/\s+/)

let sites: Site[] = []

afterEach(async () => {
  await Promise.all(sites.map(({ close }) => close()))
  sites = []
})

async function site(answer: RequestListener): Promise<Site> {
  const opened = await openSite(answer)
  sites.push(opened)
  return opened
}

async function assertRefused(sent: Promise<unknown>, reason: OutboundRefusal, about: string): Promise<void> {
  await assert.rejects(sent, error => error instanceof OutboundRefused && error.reason === reason, about)
}

describe('a request that is to reach what is not public', () => {
  it('SF-01 is refused for every name that resolves to an address inside, alone or beside a public one', async () => {
    for (const address of inside) {
      for (const addresses of [[address], ['93.184.215.14', address], [address, '2606:4700::1']]) {
        for (const rules of [production, development]) {
          const outbound = openOutbound(rules, { resolveHost: async () => addresses })
          const sent = outbound.send({ ...get, url: 'https://rebinding.example/' })
          await assertRefused(sent, 'address', addresses.join(' '))
        }
      }
    }
  })

  it('SF-01 is refused for every way to write such an address into the URL itself', async () => {
    const { port, requests } = await site((_, response) => response.end('reached'))
    const literals = inside.map(address => (address.includes(':') ? `[${address}]` : address))
    const spelled = ['2130706433', '017700000001', '0x7f000001', '0x7f.1', '127.1', '0', '127.0.0.1.', '0177.0.0.01']
    const named = ['localhost', 'LOCALHOST', 'localhost.', 'x.localhost', '１２７.0.0.1'.normalize('NFKC')]
    const outbound = openOutbound(production, { resolveHost: async () => ['127.0.0.1'] })
    for (const host of [...literals, ...spelled, ...named]) {
      const url = `https://${host}:${port}/`
      await assertRefused(outbound.send({ ...get, url }), 'url', url)
    }
    await assertRefused(outbound.send({ ...get, url: `https://rp.example.:${port}/` }), 'address', 'a trailing dot')
    assert.equal(requests.length, 0)
  })

  it('SF-05 does not follow a redirect, wherever it leads', async () => {
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      const target = await site((_, response) => response.end('reached'))
      const { origin } = await site((_, response) => response.writeHead(status, { location: target.origin }).end())
      const sent = openOutbound(development).send({ ...get, url: origin })

      await assertRefused(sent, 'redirect', String(status))
      assert.equal(target.requests.length, 0)
    }
  })

  it('SF-06 takes no more bytes than allowed, packs nothing out and waits no longer than its time', async () => {
    const timers = notedTimers()
    timers.hold()
    const outbound = openOutbound(development, { startTimer: timers.startTimer })
    const endless = await site((request, response) => {
      const chunk = Buffer.alloc(65_536)
      const write = () => {
        while (!request.destroyed && response.write(chunk));
      }
      response.on('drain', write)
      write()
    })
    await assertRefused(outbound.send({ ...get, url: endless.origin }), 'size', 'an endless answer')

    const bomb = gzipSync(Buffer.alloc(10_000_000))
    for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'GZIP']) {
      const { origin } = await site((_, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
      )
      await assertRefused(outbound.send({ ...get, url: origin }), 'type', encoding)
    }

    const reached = Promise.withResolvers<void>()
    const silent = await site(() => reached.resolve())
    const waiting = assertRefused(outbound.send({ ...get, url: silent.origin }), 'time', 'a silent answer')
    await reached.promise
    timers.letGo()
    await waiting
    assert.equal(timers.delaysMs.at(-1), 3_000)
  })

  it('SF-06 takes no other media type than it asked for', async () => {
    const types = ['text/html', 'text/plain', 'application/jsonx', 'image/svg+xml', '', 'application/json-seq']
    for (const type of types) {
      const { origin } = await site((_, response) => response.writeHead(200, { 'content-type': type }).end('{}'))
      const sent = openOutbound(development).send({ ...get, url: origin, accept: ['application/json'] })
      await assertRefused(sent, 'type', type)
    }
  })

  it('SF-07 speaks https alone, and http to its own machine in development', async () => {
    const { port, origin, requests } = await site((_, response) => response.end('reached'))
    const schemes = [
      'file:///etc/passwd',
      `gopher://127.0.0.1:${port}/`,
      `ftp://127.0.0.1:${port}/`,
      'unix:/run/x.sock',
    ]
    const others = [
      'data:,x',
      'javascript:1',
      `ws://127.0.0.1:${port}/`,
      'http://rp.example/',
      'http+unix://x',
      'blob:x',
    ]
    for (const url of [...schemes, ...others]) {
      for (const rules of [production, development]) {
        await assertRefused(openOutbound(rules).send({ ...get, url }), 'url', url)
      }
    }
    await assertRefused(openOutbound(production).send({ ...get, url: origin }), 'url', origin)
    assert.equal(requests.length, 0)

    assert.equal((await openOutbound(development).send({ ...get, url: origin })).status, 200)
  })
})
