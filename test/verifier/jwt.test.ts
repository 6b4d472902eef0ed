/** JWT access tokens at an API: what a real server issues is taken, and nothing else. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { GuardMisconfigured, guardApi, protectedResourceUrl } from '@pawl/verifier'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { signer } from './signer.ts'
import { apiUrl, assertRefused, call, files, openApi, outcome } from './api-ground.ts'

describe('a guard of JWT access tokens', () => {
  it('tells who calls and what they may, and asks the server for its keys once', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken } = await scene.tokens({ scope: 'openid email' })
    const verdict = await guard.verify(call(accessToken), { scopes: ['email'] })
    assert.ok(verdict.granted)
    const claims = decodeJwt(accessToken)
    const { subject, clientId, scopes, binding } = verdict
    assert.deepEqual(
      { subject, clientId, scopes, binding },
      {
        subject: claims.sub,
        clientId: 'shop',
        scopes: ['openid', 'email'],
        binding: 'none',
      },
    )
    for (let at = 0; at < 5; at++) assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    assert.deepEqual(scene.asked, ['/.well-known/oauth-authorization-server', '/jwks'])
  })

  it('says how stale it is: without anything to follow, as old as the token', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken } = await scene.tokens()
    scene.stage.clock.advanceSeconds(42)
    const verdict = await guard.verify(call(accessToken))
    assert.equal(verdict.granted && verdict.staleMs, 42_000)
  })

  it('takes a token to the last moment of its life and the skew, and none after', async test => {
    const scene = await openApi(test)
    const guard = scene.guard({ clockSkewSeconds: 10 })
    const { accessToken } = await scene.tokens()
    scene.stage.clock.set((decodeJwt(accessToken).exp ?? 0) * 1000 + 9999)
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    scene.stage.clock.advanceMs(1)
    assertRefused(await guard.verify(call(accessToken)), '401 invalid_token', /over/)
  })

  it('asks for a token by both schemes, and points to its metadata', async test => {
    const scene = await openApi(test)
    const guard = scene.guard({ resourceMetadata: protectedResourceUrl(files) })
    const verdict = await guard.verify(new Request(files), { scopes: ['email'] })
    assert.equal(outcome(verdict), '401 nothing')
    const asked = verdict.granted ? '' : (verdict.headers['www-authenticate'] ?? '')
    const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/files"'
    assert.equal(
      asked,
      `Bearer scope="email", ${metadata}, DPoP scope="email", algs="ES256 ES384 ES512 EdDSA Ed25519 PS256 RS256", ${metadata}`,
    )
  })

  it('refuses headers that are no single token, and tokens in the URL', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken } = await scene.tokens()
    const of = (authorization: string, url = files) => guard.verify(new Request(url, { headers: { authorization } }))
    assert.equal(outcome(await of(`Bearer ${accessToken}, Bearer ${accessToken}`)), '400 invalid_request')
    assert.equal(outcome(await of(`Bearer ${accessToken}, Basic abc`)), '400 invalid_request')
    assert.equal(outcome(await of('Bearer')), '400 invalid_request')
    assert.equal(outcome(await of(`Bearer a b`)), '400 invalid_request')
    assert.equal(outcome(await of('Basic dTpw')), '401 nothing')
    assert.equal(
      outcome(await of(`Bearer ${accessToken}`, `${files}?access_token=${accessToken}`)),
      '400 invalid_request',
    )
    assert.equal(
      outcome(await guard.verify(new Request(`${files}?access_token=${accessToken}`))),
      '400 invalid_request',
    )
    assert.equal(outcome(await of(`bearer ${accessToken}`)), 'granted', 'RFC 9110 §11.1')
    const several = new Headers([
      ['authorization', `Bearer ${accessToken}`],
      ['authorization', 'Bearer x'],
    ])
    assert.equal(outcome(await guard.verify(new Request(files, { headers: several }))), '400 invalid_request')
  })

  it('says 403 and which scopes where one is missing', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken } = await scene.tokens({ scope: 'openid' })
    const verdict = await guard.verify(call(accessToken), { scopes: ['openid', 'email'] })
    assertRefused(verdict, '403 insufficient_scope', /scope/)
    const asked = verdict.granted ? '' : verdict.headers['www-authenticate']
    assert.equal(asked, 'Bearer error="insufficient_scope", scope="openid email"')
  })

  it('asks for a fresher or a surer sign-in (RFC 9470), and takes the token that comes of it', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { accessToken } = await scene.tokens()
    const acr = ['phr', 'urn:pawl:acr:mfa']
    const unsure = await guard.verify(call(accessToken), { acr })
    assertRefused(unsure, '401 insufficient_user_authentication', /surely/)
    assert.match(JSON.stringify(unsure), /acr_values=\\"phr urn:pawl:acr:mfa\\"/)
    assert.equal(outcome(await guard.verify(call(accessToken), { acr: ['urn:pawl:acr:pwd'] })), 'granted')
    assert.equal(outcome(await guard.verify(call(accessToken), { maxAgeSeconds: 30 })), 'granted')
    scene.stage.clock.advanceSeconds(31)
    const old = await guard.verify(call(accessToken), { maxAgeSeconds: 30 })
    assertRefused(old, '401 insufficient_user_authentication', /long ago/)
    assert.match(JSON.stringify(old), /max_age=\\"30\\"/)
    const again = await scene.tokens({ max_age: '0' })
    assert.equal(outcome(await guard.verify(call(again.accessToken), { maxAgeSeconds: 30 })), 'granted')
  })

  it('survives a rotation of the keys without a refusal', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    let tokens = await scene.tokens()
    assert.equal(outcome(await guard.verify(call(tokens.accessToken))), 'granted')
    const { key } = await rotateSigningKey(scene.stage.workbench, 'ES256', { verify: 3600 })
    scene.stage.clock.advanceSeconds(6)
    while (decodeProtectedHeader(tokens.accessToken).kid !== key.kid) {
      scene.stage.clock.advanceSeconds(30)
      tokens = await scene.app.refresh(tokens.refreshToken, { resource: apiUrl })
      assert.equal(outcome(await guard.verify(call(tokens.accessToken))), 'granted')
    }
  })

  it('goes on for a while when the server is away, says so, and then puts requests off', async test => {
    const scene = await openApi(test)
    const guard = scene.guard()
    const { sign, jwks } = await signer(scene.stage)
    scene.cutOff(true)
    assertRefused(await guard.verify(call(await sign({}))), '503 temporarily_unavailable', /could not be reached/)
    scene.cutOff(false)
    scene.stage.clock.advanceSeconds(1)
    const own = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: jwks },
    })
    assert.equal(outcome(await own.verify(call(await sign({})))), 'granted')
    jwks.isAway = true
    scene.stage.clock.advanceSeconds(3600)
    assert.equal(outcome(await own.verify(call(await sign({})))), 'granted')
    assert.equal(own.health().keys.ageMs, 3_600_000)
    scene.stage.clock.advanceSeconds(1)
    const verdict = await own.verify(call(await sign({})))
    assertRefused(verdict, '503 temporarily_unavailable', /reached/)
    assert.equal(verdict.granted || verdict.headers['retry-after'], '2')
    assert.match(own.health().keys.failure ?? '', /reached/)
    jwks.isAway = false
    scene.stage.clock.advanceSeconds(1)
    assert.equal(outcome(await own.verify(call(await sign({})))), 'granted')
  })

  it('is not set up with what could never be safe', () => {
    const good = { issuer: 'https://id.example', audience: apiUrl }
    const refuses = (more: object, name: RegExp) =>
      assert.throws(
        () => guardApi({ ...good, ...more }),
        (error: Error) => error instanceof GuardMisconfigured && name.test(error.message),
      )
    refuses({ issuer: 'http://id.example' }, /^issuer/)
    refuses({ audience: [] }, /^audience/)
    refuses({ algorithms: ['HS256'] }, /^algorithms/)
    refuses({ algorithms: ['none'] }, /^algorithms/)
    refuses({ algorithms: [] }, /^algorithms/)
    refuses({ follow: 'feed' }, /^follow/)
    refuses({ introspect: 'every' }, /^introspect/)
    refuses({ clockSkewSeconds: 61 }, /^clockSkewSeconds/)
    refuses({ failClosedAfterSeconds: Number.NaN }, /^failClosedAfterSeconds/)
    refuses({ origins: ['https://api.example/files'] }, /^origins/)
    refuses({ dpopNonceKey: new Uint8Array(31) }, /^dpopNonceKey/)
    refuses({ resourceMetadata: 'http://api.example' }, /^resourceMetadata/)
    assert.doesNotThrow(() => guardApi({ ...good, audience: 'urn:files' }))
  })

  it('takes EdDSA and PS256 where that is what the keys are for, and one algorithm never for another', async test => {
    const scene = await openApi(test)
    for (const algorithm of ['EdDSA', 'PS256', 'RS256', 'ES384']) {
      const { sign, jwks } = await signer(scene.stage, algorithm)
      const own = guardApi({
        issuer: scene.stage.issuer,
        audience: apiUrl,
        jwksUri: 'https://keys.example/',
        world: { ...scene.world, fetch: jwks },
      })
      const verdict = await own.verify(call(await sign({})))
      if (algorithm === 'ES384') assertRefused(verdict, '401 invalid_token', /none that this guard takes/)
      else assert.equal(outcome(verdict), 'granted', algorithm)
    }
    const quantum = await signer(scene.stage, 'ML-DSA-65')
    const later = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      algorithms: ['ML-DSA-65'],
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: quantum.jwks },
    })
    assert.equal(outcome(await later.verify(call(await quantum.sign({})))), 'granted')
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { sign, jwks } = await signer(scene.stage, 'PS256', rsa)
    const own = guardApi({
      issuer: scene.stage.issuer,
      audience: apiUrl,
      jwksUri: 'https://keys.example/',
      world: { ...scene.world, fetch: jwks },
    })
    assertRefused(await own.verify(call(await sign({}, { alg: 'RS256' }))), '401 invalid_token', /key/)
  })
})
