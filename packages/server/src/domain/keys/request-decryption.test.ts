import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, CompactEncrypt, importJWK } from 'jose'
import { seededEntropy } from './fixture.test.ts'
import { masterKeys, newMasterKey } from './master-keys.ts'
import { type EncryptionJwk, requestDecryption } from './request-decryption.ts'

const entropy = seededEntropy('request decryption')
const [older, newer] = [newMasterKey(entropy, 1), newMasterKey(entropy, 2)]

describe('the key that requests are encrypted to', () => {
  it('follows from the master key, so that every node has the same', async () => {
    const { jwk } = requestDecryption(masterKeys([older]))
    assert.deepEqual(requestDecryption(masterKeys([older])).jwk, jwk)
    assert.notEqual(requestDecryption(masterKeys([newer])).jwk.kid, jwk.kid)
    assert.equal(jwk.kid, await calculateJwkThumbprint({ ...jwk }))
    assert.equal('d' in jwk, false)
  })

  it('opens what was encrypted to it, and what was encrypted to that of an older master key', async () => {
    const before = requestDecryption(masterKeys([older]))
    const after = requestDecryption(masterKeys([newer, older]))
    assert.equal(await after.open(await encrypted('one', before.jwk)), 'one')
    assert.equal(await after.open(await encrypted('two', after.jwk)), 'two')
    assert.equal(await before.open(await encrypted('two', after.jwk)), null)
    assert.equal(await requestDecryption(masterKeys([newer])).open(await encrypted('one', before.jwk)), null)
  })

  it('opens nothing that is no JWE, was changed, or is of another algorithm', async () => {
    const { jwk, open } = requestDecryption(masterKeys([older]))
    const good = await encrypted('one', jwk)
    const changed = good.replace(/[^.]+$/, tag => tag.split('').reverse().join(''))
    const other = await encrypted('one', jwk, { enc: 'A192GCM' })
    const compressed = await encrypted('x'.repeat(100_000), jwk, { zip: 'DEF' })
    for (const text of ['', '....', 'a.b.c.d.e', changed, other, compressed, good.replace(/^[^.]+/, 'e30')]) {
      assert.equal(await open(text), null, text.slice(0, 40))
    }
  })

  it('says no, and nothing else, to every header that a stranger may write', async () => {
    const { jwk, open } = requestDecryption(masterKeys([older]))
    const point = { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y }
    const zero = Buffer.alloc(32).toString('base64url')
    const points = [undefined, null, 1, 'x', [], {}, { kty: 'EC' }, point]
    const changes = [{ y: undefined }, { crv: 'P-384' }, { crv: 1 }, { x: 1 }, { x: '!!!' }, { x: 'AA' }, { x: jwk.y }]
    const more = [
      { x: zero, y: zero },
      { d: 'AA' },
      { kty: 'RSA' },
      { key_ops: 7 },
      { key_ops: ['sign'] },
      { ext: 'x' },
    ]
    const wrong = [...changes, ...more].map(change => ({ ...point, ...change }))
    const besides = [{}, { apu: 1 }, { apu: '!' }, { apv: [] }, { zip: 'DEF' }, { crit: ['x'] }, { enc: 1 }, { kid: 1 }]
    const rests = [
      ['', 'AAAAAAAAAAAAAAAA', 'AAAA', 'AAAAAAAAAAAAAAAAAAAAAA'],
      ['AAAA', 'AAAA', '', ''],
    ]
    for (const alg of ['ECDH-ES', 'ECDH-ES+A128KW', 'dir', 'RSA-OAEP', 'PBES2-HS256+A128KW', 1]) {
      for (const epk of [...points, ...wrong]) {
        for (const beside of besides) {
          const header = { alg, enc: 'A256GCM', kid: jwk.kid, epk, ...beside }
          const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
          for (const rest of rests) assert.equal(await open([encoded, ...rest].join('.')), null, JSON.stringify(header))
        }
      }
    }
  })
})

async function encrypted(
  text: string,
  to: EncryptionJwk,
  header: { readonly enc?: string; readonly zip?: string } = {},
): Promise<string> {
  const key = await importJWK({ ...to }, 'ECDH-ES')
  const protectedHeader = { alg: 'ECDH-ES', enc: 'A256GCM', kid: to.kid, ...header }
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(protectedHeader).encrypt(key)
}
