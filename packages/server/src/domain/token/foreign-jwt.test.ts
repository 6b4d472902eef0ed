import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { CompactSign } from 'jose'
import { type ClientKey, isKey, judgeKey } from '../client/client-key.ts'
import {
  type ForeignJwt,
  foreignJwtCharactersMax,
  isSignedByOneOf,
  isSignedWithSecret,
  keysTriedMax,
  numericDateMs,
  parseForeignJwt,
  soleAudienceOf,
} from './foreign-jwt.ts'

interface Pair {
  readonly privateKey: KeyObject
  readonly key: ClientKey
}

function newPair(kid?: string): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const judged = judgeKey({ ...publicKey.export({ format: 'jwk' }), ...(kid !== undefined && { kid }) })
  assert.ok(isKey(judged))
  return { privateKey, key: judged }
}

async function signedBy({ privateKey }: Pair, header: object = {}): Promise<ForeignJwt> {
  const signer = new CompactSign(Buffer.from('{"sub":"shop"}')).setProtectedHeader({ alg: 'ES256', ...header })
  return parsed(await signer.sign(privateKey))
}

function parsed(text: string): ForeignJwt {
  return parseForeignJwt(text) ?? assert.fail('it is no JWT')
}

function jwtOf(header: unknown, claims: unknown = {}): string {
  const parts = [header, claims].map(part => (typeof part === 'string' ? part : JSON.stringify(part)))
  return [...parts.map(part => Buffer.from(part).toString('base64url')), 'AA'].join('.')
}

describe('a JWT of somebody else', () => {
  it('is taken apart: what it says of itself, and what it claims', () => {
    const jwt = parsed(
      jwtOf({ alg: 'ES256', kid: 'one', typ: 'application/Some-Thing+JWT', x5c: ['x'] }, { sub: 'shop' }),
    )
    assert.deepEqual(
      [jwt.algorithm, jwt.kid, jwt.type, jwt.claims],
      ['ES256', 'one', 'some-thing+jwt', { sub: 'shop' }],
    )
    const bare = parsed(jwtOf({ alg: 'none' }))
    assert.deepEqual([bare.algorithm, bare.kid, bare.type], ['none', null, null])
  })

  it('is nothing where its header is not one we understand all of, or its claims are no object', () => {
    const headers = [
      {},
      { alg: 7 },
      { alg: null },
      { alg: 'ES256', kid: 7 },
      { alg: 'ES256', typ: ['JWT'] },
      { alg: 'ES256', crit: [] },
      { alg: 'ES256', b64: true },
      [],
      null,
      '"text"',
      '{"alg":"ES256","alg":"none"}',
      'no json',
      '',
    ]
    for (const header of headers) assert.equal(parseForeignJwt(jwtOf(header)), null, JSON.stringify(header))
    for (const claims of [[], null, 7, 'text', '{"sub":"a","sub":"b"}', '{']) {
      assert.equal(parseForeignJwt(jwtOf({ alg: 'ES256' }, claims)), null, JSON.stringify(claims))
    }
  })

  it('is nothing but three canonical parts of a bounded length', () => {
    const good = jwtOf({ alg: 'ES256' })
    const texts = [
      '',
      '.',
      '..',
      '...',
      `${good}.`,
      `.${good}`,
      `${good}=`,
      `${good} `,
      good.replace('.', ' .'),
      `${good}.AA.AA`,
    ]
    for (const text of texts) assert.equal(parseForeignJwt(text), null, JSON.stringify(text))
    const [header = '', payload = ''] = good.split('.')
    assert.equal(parseForeignJwt(`${header}.${payload}.AB`), null, 'stray bits')
    const long = `${good.slice(0, -2)}${'A'.repeat(foreignJwtCharactersMax)}`
    assert.equal(parseForeignJwt(long), null)
    assert.equal(parseForeignJwt(good, good.length - 1), null)
    assert.notEqual(parseForeignJwt(good, good.length), null)
  })

  it('is signed by a key of its maker, under the algorithm of that key', async () => {
    const [own, other] = [newPair(), newPair()]
    const jwt = await signedBy(own)
    assert.equal(await isSignedByOneOf(jwt, [other.key, own.key]), true)
    assert.equal(await isSignedByOneOf(jwt, [other.key]), false)
    assert.equal(await isSignedByOneOf(jwt, []), false)
    assert.equal(await isSignedByOneOf(jwt, [{ ...own.key, use: 'enc' }]), false)
    assert.equal(await isSignedByOneOf(jwt, [{ ...own.key, algorithm: 'ES384' }]), false)
    assert.equal(await isSignedByOneOf({ ...jwt, algorithm: 'ES384' }, [own.key]), false)
    assert.equal(await isSignedByOneOf({ ...jwt, algorithm: 'HS256' }, [own.key]), false)
  })

  it('is tried with so many keys and no more, of those that fit', async () => {
    const own = newPair()
    const others = Array.from({ length: keysTriedMax }, () => newPair().key)
    const jwt = await signedBy(own)
    assert.equal(await isSignedByOneOf(jwt, [...others.slice(1), own.key]), true)
    assert.equal(await isSignedByOneOf(jwt, [...others, own.key]), false)
    const misfits = others.map(key => ({ ...key, algorithm: 'ES384' }))
    assert.equal(await isSignedByOneOf(jwt, [...misfits, own.key]), true)
  })

  it('is signed with a secret under that one algorithm', async () => {
    const secret = 'a secret of thirty-two characters'
    const sign = async (alg: string): Promise<ForeignJwt> =>
      parsed(await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg }).sign(Buffer.from(secret.repeat(2))))
    assert.equal(await isSignedWithSecret(await sign('HS256'), secret.repeat(2), 'HS256'), true)
    assert.equal(await isSignedWithSecret(await sign('HS256'), secret, 'HS256'), false)
    assert.equal(await isSignedWithSecret(await sign('HS512'), secret.repeat(2), 'HS256'), false)
  })

  it('names one audience, alone or in a list of one', () => {
    const audienceOf = (aud: unknown): string | null => soleAudienceOf(parsed(jwtOf({ alg: 'ES256' }, { aud })))
    assert.deepEqual(['us', ['us']].map(audienceOf), ['us', 'us'])
    for (const aud of [undefined, null, 7, [], ['us', 'them'], [['us']], [7], { us: 1 }])
      assert.equal(audienceOf(aud), null)
  })

  it('tells times as numbers of seconds, whole or not, that a clock could show', () => {
    assert.deepEqual([0, 1, 1.5, 1_800_000_000].map(numericDateMs), [0, 1000, 1500, 1_800_000_000_000])
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63, '1', null, undefined, true, [1]]) {
      assert.equal(numericDateMs(value), null, String(value))
    }
  })
})
