/** What a listener makes of the certificates of clients, off real ones. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { certificateReader, certificatesKeptMax } from '../../packages/server/src/http/client-certificates.ts'
import { type ClientAuthority, type ClientCertificate, clientAuthority, selfSigned } from './client-certificates.ts'

const nowMs = Date.UTC(2027, 2, 2, 12)
const forClients = '1.3.6.1.5.5.7.3.2'
const forServers = '1.3.6.1.5.5.7.3.1'

let authority: ClientAuthority
let good: ClientCertificate

before(async () => {
  authority = await clientAuthority('clients of the operator')
  good = await authority.issue()
})

function readerOf(authorities: readonly ClientCertificate[], atMs = nowMs) {
  return certificateReader({ authorities: authorities.map(({ pem }) => pem), header: 'client-cert', nowMs: () => atMs })
}

describe('a client certificate', () => {
  it('is known by the SHA-256 of its bytes', async () => {
    const read = readerOf([]).ofDer(good.der)
    assert.equal(read?.thumbprint, createHash('sha256').update(good.der).digest('base64url'))
    assert.deepEqual(Buffer.from(read?.derBytes ?? []), good.der)
    assert.equal(read?.verified, false, 'nobody vouches where nobody was named')
  })
  it('is vouched for by the authority that issued it, and no other', async () => {
    const other = await clientAuthority('clients of the operator')
    const middle = await authority.issueAuthority('a sub-authority')
    const below = await middle.issue()
    assert.equal(readerOf([authority]).ofDer(good.der)?.verified, true)
    assert.equal(readerOf([other]).ofDer(good.der)?.verified, false, 'the same name is not the same key')
    assert.equal(readerOf([other, authority]).ofDer(good.der)?.verified, true)
    assert.equal(readerOf([authority]).ofDer(below.der)?.verified, false, 'no chain is followed')
    assert.equal(readerOf([middle]).ofDer(below.der)?.verified, true)
    const own = await selfSigned()
    assert.equal(readerOf([authority]).ofDer(own.der)?.verified, false)
  })
  it('is vouched for from its first moment to its last', async () => {
    const [notBefore, notAfter] = [new Date('2027-01-01'), new Date('2028-01-01')]
    const { der } = await authority.issue({ notBefore, notAfter })
    const verifiedAt = (atMs: number) => readerOf([authority], atMs).ofDer(der)?.verified
    assert.deepEqual([notBefore.getTime() - 1, notBefore.getTime()].map(verifiedAt), [false, true])
    assert.deepEqual([notAfter.getTime() - 1, notAfter.getTime()].map(verifiedAt), [true, false])
  })
  it('is no client’s where it is for servers alone', async () => {
    const verifiedFor = async (purposes: readonly string[]) =>
      readerOf([authority]).ofDer((await authority.issue({ purposes })).der)?.verified
    assert.equal(await verifiedFor([forServers]), false)
    assert.equal(await verifiedFor([forClients]), true)
    assert.equal(await verifiedFor([forServers, forClients]), true)
  })
  it('is refused as bytes that are none, or too many', () => {
    const reader = readerOf([authority])
    for (const bytes of [Buffer.alloc(0), Buffer.from('no certificate'), good.der.subarray(1), Buffer.alloc(20_000)]) {
      assert.equal(reader.ofDer(bytes), null)
    }
  })
})

describe('the names in a client certificate', () => {
  it('are its subject in the order of the certificate, without escapes', async () => {
    const { der } = await authority.issue({ subject: String.raw`CN=Shop\, One\+Two, OU=\#1 \"best\", O=Exämple, C=GB` })
    assert.deepEqual(readerOf([]).ofDer(der)?.subject, [
      { type: 'CN', value: 'Shop, One+Two' },
      { type: 'OU', value: '#1 "best"' },
      { type: 'O', value: 'Exämple' },
      { type: 'C', value: 'GB' },
    ])
  })
  it('are nobody’s where several attributes stand in one place', async () => {
    const { der } = await authority.issue({ subject: 'CN=shop+OU=one, C=GB' })
    assert.deepEqual(readerOf([]).ofDer(der)?.subject, [])
  })
  it('are those beside it, whatever characters are in them', async () => {
    const { der } = await authority.issue({
      names: [
        { type: 'dns', value: 'shop.example' },
        { type: 'url', value: 'https://shop.example/a,b?c="d"' },
        { type: 'ip', value: '192.0.2.7' },
        { type: 'ip', value: '2001:db8::7' },
        { type: 'email', value: 'ops@shop.example' },
        { type: 'dns', value: 'evil.example, DNS:bank.example' },
      ],
    })
    assert.deepEqual(readerOf([]).ofDer(der)?.subjectAltNames, [
      { kind: 'dns', value: 'shop.example' },
      { kind: 'uri', value: 'https://shop.example/a,b?c="d"' },
      { kind: 'ip', value: '192.0.2.7' },
      { kind: 'ip', value: '2001:DB8:0:0:0:0:0:7' },
      { kind: 'email', value: 'ops@shop.example' },
      { kind: 'dns', value: 'evil.example, DNS:bank.example' },
    ])
  })
})

describe('a header with a client certificate', () => {
  it('is read in the three ways in use', () => {
    const reader = readerOf([authority])
    const base64 = good.der.toString('base64')
    for (const text of [`:${base64}:`, base64, encodeURIComponent(good.pem)]) {
      assert.deepEqual(Buffer.from(reader.ofHeader(text)?.derBytes ?? []), good.der, text.slice(0, 20))
    }
  })
  it('is no certificate in any other', () => {
    const reader = readerOf([authority])
    const base64 = good.der.toString('base64')
    const wrong = [
      '',
      ':',
      '::',
      `:${base64}`,
      `:${base64}:, :${base64}:`,
      `${base64}, ${base64}`,
      '%',
      'none',
      good.pem,
    ]
    for (const text of [...wrong, `:${base64}:;x`, encodeURIComponent(`${good.pem}${good.pem}`), 'A'.repeat(60_000)]) {
      assert.equal(reader.ofHeader(text), null, text.slice(0, 20))
    }
  })
  it('is remembered no longer than its limit says, and by its time still', () => {
    let atMs = nowMs
    const reader = certificateReader({ authorities: [authority.pem], header: 'x', nowMs: () => atMs })
    const text = `:${good.der.toString('base64')}:`
    for (let at = 0; at <= certificatesKeptMax; at++) reader.ofHeader(String(at))
    assert.equal(reader.ofHeader(text)?.verified, true)
    atMs = Date.UTC(2101, 0)
    assert.equal(reader.ofHeader(text)?.verified, false)
  })
})

describe('an authority for clients', () => {
  it('is refused where it is none, with a sentence', () => {
    assert.throws(() => readerOf([good]), { name: 'RangeError', message: /is not that of an authority/ })
    const unreadable = { authorities: ['none'], header: null, nowMs: () => nowMs }
    assert.throws(() => certificateReader(unreadable), { name: 'RangeError', message: /no PEM certificate/ })
  })
})
