import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { networkOf } from './network.ts'

describe('networkOf', () => {
  it('takes an IPv4 address by itself, also where it arrives as IPv6', () => {
    for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:cb00:7107', '0:0:0:0:0:ffff:203.0.113.7']) {
      assert.equal(networkOf(address), '203.0.113.7', address)
    }
  })

  it('LG-06 takes an IPv6 address by its /64 and no more', () => {
    assert.equal(networkOf('2001:db8:0:1::1'), '2001:db8:0:1::/64')
    assert.equal(networkOf('2001:0DB8:0000:0001:ffff:ffff:ffff:ffff'), '2001:db8:0:1::/64')
    assert.notEqual(networkOf('2001:db8:0:2::1'), networkOf('2001:db8:0:1::1'))
    assert.equal(networkOf('::1'), '0:0:0:0::/64')
    assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  })

  it('puts all that is no address into one network', () => {
    const wrong = [
      '',
      'localhost',
      '256.1.1.1',
      '1.2.3',
      '1:2:3',
      '::1::',
      ':::',
      '1:2:3:4:5:6:7:8:9',
      'g::',
      '12345::',
      '1:2:3:4:5:6:7::8:9',
    ]
    for (const address of [...wrong, `${'1:'.repeat(100_000)}1`]) assert.equal(networkOf(address), 'unknown', address)
  })
})
