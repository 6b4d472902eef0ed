/** What an API refuses (RFC 9068 §4, RFC 8725), and what nobody can make it do to the server it asks. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { type ApiGuard, guardApi, type GuardOptions } from '@pawl/verifier'
import { SignJWT } from 'jose'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { dpopKey } from '../stage/dpop.ts'
import { type ApiScene, apiUrl, assertRefused, call, files, openApi, outcome } from '../verifier/api-ground.ts'
import { pairFor, type Signer, signer } from '../verifier/signer.ts'

interface Forger extends Signer {
  readonly scene: ApiScene
  readonly guard: (options?: Partial<GuardOptions>) => ApiGuard
  readonly now: () => number
}

/** A guard that believes a key which we have too. */
async function openForger(test: Parameters<typeof openApi>[0]): Promise<Forger> {
  const scene = await openApi(test)
  const forging = await signer(scene.stage)
  const guard = (options: Partial<GuardOptions> = {}) =>
    guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: forging.jwks },
      ...options,
    })
  return { ...forging, scene, guard, now: () => Math.floor(scene.stage.clock.nowMs() / 1000) }
}

describe('an API', () => {
  it('JW-15 refuses a token for another API, of another server or type, over by more than the skew, or without the scope', async test => {
    const { guard, sign, now } = await openForger(test)
    const api = guard()
    const refused = async (claims: object, header: object, reason: RegExp): Promise<void> =>
      assertRefused(await api.verify(call(await sign({ ...claims }, { ...header }))), '401 invalid_token', reason)
    assert.equal(outcome(await api.verify(call(await sign({})))), 'granted')
    await refused({ aud: 'https://other.example' }, {}, /audience/)
    await refused({ aud: [] }, {}, /audience/)
    await refused({ aud: undefined }, {}, /audience/)
    await refused({ aud: `${apiUrl}/` }, {}, /audience/)
    await refused({ iss: 'https://evil.example' }, {}, /issuer/)
    await refused({ iss: undefined }, {}, /issuer/)
    for (const typ of ['JWT', 'id_token', 'logout+jwt', 'dpop+jwt', 'at+jwt2', undefined])
      await refused({}, { typ }, /typ/)
    await refused({ exp: now() - 61 }, {}, /over/)
    await refused({ exp: now() - 30 }, {}, /over/)
    await refused({ nbf: now() + 61 }, {}, /not good yet/)
    await refused({ iat: now() + 61 }, {}, /later/)
    for (const name of ['sub', 'client_id', 'exp', 'iat']) await refused({ [name]: undefined }, {}, /missing|no time/)
    assert.equal(outcome(await api.verify(call(await sign({ exp: now() - 29 })))), 'granted', 'inside the skew')
    assert.equal(outcome(await api.verify(call(await sign({}, { typ: 'application/at+JWT' })))), 'granted')
    for (const scope of ['', 'file', 'files.read files.writ', 'FILES.WRITE', 'files.write2', undefined]) {
      const verdict = await api.verify(call(await sign({ scope })), { scopes: ['files.write'] })
      assertRefused(verdict, '403 insufficient_scope', /scope/)
    }
    const listed = await api.verify(call(await sign({ scope: ['files.write'] })), { scopes: ['files.write'] })
    assertRefused(listed, '401 invalid_token', /scope/)
  })

  it('JW-15 refuses an ID token, a refresh token and a code of the very server it trusts', async test => {
    const scene = await openApi(test)
    const guard = scene.guard({ audience: [apiUrl, 'shop', scene.stage.issuer] })
    const { accessToken, refreshToken, body } = await scene.tokens()
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    assertRefused(await guard.verify(call(String(body['id_token']))), '401 invalid_token', /typ/)
    assertRefused(await guard.verify(call(refreshToken)), '401 invalid_token', /not active|audience|missing|no time/)
  })

  it('JW-01, JW-02, JW-03, JW-05, JW-11, JW-12 meet the same refusals at an API as at the server', async test => {
    const { guard, sign, now, publicJwk, jwks } = await openForger(test)
    const api = guard()
    const good = await sign({})
    assert.equal(outcome(await api.verify(call(good))), 'granted')
    const [header = '', payload = '', signature = ''] = good.split('.')
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const kid = publicJwk['kid']
    const refused = async (token: string): Promise<void> => {
      const verdict = await api.verify(call(token))
      assert.ok(
        ['401 invalid_token', '400 invalid_request'].includes(outcome(verdict)),
        `${token}: ${outcome(verdict)}`,
      )
    }
    for (const alg of ['none', 'None', 'NONE', '']) {
      await refused(`${encoded({ alg, typ: 'at+jwt', kid })}.${payload}.`)
      await refused(`${encoded({ alg, typ: 'at+jwt', kid })}.${payload}.${signature}`)
    }
    await refused(`${header}.${payload}.`)
    await refused(`${header}.${payload}`)
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk))
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { [name: string]: unknown }
    await refused(
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: String(kid) }).sign(secret),
    )
    const other = pairFor('ES256')
    const jwk = other.publicKey.export({ format: 'jwk' })
    for (const more of [{ jwk }, { jku: 'https://evil.example/' }, { x5u: 'https://evil.example/' }, { x5c: ['x'] }]) {
      const stranger = new SignJWT(claims).setProtectedHeader({
        alg: 'ES256',
        typ: 'at+jwt',
        kid: String(kid),
        ...more,
      })
      await refused(await stranger.sign(other.privateKey))
    }
    await refused(await sign({}, { b64: true, crit: ['b64'] }))
    await refused(`${header}.${payload}.${signature}=`)
    await refused(`${header}.${payload} .${signature}`)
    await refused(`${header}.${payload}.${signature.replace(/.$/, '+')}`)
    await refused(`${good}.${good}`)
    await refused('x'.repeat(16_500))
    for (const exp of ['9999999999', -1, 2 ** 63, null, [now() + 60]]) await refused(await sign({ exp }))
    const infinite = `${header}.${Buffer.from(JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e400')).toString('base64url')}`
    await refused(`${infinite}.${signature}`)
    assert.equal(jwks.asked, 1, 'nothing of this was a reason to ask again')
  })

  it('JW-13 takes a token by the next key as soon as it is published, and by a retired one no longer than it is kept', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { sign } = await signer(scene.stage)
    const early = await sign({}, { kid: 'the next key' })
    const old = await scene.tokens()
    assert.equal(outcome(await guard.verify(call(old.accessToken))), 'granted')
    assertRefused(await guard.verify(call(early)), '401 invalid_token', /key is none/)
    const { key } = await rotateSigningKey(scene.stage.workbench, 'ES256', { verify: 3600 })
    scene.stage.clock.set(key.signsFromMs + 6000)
    const next = await scene.app.refresh(old.refreshToken, { resource: apiUrl })
    assert.equal(outcome(await guard.verify(call(next.accessToken))), 'granted')
    scene.stage.clock.advanceSeconds(3600 + 6)
    const { jwks, sign: signOld } = await signer(scene.stage)
    const retiring = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: jwks },
    })
    const long = await signOld({ exp: 9_999_999_999 })
    assert.equal(outcome(await retiring.verify(call(long))), 'granted')
    jwks.answer = () => Response.json({ keys: [] })
    scene.stage.clock.advanceSeconds(300)
    assert.equal(outcome(await retiring.verify(call(long))), 'granted', 'while the new set is on its way')
    assertRefused(await retiring.verify(call(long)), '401 invalid_token', /key is none/)
  })

  it('JW-14 takes no key set that is too long, too many, private, symmetric, weak, moved or no set at all', async test => {
    const { guard, sign, jwks, publicJwk, privateJwk } = await openForger(test)
    const token = await sign({})
    const weak = { kty: 'RSA', n: 'x'.repeat(171), e: 'AQAB', kid: 'weak' }
    const answers: readonly (readonly [string, () => Response])[] = [
      ['10 MB', () => new Response(new Uint8Array(10_000_000))],
      [
        '33 keys',
        () => Response.json({ keys: Array.from({ length: 33 }, (_, at) => ({ ...publicJwk, kid: `k${at}` })) }),
      ],
      ['a private key', () => Response.json({ keys: [publicJwk, privateJwk] })],
      ['a secret', () => Response.json({ keys: [publicJwk, { kty: 'oct', k: 'c2VjcmV0' }] })],
      ['a weak key', () => Response.json({ keys: [publicJwk, weak] })],
      ['no point on its curve', () => Response.json({ keys: [{ ...publicJwk, x: publicJwk['y'] }] })],
      ['a redirect', () => Response.redirect('https://evil.example/', 302)],
      ['an error', () => Response.json({ keys: [publicJwk] }, { status: 500 })],
      ['a list', () => Response.json([publicJwk])],
      ['text', () => new Response('<html>')],
    ]
    for (const [name, answer] of answers) {
      jwks.answer = answer
      const asked = jwks.asked
      assertRefused(await guard().verify(call(token)), '503 temporarily_unavailable', /keys?\b/)
      assert.equal(jwks.asked, asked + 1, name)
    }
    const kinds = [{ kty: 'XYZ', kid: 'x' }, { ...publicJwk, use: 'enc', kid: 'e' }, publicJwk]
    jwks.answer = () => Response.json({ keys: kinds })
    assert.equal(outcome(await guard().verify(call(token))), 'granted', 'what is not known stands beside')
  })

  it('JW-16 takes no private key from anybody, and shows no secret of its own', async test => {
    const { scene, guard, sign, jwks, publicJwk, privateJwk } = await openForger(test)
    const api = guard()
    const token = await sign({})
    assert.equal(outcome(await api.verify(call(token))), 'granted')
    jwks.answer = () => Response.json({ keys: [{ ...publicJwk, ...privateJwk }] })
    scene.stage.clock.advanceSeconds(300)
    assert.equal(outcome(await api.verify(call(token))), 'granted', 'the keys at hand go on')
    assert.equal(outcome(await api.verify(call(token))), 'granted')
    assert.match(api.health().keys.failure ?? '', /private/)
    const secretive = scene.guard({ dpopNonceKey: new Uint8Array(32).fill(65) })
    const refusals = [await secretive.verify(call(token)), await secretive.verify(call('pawl_at_unknown'))]
    const said = inspect([secretive, secretive.health(), refusals, api.health()], { depth: 12, showHidden: true })
    const nonceKey = Buffer.alloc(32, 65).toString('base64url')
    for (const secret of [scene.api.secret ?? '?', token, String(privateJwk['d']), nonceKey, 'AAAAAAAA']) {
      assert.ok(!said.includes(secret), 'a secret can be printed')
    }
    const encoded = Buffer.from(`api:${scene.api.secret}`).toString('base64')
    assert.ok(!said.includes(encoded))
  })

  it('SF-09 asks for keys once a minute at most, whatever keys tokens name', async test => {
    const { guard, sign, jwks, scene } = await openForger(test)
    const api = guard()
    assert.equal(outcome(await api.verify(call(await sign({})))), 'granted')
    const flood = async (): Promise<void> => {
      const tokens = await Promise.all(Array.from({ length: 100 }, (_, at) => sign({}, { kid: `unknown ${at}` })))
      const verdicts = await Promise.all(tokens.map(token => api.verify(call(token))))
      for (const verdict of verdicts) assertRefused(verdict, '401 invalid_token', /key is none/)
    }
    await flood()
    assert.equal(jwks.asked, 1, 'they were fetched a moment ago')
    for (let minute = 1; minute <= 3; minute++) {
      scene.stage.clock.advanceSeconds(60)
      await flood()
      await flood()
      assert.equal(jwks.asked, 1 + minute)
    }
    assert.equal(outcome(await api.verify(call(await sign({})))), 'granted')
  })
})

describe('a bound token at an API', () => {
  it('DP-13 is no bearer token, and nothing without a proof of its own key for this very token', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const [key, thief] = [await dpopKey(scene.stage), await dpopKey(scene.stage)]
    const { accessToken } = await scene.tokens({}, await key.proof({}))
    const other = await scene.tokens({}, await key.proof({}))
    const of = { method: 'GET', claims: { htu: files } }
    const authorization = `DPoP ${accessToken}`
    const as = async (headers: { readonly [name: string]: string }) => guard.verify(call(accessToken, headers))

    const bearer = await as({})
    assertRefused(bearer, '401 invalid_token', /came as a bearer/)
    assert.match(JSON.stringify(bearer), /DPoP error=/)
    assertRefused(await as(await key.proof({ ...of, accessToken })), '401 invalid_token', /came as a bearer/)
    assertRefused(await as({ authorization }), '401 invalid_dpop_proof', /no DPoP proof/)
    const refused = async (proof: Promise<{ readonly dpop: string }>, code: string, reason: RegExp): Promise<void> =>
      assertRefused(await as({ authorization, ...(await proof) }), `401 ${code}`, reason)
    await refused(thief.proof({ ...of, accessToken }), 'invalid_token', /another DPoP key/)
    await refused(key.proof(of), 'invalid_dpop_proof', /ath/)
    await refused(key.proof({ ...of, accessToken: other.accessToken }), 'invalid_dpop_proof', /ath/)
    await refused(key.proof({ ...of, accessToken, method: 'POST' }), 'invalid_dpop_proof', /htm/)
    await refused(key.proof({ ...of, accessToken, claims: { htu: `${apiUrl}/other` } }), 'invalid_dpop_proof', /htu/)
    await refused(key.proof({ ...of, accessToken, aheadSeconds: -61 }), 'invalid_dpop_proof', /iat/)
    await refused(key.proof({ ...of, accessToken, aheadSeconds: 31 }), 'invalid_dpop_proof', /iat/)
    await refused(key.proof({ ...of, accessToken, header: { typ: 'JWT' } }), 'invalid_dpop_proof', /typ/)
    const { dpop } = await key.proof({ ...of, accessToken })
    const { dpop: second } = await key.proof({ ...of, accessToken })
    await refused(Promise.resolve({ dpop: `${dpop}, ${second}` }), 'invalid_dpop_proof', /no proof/)
    await refused(Promise.resolve({ dpop: `${dpop.slice(0, -8)}AAAAAAAA` }), 'invalid_dpop_proof', /not signed/)
    const { d } = pairFor('ES256').privateKey.export({ format: 'jwk' })
    await refused(
      key.proof({ ...of, accessToken, header: { jwk: { ...key.publicJwk, d } } }),
      'invalid_dpop_proof',
      /private/,
    )
    assert.equal(outcome(await as({ authorization, dpop })), 'granted', 'nothing of this used it up')

    const plain = await scene.tokens()
    const ath = createHash('sha256').update(plain.accessToken).digest('base64url')
    const dressed = await key.proof({ ...of, claims: { htu: files, ath } })
    const verdict = await guard.verify(
      call(plain.accessToken, { authorization: `DPoP ${plain.accessToken}`, ...dressed }),
    )
    assertRefused(verdict, '401 invalid_token', /bound to no key/)
  })
})
