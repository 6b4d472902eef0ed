import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { clientSignatureAlgorithms, isKey, type Jwk, judgeKey, mayVerify } from './client-key.ts'

const ec = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const ed25519 = jwkOf(generateKeyPairSync('ed25519'))
const x25519 = jwkOf(generateKeyPairSync('x25519'))

describe('a public key', () => {
  it('is for the algorithms of its kind, and of those for the one it names', () => {
    const algorithmsOf = (jwk: Jwk): readonly string[] =>
      clientSignatureAlgorithms.filter(algorithm => mayVerify(goodKey(jwk), algorithm))
    assert.deepEqual(algorithmsOf(ec), ['ES256'])
    assert.deepEqual(algorithmsOf(rsa), ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'])
    assert.deepEqual(algorithmsOf(ed25519), ['EdDSA', 'Ed25519'])
    assert.deepEqual(algorithmsOf(x25519), [])
    assert.deepEqual(algorithmsOf({ ...rsa, alg: 'PS256' }), ['PS256'])
    assert.deepEqual(algorithmsOf({ ...ec, use: 'enc' }), [])
    assert.equal(mayVerify(goodKey(ec), 'none'), false)
    assert.equal(mayVerify(goodKey(ec), 'HS256'), false)
  })

  it('of every post-quantum kind is for its own algorithm', () => {
    for (const type of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
      const key = goodKey(jwkOf(generateKeyPairSync(type as 'ml-dsa-44')))
      assert.deepEqual(
        clientSignatureAlgorithms.filter(algorithm => mayVerify(key, algorithm)),
        [type.toUpperCase()],
      )
    }
  })

  it('is kept with its public members, and nothing anybody added', () => {
    const { jwk } = goodKey({
      ...ec,
      kid: 'one',
      alg: 'ES256',
      use: 'sig',
      ext: true,
      x5u: 'https://x.example',
      note: 'x',
    })
    assert.deepEqual(jwk, { ...ec, kid: 'one', alg: 'ES256', use: 'sig' })
  })

  it('is refused where it is private, symmetric, weak, malformed or for nothing we know', () => {
    const weak = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }))
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [null, /no JSON object/],
      [[ec], /no JSON object/],
      ['x', /no JSON object/],
      [{}, /not known/],
      [{ kty: 'oct', k: 'AA' }, /symmetric/],
      [{ ...ec, k: 'AA' }, /symmetric/],
      ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'].map(name => [{ ...ec, [name]: 'AA' }, /private/] as const),
      [weak, /fewer than 2048/],
      [{ ...rsa, e: 'Aw' }, /exponent/],
      [{ ...rsa, e: 'AQAAAAE' }, /exponent/],
      [{ ...rsa, n: '' }, /no public key|fewer/],
      [{ ...ec, y: ec['x'] }, /no public key/],
      [{ ...ec, crv: 'P-384' }, /no public key/],
      [{ ...ec, x: undefined }, /no public key/],
      [{ ...ec, alg: 'ES384' }, /no key for ES384/],
      [{ ...rsa, alg: 'ES256' }, /no key for ES256/],
      [{ ...ec, kid: 7 }, /kid/],
      [{ ...ec, kid: '' }, /kid/],
      [{ ...ec, kid: 'x'.repeat(257) }, /kid/],
      [{ ...ec, use: 'both' }, /use/],
      [{ ...ec, x5c: 'AA' }, /x5c/],
      [{ ...ec, x5c: ['_-'] }, /x5c/],
      [jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), /not known/],
    ]
    for (const [jwk, pattern] of wrong) assert.match(refusalOf(jwk), pattern, JSON.stringify(jwk)?.slice(0, 80))
  })

  it('is refused where it is a point of small order, however it is written', () => {
    const points = ['00', '01', 'ec', 'ed', 'ee'].map(low => {
      const middle = low === '00' || low === '01' ? '00' : 'ff'
      return low + middle.repeat(30) + (middle === 'ff' ? '7f' : '00')
    })
    const orderEight = [
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    ]
    for (const hex of [...points, ...orderEight]) {
      for (const sign of [0, 0x80]) {
        const bytes = Buffer.from(hex, 'hex')
        bytes[31] = (bytes[31] ?? 0) | sign
        assert.match(refusalOf({ kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }), /small order/, hex)
      }
    }
  })
})

function jwkOf({ publicKey }: { readonly publicKey: KeyObject }): Jwk {
  return { ...publicKey.export({ format: 'jwk' }) }
}

function goodKey(jwk: unknown) {
  const judged = judgeKey(jwk)
  assert.ok(isKey(judged), 'refusal' in judged ? judged.refusal : '')
  return judged
}

function refusalOf(jwk: unknown): string {
  const judged = judgeKey(jwk)
  assert.ok('refusal' in judged, `taken: ${JSON.stringify(jwk)}`)
  return judged.refusal
}
