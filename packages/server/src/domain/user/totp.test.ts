import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededEntropy } from '../../store/contract/fixture.test.ts'
import { newTotpKey, stepOfCode, totpKeyText, totpUri } from './totp.ts'

/** RFC 6238 appendix B, its codes cut to six digits. */
const rfcKey = Buffer.from('12345678901234567890')
const vectors: readonly (readonly [seconds: number, code: string])[] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
]

describe('a one-time code', () => {
  for (const [seconds, code] of vectors) {
    it(`is that of RFC 6238 at ${seconds} seconds`, () => {
      assert.equal(stepOfCode(rfcKey, code, seconds * 1000), Math.floor(seconds / 30))
    })
  }

  it('names its own step, now or one beside it, and none further away', () => {
    const [seconds, code] = [1_234_567_890, '005924']
    const step = Math.floor(seconds / 30)
    for (const drift of [-30, 0, 30]) assert.equal(stepOfCode(rfcKey, code, (seconds + drift) * 1000), step)
    for (const drift of [-60, 60, 3600]) assert.equal(stepOfCode(rfcKey, code, (seconds + drift) * 1000), null)
  })

  it('is of the whole key, wherever its bytes lie', () => {
    const within = Buffer.concat([Buffer.alloc(7, 1), rfcKey, Buffer.alloc(9, 2)]).subarray(7, 27)
    assert.equal(stepOfCode(within, '287082', 59_000), 1)
    assert.equal(totpKeyText(within), totpKeyText(rfcKey))
  })

  it('has a key of 160 bits, which its picture and its text say alike', () => {
    const key = newTotpKey(seededEntropy('totp'))
    assert.equal(key.length, 20)
    const uri = new URL(totpUri(key, { issuer: 'id.example.com', account: 'ada@example.com' }))
    assert.equal(uri.protocol, 'otpauth:')
    assert.equal(uri.searchParams.get('secret'), totpKeyText(key))
    assert.equal(uri.searchParams.get('issuer'), 'id.example.com')
    assert.match(totpKeyText(key), /^[A-Z2-7]{32}$/)
  })
})
