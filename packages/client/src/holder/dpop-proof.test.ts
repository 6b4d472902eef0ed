import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, EmbeddedJWK, exportJWK, jwtVerify } from 'jose'
import { type Prover, proverOf } from './dpop-proof.ts'

const nowMs = 1_803_988_800_999
const request = { method: 'POST', url: 'https://login.example/token', nowMs }
const kinds = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  Ed25519: { name: 'Ed25519' },
} as const

describe('a DPoP proof', () => {
  for (const [alg, algorithm] of Object.entries(kinds)) {
    it(`by a key of ${alg} is what another implementation accepts, and shows the public key alone`, async () => {
      const key = await keyOf(algorithm)
      const { header, claims } = await read(await proverOf(key).proofFor(request))
      const { kid: _kid, ...jwk } = await exportJWK(key.publicKey)
      assert.deepEqual([header.typ, header.alg], ['dpop+jwt', alg])
      assert.equal(await calculateJwkThumbprint(header.jwk ?? {}), await calculateJwkThumbprint(jwk))
      assert.deepEqual(
        Object.keys(header.jwk ?? {}).toSorted(),
        alg === 'Ed25519' ? ['crv', 'kty', 'x'] : ['crv', 'kty', 'x', 'y'],
      )
      assert.deepEqual([claims['htm'], claims['htu']], ['POST', request.url])
      assert.equal(claims.iat, Math.floor(nowMs / 1000))
    })
  }

  it('names the address without query and fragment, as RFC 9449 §4.2 has it', async () => {
    const prover = proverOf(await keyOf(kinds.ES256))
    const { claims } = await read(await prover.proofFor({ ...request, url: 'https://API.example:443/a%20b/?c=d#e' }))
    assert.equal(claims['htu'], 'https://api.example/a%20b/')
  })

  it('is bound to the access token that goes along, and to none otherwise', async () => {
    const prover = proverOf(await keyOf(kinds.ES256))
    const bound = await read(await prover.proofFor({ ...request, accessToken: 'token' }))
    assert.equal(bound.claims['ath'], createHash('sha256').update('token').digest('base64url'))
    assert.ok(!('ath' in (await read(await prover.proofFor(request))).claims))
  })

  it('is never the same twice', async () => {
    const prover = proverOf(await keyOf(kinds.ES256))
    const proofs = await Promise.all(Array.from({ length: 50 }, async () => read(await prover.proofFor(request))))
    assert.equal(new Set(proofs.map(({ claims }) => claims.jti)).size, 50)
  })

  it('carries the latest nonce of its origin and of no other', async () => {
    const prover = proverOf(await keyOf(kinds.ES256))
    assert.equal(await nonceAt(prover, request.url), undefined)
    for (const nonce of ['first', 'second']) prover.learn('https://login.example/other', answer(nonce))
    prover.learn('https://api.example/', answer('of the api'))
    prover.learn('https://login.example/', new Response(null))
    assert.equal(await nonceAt(prover, request.url), 'second')
    assert.equal(await nonceAt(prover, 'https://api.example/notes'), 'of the api')
    assert.equal(await nonceAt(prover, 'https://login.example:8443/token'), undefined)
  })

  it('forgets the oldest of many nonces', async () => {
    const prover = proverOf(await keyOf(kinds.ES256))
    for (let at = 0; at < 17; at++) prover.learn(`https://api${at}.example/`, answer(`nonce ${at}`))
    assert.equal(await nonceAt(prover, 'https://api0.example/'), undefined)
    assert.equal(await nonceAt(prover, 'https://api1.example/'), 'nonce 1')
    assert.equal(await nonceAt(prover, 'https://api16.example/'), 'nonce 16')
  })

  it('is not made by a key of another kind', async () => {
    const algorithm = { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
    const key = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    await assert.rejects(proverOf(key).proofFor(request), {
      name: 'TypeError',
      message: /elliptic curve key or Ed25519/,
    })
  })
})

async function keyOf(algorithm: EcKeyGenParams | Algorithm): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as CryptoKeyPair
}

async function read(proof: string) {
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { currentDate: new Date(nowMs) })
  return { claims: payload, header: protectedHeader }
}

async function nonceAt(prover: Prover, url: string): Promise<unknown> {
  return (await read(await prover.proofFor({ ...request, url }))).claims['nonce']
}

function answer(nonce: string): Response {
  return new Response(null, { headers: { 'dpop-nonce': nonce } })
}
