import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compactVerify } from 'jose'
import { signingAlgorithms } from '../client/signing-algorithm.ts'
import { keysNamed, seededEntropy } from '../keys/fixture.test.ts'
import { sealer } from '../keys/seal.ts'
import { newSigningKey, openSigningKey } from '../keys/signing-key.ts'
import { signJwt } from './sign-jwt.ts'

const box = sealer(keysNamed(1), seededEntropy('sign'))

describe('signJwt', () => {
  it('makes what jose verifies, in every algorithm and type', async () => {
    for (const algorithm of signingAlgorithms) {
      const key = openSigningKey(await newSigningKey(algorithm, box, 0, 0), box)
      for (const typ of ['at+jwt', 'JWT'] as const) {
        const verified = await compactVerify(signJwt(key, typ, { sub: 'ü€𝄞', n: 1 }), key.publicKey, {
          algorithms: [algorithm],
        })
        assert.deepEqual(verified.protectedHeader, { alg: algorithm, typ, kid: key.kid })
        assert.deepEqual(JSON.parse(new TextDecoder().decode(verified.payload)), { sub: 'ü€𝄞', n: 1 })
      }
    }
  })

  it('leaves out members that are undefined', async () => {
    const key = openSigningKey(await newSigningKey('ES256', box, 0, 0), box)
    const [, payload = ''] = signJwt(key, 'JWT', { sub: 'a', nonce: undefined }).split('.')
    assert.equal(Buffer.from(payload, 'base64url').toString(), '{"sub":"a"}')
  })

  it('gives ES256 signatures 64 bytes, 300 times out of 300', async () => {
    const key = openSigningKey(await newSigningKey('ES256', box, 0, 0), box)
    for (let count = 0; count < 300; count++) {
      const token = signJwt(key, 'at+jwt', { count })
      assert.equal(Buffer.from(token.split('.')[2] ?? '', 'base64url').length, 64)
      assert.ok(await compactVerify(token, key.publicKey, { algorithms: ['ES256'] }))
    }
  })
})
