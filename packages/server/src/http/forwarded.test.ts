import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientAddress, forwardedHopsMax, trustedProxies } from './forwarded.ts'

const proxies = trustedProxies(['10.0.0.0/8', '2001:db8:1::/48', '127.0.0.1'])

function forwardedFor(list: string, peer = '10.0.0.1'): string {
  return clientAddress(peer, { 'x-forwarded-for': list }, proxies)
}

describe('the address of a client', () => {
  it('LG-06 is the peer, whatever was forwarded, where no proxy is trusted', () => {
    const headers = { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=198.51.100.7' }
    assert.equal(clientAddress('192.0.2.1', headers, trustedProxies([])), '192.0.2.1')
  })

  it('LG-06 is the peer, whatever was forwarded, where the peer is not the trusted proxy', () => {
    assert.equal(forwardedFor('198.51.100.7', '192.0.2.1'), '192.0.2.1')
    assert.equal(forwardedFor('198.51.100.7', '11.0.0.0'), '11.0.0.0')
  })

  it('is what the trusted proxy saw', () => {
    assert.equal(forwardedFor('198.51.100.7'), '198.51.100.7')
    assert.equal(forwardedFor('198.51.100.7', '10.255.255.255'), '198.51.100.7')
    assert.equal(forwardedFor('198.51.100.7', '::ffff:10.0.0.1'), '198.51.100.7')
    assert.equal(forwardedFor('2001:db8:2::1', '2001:db8:1:ffff::1'), '2001:db8:2::1')
  })

  it('LG-06 is the nearest address that is not a proxy of ours; what a client puts before it counts for nothing', () => {
    assert.equal(forwardedFor('203.0.113.9, 198.51.100.7'), '198.51.100.7')
    assert.equal(forwardedFor('203.0.113.9, 198.51.100.7, 10.2.2.2 ,10.1.1.1'), '198.51.100.7')
    assert.equal(forwardedFor('127.0.0.1, 198.51.100.7, 10.1.1.1'), '198.51.100.7')
  })

  it('stops at a hop that is no address', () => {
    assert.equal(forwardedFor('198.51.100.7, unknown, 10.1.1.1'), '10.1.1.1')
    assert.equal(forwardedFor('<script>'), '10.0.0.1')
    assert.equal(forwardedFor(''), '10.0.0.1')
    assert.equal(clientAddress('10.0.0.1', {}, proxies), '10.0.0.1')
  })

  it('is the farthest proxy where everything forwarded is a proxy', () => {
    assert.equal(forwardedFor('10.3.3.3, 10.2.2.2'), '10.3.3.3')
  })

  it('is read without ports and brackets', () => {
    assert.equal(forwardedFor('198.51.100.7:4711'), '198.51.100.7')
    assert.equal(forwardedFor('[2001:db8:2::1]:4711'), '2001:db8:2::1')
    assert.equal(forwardedFor('::ffff:198.51.100.7'), '198.51.100.7')
  })

  it('is read from Forwarded where that is sent (RFC 7239 §4)', () => {
    const headers = {
      forwarded: 'for=203.0.113.9, proto=https;For="[2001:db8:2::1]:47";by=x, for=10.1.1.1',
      'x-forwarded-for': '192.0.2.99',
    }
    assert.equal(clientAddress('10.0.0.1', headers, proxies), '2001:db8:2::1')
    assert.equal(clientAddress('10.0.0.1', { forwarded: 'for=_hidden' }, proxies), '10.0.0.1')
    assert.equal(clientAddress('10.0.0.1', { forwarded: 'by=10.1.1.1' }, proxies), '10.0.0.1')
  })

  it('looks at no more than the hops nearest to us', () => {
    const list = ['198.51.100.7', ...new Array<string>(forwardedHopsMax).fill('10.1.1.1')].join(',')
    assert.equal(forwardedFor(list), '10.1.1.1')
  })
})

describe('trusted proxies', () => {
  for (const range of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0/8',
  ]) {
    it(`refuses ${JSON.stringify(range)} with a sentence`, () => {
      assert.throws(() => trustedProxies([range]), /is no address or CIDR range/)
    })
  }
})
