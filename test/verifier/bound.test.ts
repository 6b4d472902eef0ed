/** Tokens that are worth something with a key alone: DPoP proofs and client certificates, shown to an API. */

import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { guardApi, memoryMarks } from '@pawl/verifier'
import { dpopKey, type ProofOf } from '../stage/dpop.ts'
import { phone, shop } from '../stage/scene.ts'
import { type ApiScene, apiUrl, assertRefused, call, files, openApi, outcome } from './api-ground.ts'
import { signer } from './signer.ts'

/** A client with a key and a token for it; `proven` is a request with a new proof. */
async function holder(scene: ApiScene, algorithm = 'ES256') {
  const key = await dpopKey(scene.stage, algorithm)
  const { accessToken } = await scene.tokens({}, await key.proof({}))
  const proven = async (of: ProofOf = {}) => {
    const shown = await key.proof({ method: 'GET', accessToken, ...of, claims: { htu: files, ...of.claims } })
    return call(accessToken, { authorization: `DPoP ${accessToken}`, ...shown })
  }
  return { accessToken, proven }
}

describe('a guard of DPoP-bound tokens', () => {
  it('takes the token with a proof of its key, and the proof once', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    for (const algorithm of ['ES256', 'EdDSA', 'RS256']) {
      const { proven } = await holder(scene, algorithm)
      const request = await proven()
      const verdict = await guard.verify(request)
      assert.equal(verdict.granted && verdict.binding, 'dpop', algorithm)
      const again = await guard.verify(request)
      assertRefused(again, '401 invalid_dpop_proof', /used before/)
      assert.match(JSON.stringify(again), /DPoP error=\\"invalid_dpop_proof\\", algs=\\"ES256 /)
      assert.equal(outcome(await guard.verify(await proven())), 'granted')
    }
  })

  it('takes proofs for the path that was asked for, whatever its query, at our own origin alone', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken, proven } = await holder(scene)
    const elsewhere = async (url: string, of: ProofOf = {}) => {
      const { headers } = await proven(of)
      return outcome(await guard.verify(new Request(url, { headers })))
    }
    assert.equal(await elsewhere(`${files}?page=2`), 'granted')
    assert.equal(await elsewhere(`${apiUrl}/other`), '401 invalid_dpop_proof')
    assert.equal(await elsewhere('http://10.0.0.7:8080/files'), 'granted', 'behind a proxy')
    const stolen = { claims: { htu: 'https://evil.example/files' } }
    assert.equal(
      await elsewhere('https://evil.example/files', stolen),
      '401 invalid_dpop_proof',
      'Host is not believed',
    )
    const other = scene.guard({ audience: [apiUrl], origins: ['https://gateway.example'] })
    const { headers } = await proven({ claims: { htu: 'https://gateway.example/files' } })
    assert.equal(outcome(await other.verify(new Request(files, { headers }))), 'granted')
    const nowhere = guardApi({
      issuer: scene.stage.issuer,
      audience: ['urn:files', apiUrl.slice(8)],
      world: scene.world,
    })
    assertRefused(await nowhere.verify(call(accessToken)), '401 invalid_token', /audience/)
  })

  it('takes no proof for a request that has no path, and has an answer for it', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken, proven } = await holder(scene)
    for (const url of ['*', '', 'api.example:443', '?page=2', 'urn:files', '@evil.example/files']) {
      const dpop = (await proven({ claims: { htu: apiUrl + url } })).headers.get('dpop')
      const verdict = await guard.verify({ method: 'GET', url, authorization: `DPoP ${accessToken}`, dpop })
      assertRefused(verdict, '401 invalid_dpop_proof', /htu/)
    }
  })

  it('takes an opaque token as it takes a JWT: by the key that introspection names', async test => {
    const scene = await openApi(test, { client: { ...shop, accessTokenFormat: 'opaque' } })
    const guard = scene.guard()
    const { accessToken, proven } = await holder(scene)
    const verdict = await guard.verify(await proven())
    assert.equal(verdict.granted && verdict.binding, 'dpop')
    assertRefused(await guard.verify(call(accessToken)), '401 invalid_token', /came as a bearer/)
  })

  it('keeps every mark until its proof is over, and puts off what there is no room for', async test => {
    const scene = await openApi(test)
    const guard = scene.guard({ proofMarks: memoryMarks(scene.stage.clock.nowMs, 3) })
    const { proven } = await holder(scene)
    const first = await proven()
    for (const request of [first, await proven(), await proven()]) {
      assert.equal(outcome(await guard.verify(request)), 'granted')
    }
    assertRefused(await guard.verify(await proven()), '503 temporarily_unavailable', /no room/)
    assertRefused(await guard.verify(first), '401 invalid_dpop_proof', /used before/)
    scene.stage.clock.advanceSeconds(60)
    assertRefused(await guard.verify(first), '401 invalid_dpop_proof', /used before/)
    scene.stage.clock.advanceSeconds(1)
    assertRefused(await guard.verify(first), '401 invalid_dpop_proof', /iat/)
    assert.equal(outcome(await guard.verify(await proven())), 'granted', 'there is room again')
  })

  it('shares marks with whoever it is told to', async test => {
    const scene = await openApi(test)
    const proofMarks = memoryMarks(scene.stage.clock.nowMs)
    const [one, other] = [scene.guard({ proofMarks }), scene.guard({ proofMarks })]
    const { proven } = await holder(scene)
    const request = await proven()
    const outcomes = await Promise.all([one.verify(request), other.verify(request)])
    assert.deepEqual(outcomes.map(outcome).toSorted(), ['401 invalid_dpop_proof', 'granted'])
  })

  it('asks for a nonce where it has a key for them, and one retry is enough at every process', async test => {
    const scene = await openApi(test)
    const dpopNonceKey = new Uint8Array(randomBytes(32))
    const guard = scene.guard({ dpopNonceKey })
    const other = scene.guard({ dpopNonceKey })
    const { proven } = await holder(scene)
    const asked = await guard.verify(await proven())
    assertRefused(asked, '401 use_dpop_nonce', /no nonce/)
    assert.ok(!asked.granted)
    assert.match(asked.headers['www-authenticate'] ?? '', /^DPoP error="use_dpop_nonce"/)
    const nonce = asked.headers['dpop-nonce'] ?? ''
    const request = await proven({ nonce, aheadSeconds: -600 })
    assert.equal(outcome(await other.verify(request)), 'granted', 'a clock that is far off')
    scene.stage.clock.advanceSeconds(60)
    const next = await other.verify(await proven())
    const newer = next.granted ? '' : (next.headers['dpop-nonce'] ?? '')
    assert.equal(outcome(await other.verify(await proven({ nonce: newer }))), 'granted')
    assertRefused(await other.verify(request), '401 invalid_dpop_proof', /used before/)
    assert.equal(outcome(await guard.verify(await proven({ nonce }))), 'granted')
    scene.stage.clock.advanceSeconds(60)
    assert.equal(outcome(await guard.verify(await proven({ nonce }))), '401 use_dpop_nonce')
    assert.equal(outcome(await guard.verify(await proven({ nonce: 'guessed' }))), '401 use_dpop_nonce')
  })

  it('takes no bearer token where bound ones are asked for', async test => {
    const scene = await openApi(test)
    const guard = scene.guard({ boundTokensOnly: true })
    const plain = await scene.tokens()
    const refused = await guard.verify(call(plain.accessToken))
    assertRefused(refused, '401 invalid_token', /bound ones alone/)
    const { proven } = await holder(scene)
    assert.equal(outcome(await guard.verify(await proven())), 'granted')
    const asked = await guard.verify(new Request(files))
    assert.ok(!asked.granted && asked.headers['www-authenticate']?.startsWith('DPoP '))
  })

  it('takes the bound token of a public client, and none that is bound to what it cannot check', async test => {
    const scene = await openApi(test, { client: phone })
    const guard = scene.guard()
    const { proven } = await holder(scene)
    assert.equal(outcome(await guard.verify(await proven())), 'granted')
    const { sign, jwks } = await signer(scene.stage)
    const own = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: jwks },
    })
    for (const cnf of [{}, { kid: 'k' }, { jwk: {} }, { jkt: 7 }, 'jkt', null, { 'x5t#S256': '' }]) {
      assertRefused(await own.verify(call(await sign({ cnf }))), '401 invalid_token', /cannot check/)
    }
  })
})

describe('a guard of certificate-bound tokens', () => {
  it('takes the token over the connection of its certificate, and over no other', async test => {
    const scene = await openApi(test)
    const { sign, jwks } = await signer(scene.stage)
    const guard = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: jwks },
    })
    // What a certificate says is the connection's business; the token knows the hash of its bytes.
    const spki = { type: 'spki', format: 'der' } as const
    const certificates = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(spki))
    const [own, stranger] = certificates
    const thumbprint = createHash('sha256')
      .update(own ?? '')
      .digest('base64url')
    const token = await sign({ cnf: { 'x5t#S256': thumbprint } })
    const shown = { method: 'GET', url: '/files', authorization: `Bearer ${token}`, dpop: null }
    const verdict = await guard.verify({ ...shown, clientCertificate: own ?? null })
    assert.equal(verdict.granted && verdict.binding, 'certificate')
    for (const clientCertificate of [stranger ?? null, null]) {
      const refused = await guard.verify({ ...shown, clientCertificate })
      assertRefused(refused, '401 invalid_token', /certificate/)
    }
    assertRefused(await guard.verify(call(token)), '401 invalid_token', /certificate/)
  })
})
