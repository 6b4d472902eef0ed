import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { signingAlgorithms } from '../client/signing-algorithm.ts'
import { keysNamed, seededEntropy } from './fixture.test.ts'
import { sealer } from './seal.ts'
import { newSigningKey, openSigningKey } from './signing-key.ts'

const nowMs = 1_800_000_000_000
const box = sealer(keysNamed(1), seededEntropy('signing key'))

describe('a signing key', () => {
  it('is named by its RFC 7638 thumbprint', async () => {
    const { jwk } = openSigningKey(await newSigningKey('ES256', box, nowMs, nowMs), box)
    const canonical = `{"crv":"${jwk.crv}","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
    assert.equal(jwk.kid, createHash('sha256').update(canonical).digest('base64url'))
  })

  it('opens with the life it was given and the public key it was stored with', async () => {
    for (const algorithm of signingAlgorithms) {
      const stored = await newSigningKey(algorithm, box, nowMs, nowMs + 5)
      const key = openSigningKey({ ...stored, verifiesUntilMs: nowMs + 9 }, box)
      assert.deepEqual([key.createdAtMs, key.signsFromMs, key.verifiesUntilMs], [nowMs, nowMs + 5, nowMs + 9])
      assert.deepEqual(JSON.parse(stored.publicJwk), key.jwk)
      assert.equal(key.jwk.alg, algorithm)
    }
  })

  it('says its header the same way every time, per type of token', async () => {
    const key = openSigningKey(await newSigningKey('ES256', box, nowMs, nowMs), box)
    const header = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())
    assert.deepEqual(header(key.encodedHeaders['at+jwt']), { alg: 'ES256', typ: 'at+jwt', kid: key.kid })
    assert.deepEqual(header(key.encodedHeaders.JWT), { alg: 'ES256', typ: 'JWT', kid: key.kid })
  })

  it('does not open under another kid, another master key, or with a byte changed', async () => {
    const stored = await newSigningKey('ES256', box, nowMs, nowMs)
    const other = await newSigningKey('ES256', box, nowMs, nowMs)
    const changed = Uint8Array.from(stored.sealedPrivateKey, (byte, at) => (at === 30 ? byte ^ 1 : byte))
    assert.throws(() => openSigningKey({ ...stored, kid: other.kid }, box), /was not sealed/)
    assert.throws(() => openSigningKey({ ...stored, sealedPrivateKey: changed }, box), /was not sealed/)
    assert.throws(() => openSigningKey(stored, sealer(keysNamed(2), seededEntropy('x'))), /was not sealed/)
  })

  it('takes its public part from the sealed one, whatever the column beside it says', async () => {
    const stored = await newSigningKey('ES256', box, nowMs, nowMs)
    const planted = await newSigningKey('ES256', box, nowMs, nowMs)
    const key = openSigningKey({ ...stored, publicJwk: planted.publicJwk }, box)
    assert.deepEqual(key.jwk, JSON.parse(stored.publicJwk))
  })

  it('JW-06 is refused on another curve, as another type or with a short modulus', async () => {
    const stored = await newSigningKey('ES256', box, nowMs, nowMs)
    assert.throws(() => openSigningKey({ ...stored, algorithm: 'RS256' }, box), /is no key for RS256/)
    const foreign = [
      ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
      ['ES256', generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
      ['RS256', generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ] as const
    for (const [algorithm, pair] of foreign) {
      const der = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
      const sealedPrivateKey = box.seal('signing key', stored.kid, der)
      assert.throws(() => openSigningKey({ ...stored, algorithm, sealedPrivateKey }, box), /is no key for/)
    }
  })

  it('JW-16 shows its private part nowhere: not stored, printed, serialised or in an error', async () => {
    for (const algorithm of signingAlgorithms) {
      const stored = await newSigningKey(algorithm, box, nowMs, nowMs)
      const key = openSigningKey(stored, box)
      const jwk = key.privateKey.export({ format: 'jwk' })
      const der = key.privateKey.export({ type: 'pkcs8', format: 'der' })
      const { priv } = jwk as { readonly priv?: string }
      const secrets = [jwk.d, jwk.p, jwk.q, priv].filter(part => part !== undefined)
      const failure = (): string => {
        try {
          openSigningKey({ ...stored, kid: 'other' }, box)
          return 'opened'
        } catch (error) {
          return inspect(error, { depth: 9, showHidden: true })
        }
      }
      assert.ok(secrets.length >= 1)
      for (const text of [
        inspect(key, { depth: 9, showHidden: true }),
        JSON.stringify(key),
        stored.publicJwk,
        failure(),
      ]) {
        for (const secret of secrets) assert.ok(!text.includes(secret) && !text.includes(secret.slice(0, 16)))
      }
      assert.ok(!Buffer.from(stored.sealedPrivateKey).includes(der.subarray(-24)))
    }
  })
})
