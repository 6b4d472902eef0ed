/** Proofs with every kind of key in them that somebody could think of, beside a good token: refused, and never a surprise. */

import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { dpopAlgorithms } from '@pawl/protocol'
import { guardApi, machineWorld } from '@pawl/verifier'
import fc from 'fast-check'
import { apiUrl, files } from './api-ground.ts'
import { signer } from './signer.ts'

const nowMs = 1_800_000_000_000
const stage = { issuer: 'https://id.example', clock: { nowMs: () => nowMs } }

const good = {
  EC: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
  OKP: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
}

const member = fc.oneof(fc.base64String(), fc.string(), fc.integer(), fc.constantFrom('', 'AA', 'AQ', 'AQAB', null, {}))
const changed = fc.dictionary(
  fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'pub', 'alg', 'use', 'd', 'key_ops', 'ext'),
  member,
)
const jwk = fc.oneof(
  changed,
  fc.tuple(fc.constantFrom(...Object.values(good)), changed).map(([key, other]) => ({ ...key, ...other })),
  fc.constantFrom(...Object.values(good)),
)

describe('a guard that is shown proofs of strange keys', () => {
  it('refuses them all and throws for none', async () => {
    const { sign, jwks } = await signer(stage)
    const world = { ...machineWorld, nowMs: () => nowMs, fetch: jwks }
    const guard = guardApi({ issuer: stage.issuer, audience: apiUrl, jwksUri: 'https://keys.example/', world })
    const token = await sign({ cnf: { jkt: 'x'.repeat(43) } })
    const ath = createHash('sha256').update(token).digest('base64url')
    const claims = encoded({ jti: 'j', htm: 'GET', htu: files, iat: nowMs / 1000, ath })
    await fc.assert(
      fc.asyncProperty(
        jwk,
        fc.constantFrom(...dpopAlgorithms),
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        async (key, alg, bytes) => {
          const dpop = `${encoded({ typ: 'dpop+jwt', alg, jwk: key })}.${claims}.${Buffer.from(bytes).toString('base64url')}`
          const verdict = await guard.verify({ method: 'GET', url: '/files', authorization: `DPoP ${token}`, dpop })
          assert.equal(verdict.granted || verdict.code, 'invalid_dpop_proof')
        },
      ),
      { numRuns: 1000 },
    )
  })
})

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
