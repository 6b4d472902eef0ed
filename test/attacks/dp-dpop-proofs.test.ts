/** Proofs that must not be believed (RFC 9449 §4.3): each leaves the family as it was. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { type DpopKey, dpopKey, type ProofOf } from '../stage/dpop.ts'
import { eventsOf } from '../stage/events.ts'
import { openFamilyOf, openScene, rowOf, type Scene } from '../stage/scene.ts'

const spa = { id: 'page', kind: 'spa', refresh: true, redirectUris: ['https://page.example/cb'] }

interface Bound extends Scene {
  readonly key: DpopKey
  readonly refreshToken: string
  readonly familyId: Awaited<ReturnType<typeof openFamilyOf>>['familyId']
}

async function boundScene(test: TestContext, settings = {}): Promise<Bound> {
  const scene = await openScene(test, { client: spa, settings })
  const key = await dpopKey(scene.stage)
  const { first, familyId } = await openFamilyOf(scene, {}, await key.proof({}))
  return { ...scene, key, refreshToken: first.refreshToken, familyId }
}

/** A refused proof is 400 with its code, ends nothing, writes nothing, and the same token is good with a good one. */
async function assertRefused(scene: Bound, headers: HeadersInit, about: string): Promise<void> {
  const { stage, app, refreshToken, familyId } = scene
  const before = await rowOf(stage, familyId)
  const refused = await app.refresh(refreshToken, {}, headers)
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_dpop_proof'], about)
  assert.deepEqual(await rowOf(stage, familyId), before, about)
}

async function assertUnchanged(scene: Bound): Promise<void> {
  const { app, key, refreshToken } = scene
  assert.equal((await app.refresh(refreshToken, {}, await key.proof({}))).status, 200)
  assert.equal((await eventsOf(scene.stage, 'token_reused')).length, 0)
}

async function assertAllRefused(scene: Bound, proofs: { readonly [about: string]: ProofOf }): Promise<void> {
  for (const [about, of] of Object.entries(proofs)) await assertRefused(scene, await scene.key.proof(of), about)
  await assertUnchanged(scene)
}

describe('a DPoP proof', () => {
  it('DP-01 is refused when it is two, no JWT, too long, or empty', async test => {
    const scene = await boundScene(test)
    const [one, other] = [await scene.key.proof({}), await scene.key.proof({})]
    const long = await scene.key.proof({ claims: { filler: 'x'.repeat(10_000) } })
    const cut = one.dpop.split('.').slice(0, 2).join('.')
    const texts = [`${one.dpop}, ${other.dpop}`, `${one.dpop},${one.dpop}`, 'no-jwt', '..', 'a.b.c', cut, long.dpop, '']
    for (const dpop of texts) await assertRefused(scene, { dpop }, dpop.slice(0, 40))
    const two = new Headers([
      ['dpop', one.dpop],
      ['dpop', other.dpop],
    ])
    await assertRefused(scene, two, 'two headers')
    await assertUnchanged(scene)
  })

  it('DP-02 is refused without typ, jwk, jti, htm, htu or iat, or where one is of another type', async test => {
    const scene = await boundScene(test)
    const header = ['typ', 'jwk'].flatMap(name => [
      [`no ${name}`, { header: { [name]: undefined } }] as const,
      [`${name} is a number`, { header: { [name]: 1 } }] as const,
    ])
    const claims = ['jti', 'htm', 'htu', 'iat'].flatMap(name => [
      [`no ${name}`, { claims: { [name]: undefined } }] as const,
      [`${name} is null`, { claims: { [name]: null } }] as const,
      [`${name} is empty`, { claims: { [name]: '' } }] as const,
      [`${name} is a list`, { claims: { [name]: ['x'] } }] as const,
    ])
    for (const [about, of] of [...header, ...claims]) await assertRefused(scene, await scene.key.proof(of), about)
    await assertUnchanged(scene)
  })

  it('DP-02 is refused without alg, with none, and with a MAC', async test => {
    const scene = await boundScene(test)
    const { dpop } = await scene.key.proof({})
    const [, claims = '', signature = ''] = dpop.split('.')
    for (const alg of [undefined, 'none', 'HS256', 'RS1', 'ES256K', 1]) {
      const header = { typ: 'dpop+jwt', alg, jwk: scene.key.publicJwk }
      const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
      await assertRefused(scene, { dpop: `${encoded}.${claims}.${signature}` }, `alg ${alg}`)
      await assertRefused(scene, { dpop: `${encoded}.${claims}.` }, `alg ${alg} unsigned`)
    }
    await assertUnchanged(scene)
  })

  it('DP-03 is refused when it is of another type, or says so in capitals', async test => {
    const scene = await boundScene(test)
    const types = ['jwt', 'JWT', 'DPOP+JWT', 'at+jwt', 'application/dpop+jwt', 'dpop+jwt ']
    await assertAllRefused(scene, Object.fromEntries(types.map(typ => [typ, { header: { typ } }])))
  })

  it('DP-05 is refused with a private, symmetric, weak or oversize key, or one that leads elsewhere', async test => {
    const scene = await boundScene(test)
    const { publicJwk } = scene.key
    const secret = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)
    const rsa = (bits: number) =>
      generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
    await assertAllRefused(scene, {
      private: { header: { jwk: secret } },
      'with a d beside it': { header: { jwk: { ...publicJwk, d: 'AAAA' } } },
      symmetric: { header: { jwk: { kty: 'oct', k: 'AAAA' } } },
      'small RSA': { header: { alg: 'ES256', jwk: rsa(1024) } },
      'RSA for ES256': { header: { jwk: rsa(2048) } },
      'x5u in the key': { header: { jwk: { ...publicJwk, x5u: 'https://evil.example/' } } },
      'jku in the key': { header: { jwk: { ...publicJwk, jku: 'https://evil.example/' } } },
      'x5u in the header': { header: { x5u: 'https://evil.example/' } },
      'jku in the header': { header: { jku: 'https://evil.example/' } },
      'a point off the curve': { header: { jwk: { ...publicJwk, y: 'A'.repeat(43) } } },
      'another curve by name': { header: { jwk: { ...publicJwk, crv: 'P-384' } } },
      'no key type': { header: { jwk: { ...publicJwk, kty: undefined } } },
    })
  })

  it('DP-05 is refused with an RSA modulus of 1024 or 16384 bits that is signed as it says', async test => {
    const scene = await boundScene(test)
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const { dpop } = await scene.key.proof({})
    const [, claims = ''] = dpop.split('.')
    const sized = [small.publicKey.export({ format: 'jwk' }), { kty: 'RSA', e: 'AQAB', n: `_${'A'.repeat(2729)}E` }]
    for (const jwk of sized) {
      const header = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'RS256', jwk })).toString('base64url')
      await assertRefused(scene, { dpop: `${header}.${claims}.${'A'.repeat(342)}` }, `${String(jwk.n).length}`)
    }
    await assertUnchanged(scene)
  })

  it('DP-06 is refused when another key signed it, and when its key was swapped', async test => {
    const scene = await boundScene(test)
    const other = await dpopKey(scene.stage)
    await assertRefused(scene, await other.proof({ header: { jwk: scene.key.publicJwk } }), 'signed by another')
    await assertRefused(scene, await scene.key.proof({ header: { jwk: other.publicJwk } }), 'swapped')
    const [header, claims, signature = ''] = (await scene.key.proof({})).dpop.split('.')
    const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    for (const wrong of [flipped, signature.slice(0, -4), `${signature}AAAA`, 'A'.repeat(86)]) {
      await assertRefused(scene, { dpop: `${header}.${claims}.${wrong}` }, 'a broken signature')
    }
    const mine = await other.proof({})
    const refused = await scene.app.refresh(scene.refreshToken, {}, mine)
    assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_grant'], 'a good proof of another key')
    await assertUnchanged(scene)
  })
})
