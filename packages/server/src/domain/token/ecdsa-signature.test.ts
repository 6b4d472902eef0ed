import assert from 'node:assert/strict'
import { createPrivateKey, sign, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { derFromRaw, rawFromDer } from './ecdsa-signature.ts'

function integer(hex: string): string {
  return `02${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`
}

function signature(r: string, s: string): Buffer {
  const body = integer(r) + integer(s)
  return Buffer.from(`30${(body.length / 2).toString(16).padStart(2, '0')}${body}`, 'hex')
}

const full = 'ab'.repeat(32)
const low = '7f'.repeat(32)

/** Fixed, so that only OpenSSL's nonces differ from run to run; made for this test, worth nothing. */
const privateKey = createPrivateKey({
  key: {
    kty: 'EC',
    crv: 'P-256',
    d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  },
  format: 'jwk',
})

describe('rawFromDer', () => {
  it('pads short integers and drops the sign byte of long ones', () => {
    const cases: readonly (readonly [string, string, string])[] = [
      [low, low, low + low],
      [`00${full}`, `00${full}`, full + full],
      [`00${full}`, low, full + low],
      ['01', '02', `${'00'.repeat(31)}01${'00'.repeat(31)}02`],
      ['0080', '7f', `${'00'.repeat(31)}80${'00'.repeat(31)}7f`],
      [low.slice(2), `00${full.slice(2)}`, `00${low.slice(2)}00${full.slice(2)}`],
      ['00', '00', '00'.repeat(64)],
    ]
    for (const [r, s, raw] of cases) assert.equal(rawFromDer(signature(r, s)).toString('hex'), raw)
  })

  it('gives what it was given for all r and s, and derFromRaw gives it back', () => {
    const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const zeros = fc.integer({ min: 0, max: 31 })
    const minimal = (bytes: Uint8Array): string => {
      const hex = Buffer.from(bytes)
        .toString('hex')
        .replace(/^(00)+(?=..)/, '')
      return Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex
    }
    fc.assert(
      fc.property(scalar, scalar, zeros, zeros, (r, s, rZeros, sZeros) => {
        r.fill(0, 0, rZeros)
        s.fill(0, 0, sZeros)
        const der = signature(minimal(r), minimal(s))
        assert.deepEqual(rawFromDer(der), Buffer.concat([r, s]))
        assert.deepEqual(derFromRaw(Buffer.concat([r, s])), der)
      }),
    )
  })

  it('refuses what is not the one DER form of a P-256 signature', () => {
    const good = signature(low, low)
    const bad = [
      Buffer.alloc(0),
      Buffer.from('30', 'hex'),
      Buffer.from('3000', 'hex'),
      Buffer.from(`31${good.toString('hex').slice(2)}`, 'hex'),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.alloc(1)]),
      signature('', low),
      signature(full, low),
      signature(low, `80${'00'.repeat(31)}`),
      signature(`00${low}`, low),
      signature(`00${full}00`, low),
      signature(`01${low}`, low),
      Buffer.from('300702010102010100', 'hex'),
      Buffer.from('3006020101030101', 'hex'),
      Buffer.from('3006020201020101', 'hex'),
      Buffer.from('3006020101020201', 'hex'),
      Buffer.from('300602017f020180', 'hex'),
      Buffer.from('3081060201010201', 'hex'),
    ]
    for (const der of bad) assert.throws(() => rawFromDer(der), RangeError, der.toString('hex'))
  })

  it('converts 500 real signatures to what OpenSSL verifies as raw', () => {
    const lengths = new Set<number>()
    for (let count = 0; count < 500; count++) {
      const message = Buffer.from(`message ${count}`)
      const der = sign('sha256', message, privateKey)
      lengths.add(der.length)
      assert.ok(verify('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }, rawFromDer(der)))
    }
    assert.ok(lengths.size >= 3, 'signatures of 70, 71 and 72 bytes all occurred')
  })
})
