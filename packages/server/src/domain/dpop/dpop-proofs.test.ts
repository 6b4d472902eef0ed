import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dpopAlgorithms } from '@pawl/protocol'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { dpopProofs } from './dpop-proofs.ts'

async function keyOf(algorithm: string) {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const prove = (header: object = {}) =>
    new SignJWT({ jti: 'one', htm: 'POST', htu: 'https://as.example/token', iat: 1 })
      .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk, ...header })
      .sign(privateKey)
  return { jwk, prove }
}

describe('a proof', () => {
  for (const algorithm of dpopAlgorithms) {
    it(`signed with ${algorithm} is genuine, and tells the thumbprint of its key, the first time and later`, async () => {
      const { jwk, prove } = await keyOf(algorithm)
      const proofs = dpopProofs()
      for (const _ of [1, 2]) {
        const proof = proofs.read(await prove())
        assert.ok(!('fault' in proof))
        assert.equal(proof.thumbprint, await calculateJwkThumbprint(jwk))
        assert.equal(proofs.isGenuine(proof), true)
        const signature = proof.signature.startsWith('A')
          ? `B${proof.signature.slice(1)}`
          : `A${proof.signature.slice(1)}`
        assert.equal(proofs.isGenuine({ ...proof, signature }), false)
        assert.equal(proofs.isGenuine({ ...proof, signed: `${proof.signed}A` }), false)
      }
    })
  }
  it('with a private key in it, or a key that is none, is refused', async () => {
    const { jwk, prove } = await keyOf('ES256')
    const proofs = dpopProofs()
    for (const bad of [
      { ...jwk, d: 'AAAA' },
      { ...jwk, x: 'AAAA' },
      { kty: 'oct', k: 'AAAA' },
    ]) {
      assert.ok('fault' in proofs.read(await prove({ jwk: bad })))
    }
  })
  it('whose key is not for its algorithm is refused', async () => {
    const [ec, rsa] = [await keyOf('ES256'), await keyOf('RS256')]
    const proofs = dpopProofs()
    assert.ok('fault' in proofs.read(await ec.prove({ jwk: rsa.jwk })))
    assert.ok('fault' in proofs.read(await rsa.prove({ jwk: ec.jwk })))
    assert.ok('fault' in proofs.read(await ec.prove({ jwk: { ...ec.jwk, alg: 'ES384' } })))
    assert.ok('fault' in proofs.read(await ec.prove({ jwk: { ...ec.jwk, use: 'enc' } })))
  })
})
