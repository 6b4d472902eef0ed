import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededEntropy } from './fixture.test.ts'
import { masterKeys, newMasterKey, parseMasterKeys } from './master-keys.ts'
import { judgeMasterKeys } from './weak-master-key.ts'

const strong = newMasterKey(seededEntropy('strong'), 1)

function judge(secret: Uint8Array): string | null {
  return judgeMasterKeys(masterKeys([strong, { ...strong, id: 2, secret }]))
}

describe('judgeMasterKeys', () => {
  it('finds nothing against 10,000 random keys', () => {
    const entropy = seededEntropy('random keys')
    for (let count = 0; count < 10_000; count++) assert.equal(judge(entropy.bytes(32)), null)
  })

  it('OP-01 finds the fault of every key that nobody drew at random', () => {
    const range = (step: number) => Uint8Array.from({ length: 32 }, (_, at) => (at * step) & 0xff)
    const weak: readonly (readonly [Uint8Array, RegExp])[] = [
      [new Uint8Array(31).map((_, at) => at * 7), /fewer than 32 bytes/],
      [new Uint8Array(0), /fewer than 32 bytes/],
      [new Uint8Array(32), /over and over/],
      [new Uint8Array(32).fill(0x41), /over and over/],
      [Buffer.from('0123456789abcdef0123456789abcdef', 'hex').subarray(0, 16), /fewer than 32 bytes/],
      [Buffer.from('00112233445566778899aabbccddeeff'.repeat(2), 'hex'), /pattern over and over/],
      [Buffer.from('deadbeef'.repeat(8), 'hex'), /pattern over and over/],
      [Buffer.from('5f4dcc3b5aa765d61d8327deb882cf99'), /too few different bytes|is text/],
      [Buffer.from('The quick brown fox jumps over 13'.slice(0, 32)), /is text/],
      [range(1), /equal steps/],
      [range(5), /equal steps/],
      [range(1).map(byte => 200 - byte), /equal steps/],
    ]
    for (const [secret, fault] of weak) assert.match(judge(secret) ?? 'no fault', fault)
  })

  it('OP-01 finds text that happens to be base64url', () => {
    for (const text of [
      'changeme-changeme-changeme-changeme-changem',
      'this-is-my-very-secret-master-key-for-pawlA',
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopo',
      'SECRET_SECRET_SECRET_SECRET_SECRET_SECRET_A',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      '1234567890123456789012345678901234567890120',
    ]) {
      const canonical = Buffer.from(text, 'base64url').toString('base64url')
      assert.notEqual(judgeMasterKeys(parseMasterKeys(canonical)), null, text)
    }
  })

  it('names the key and says what to do, without a byte of the key', () => {
    assert.equal(judge(new Uint8Array(32)), 'Master key 2 is one byte over and over. Replace it with 32 random bytes.')
  })

  it('finds one key under two ids', () => {
    assert.equal(judge(Uint8Array.from(strong.secret)), 'Master keys 1 and 2 are the same key. Remove one of them.')
  })

  it('finds every key with fewer than 16 different bytes', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 15 }),
        fc.infiniteStream(fc.nat(14)),
        (bytes, picks) => {
          const secret = Uint8Array.from([...picks.take(32)], pick => bytes[pick % bytes.length] ?? 0)
          assert.notEqual(judge(secret), null)
        },
      ),
    )
  })
})
