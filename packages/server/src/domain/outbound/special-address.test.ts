import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressKind } from './special-address.ts'

/** First and last address of each range that is not on the public internet, and its neighbours that are. */
const ranges: readonly (readonly [first: string, last: string, before: string | null, after: string | null])[] = [
  ['0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.31.196.0', '192.31.196.255', '192.31.195.255', '192.31.197.0'],
  ['192.52.193.0', '192.52.193.255', '192.52.192.255', '192.52.194.0'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['192.175.48.0', '192.175.48.255', '192.175.47.255', '192.175.49.0'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '255.255.255.255', '223.255.255.255', null],
  ['::', '::', null, null],
  ['::2', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, '2000::'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff::', '2001:200::'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff::', '2003::'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', '2620:4f:7fff::', '2620:4f:8001::'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
]

describe('where an address leads', () => {
  it('knows each special range by its first and its last address, and its neighbours as public', () => {
    for (const [first, last, before, after] of ranges) {
      assert.equal(addressKind(first), 'special', first)
      assert.equal(addressKind(last), 'special', last)
      if (before !== null) assert.equal(addressKind(before), 'public', before)
      if (after !== null) assert.equal(addressKind(after), 'public', after)
    }
  })

  it('knows loopback as this machine, in both families', () => {
    for (const address of ['127.0.0.1', '127.0.0.0', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1']) {
      assert.equal(addressKind(address), 'loopback', address)
    }
  })

  it('is not led astray by an IPv4 address inside an IPv6 one', () => {
    const hidden = ['::ffff:10.0.0.1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:8.8.8.8', '::10.0.0.1']
    const translated = ['::ffff:0:10.0.0.1', '64:ff9b:1::10.0.0.1', '2002:0a00:0001::', '64:ff9b::10.0.0.1']
    for (const address of [...hidden, ...translated, '64:ff9b::7f00:1', '64:ff9b::169.254.169.254']) {
      assert.equal(addressKind(address), 'special', address)
    }
  })

  it('takes an address translated by NAT64 for what is inside', () => {
    assert.equal(addressKind('64:ff9b::8.8.8.8'), 'public')
    assert.equal(addressKind('64:ff9b::808:808'), 'public')
  })

  it('takes nothing else for an address', () => {
    const texts = [
      '',
      'localhost',
      '8.8.8',
      '8.8.8.8.',
      '8.8.8.256',
      '[2600::1]',
      '2600::1%eth0',
      '2600:::1',
      'fe80::1%1',
    ]
    for (const text of texts) assert.equal(addressKind(text), 'special', text)
  })

  it('reads capitals', () => {
    assert.equal(addressKind('2606:4700::ABCD'), 'public')
    assert.equal(addressKind('FD00::1'), 'special')
  })
})
