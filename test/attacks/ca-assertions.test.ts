/** Clients that sign who they are: every assertion that must not be believed, and the few that must. */

import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { type MasterKeys, masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import { changeClient, rotateSecret } from '../../packages/server/src/admin/clients.ts'
import { assertionSecondsMax, clockSkewSeconds } from '../../packages/server/src/oauth/client-assertion.ts'
import { databaseFor, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'
import {
  assertionClaims,
  assertionFields,
  byAssertion,
  type Json,
  newSigner,
  type Signer,
  signed,
} from '../stage/signer.ts'
import { openStage, seededEntropy, type Stage, type StageOptions } from '../stage/stage.ts'

interface AssertionScene extends Scene {
  readonly signer: Signer
  /** The claims of an assertion that is good, with some of them changed; one of undefined is left out. */
  readonly claims: (changes?: Json) => Json
  readonly post: (path: string, assertion: string, fields?: { readonly [name: string]: string }) => Promise<Response>
}

async function openAssertionScene(
  test: TestContext,
  client: Json = {},
  signer = newSigner(),
  options: StageOptions = {},
): Promise<AssertionScene> {
  const keys = client['jwks'] === undefined ? { jwks: { keys: [signer.publicJwk] } } : {}
  const scene = await openScene(test, {
    ...options,
    client: { ...shop, auth: 'private_key_jwt', ...keys, ...client },
  })
  const { stage, registered } = scene
  return {
    ...scene,
    app: stage.app(registered, { authenticate: byAssertion(stage, 'shop', signer) }),
    signer,
    claims: changes => changed(assertionClaims(stage, 'shop'), changes),
    post: (path, assertion, fields = {}) => send(stage, path, { token: 'x', ...fields, ...assertionFields(assertion) }),
  }
}

function changed(claims: Json, changes: Json = {}): Json {
  return Object.fromEntries(Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined))
}

function send(stage: Stage, path: string, fields: { readonly [name: string]: string }): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return stage.send(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() })
}

async function assertRefused(response: Response, about: string): Promise<void> {
  const body = await response.text()
  assert.equal(response.status, 401, `${about}: ${body}`)
  assert.equal(body, '{"error":"invalid_client","error_description":"Client authentication failed."}', about)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm="pawl"/)
}

const seconds = (stage: Stage): number => Math.floor(stage.clock.nowMs() / 1000)

describe('an assertion', () => {
  it('CA-06 proves its client once: never again at any endpoint, on another server, or after a restart', async test => {
    const scene = await openAssertionScene(test)
    const { stage, signer, claims, post } = scene
    const assertion = await signer.sign(claims())
    assert.equal((await post('/introspect', assertion)).status, 200)
    for (const path of ['/introspect', '/revoke', '/token', '/par']) {
      await assertRefused(await post(path, assertion, { grant_type: 'refresh_token' }), path)
    }
    const raced = await signer.sign(claims())
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/revoke', raced)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    stage.clock.advanceSeconds(60)
    await assertRefused(await post('/introspect', assertion), 'when it is over')
  })

  it('CA-06 is remembered by the store: on every server of it, and after a restart', async test => {
    const database = await databaseFor(test)
    const first = await openAssertionScene(test, {}, newSigner(), { database })
    const second = await openStage({ database, keys: first.stage.keys, seed: 'another server' })
    test.after(() => second.close())
    const assertion = await first.signer.sign(first.claims())
    const fields = { token: 'x', ...assertionFields(assertion) }
    assert.equal((await send(second, '/introspect', fields)).status, 200)
    await assertRefused(await first.post('/introspect', assertion), 'here, after it was used there')
    await second.close()
    const again = await openStage({ database, keys: first.stage.keys, seed: 'after a restart' })
    test.after(() => again.close())
    await assertRefused(await send(again, '/introspect', fields), 'after a restart')
  })

  it('CA-06 keeps each jti to itself: another client may use the same one', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const other = newSigner()
    await stage.addClient({ ...shop, id: 'vend', auth: 'private_key_jwt', jwks: { keys: [other.publicJwk] } })
    const jti = randomUUID()
    assert.equal((await post('/introspect', await signer.sign(claims({ jti })))).status, 200)
    const foreign = await other.sign(claims({ jti, iss: 'vend', sub: 'vend' }))
    assert.equal((await post('/introspect', foreign)).status, 200)
  })

  it('CA-06 uses nothing up where it is refused: the same one is good when what was wrong is put right', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const assertion = await signer.sign(claims())
    await changeClient(stage.workbench, 'shop', { disabled: true })
    await assertRefused(await post('/introspect', assertion), 'disabled')
    await changeClient(stage.workbench, 'shop', { disabled: false })
    assert.equal((await post('/introspect', assertion)).status, 200)
  })

  it('CA-08 says when it ends, who it is from and which one it is, or is refused', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const now = seconds(stage)
    const wrong: readonly Json[] = [
      ...['exp', 'sub', 'iss', 'jti', 'aud'].map(name => ({ [name]: undefined })),
      ...[now - 300, now - 1, now, now + assertionSecondsMax + 1, now + 3 * 3600].map(exp => ({ exp })),
      ...[clockSkewSeconds + 1, 61, 3600].flatMap(ahead => [{ iat: now + ahead }, { nbf: now + ahead }]),
      ...['', 7, null, ['x'], 'x'.repeat(257)].map(jti => ({ jti })),
    ]
    for (const changes of wrong) {
      await assertRefused(await post('/introspect', await signer.sign(claims(changes))), JSON.stringify(changes))
    }
    const good: readonly Json[] = [
      { iat: now + 8, nbf: now + 8 },
      { iat: now + 10, nbf: now + 10 },
      { iat: now + clockSkewSeconds, nbf: now + clockSkewSeconds },
      { iat: undefined, nbf: undefined },
      { exp: now + 1 },
      { exp: now + assertionSecondsMax },
      { exp: now + 59.5 },
      { jti: 'x'.repeat(256) },
    ]
    for (const changes of good) {
      const response = await post('/introspect', await signer.sign(claims(changes)))
      assert.equal(response.status, 200, JSON.stringify(changes))
    }
  })

  it('CA-09 is for this server alone, which goes by its issuer and nothing else (RFC 10070)', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const { issuer } = stage
    const wrong = [
      `${issuer}/token`,
      `${issuer}/`,
      issuer.toUpperCase(),
      'https://another.example',
      [issuer, `${issuer}/token`],
      [issuer, issuer],
      [],
      [[issuer]],
      { issuer },
      null,
    ]
    for (const aud of wrong) {
      await assertRefused(await post('/introspect', await signer.sign(claims({ aud }))), JSON.stringify(aud))
    }
    for (const aud of [issuer, [issuer]]) {
      assert.equal((await post('/introspect', await signer.sign(claims({ aud })))).status, 200)
    }
  })

  it('CA-09 is by the client it is about, and by no other', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const other = newSigner()
    await stage.addClient({ ...shop, id: 'vend', auth: 'private_key_jwt', jwks: { keys: [other.publicJwk] } })
    for (const changes of [
      { iss: 'vend' },
      { sub: 'vend' },
      { iss: 'vend', sub: 'vend' },
      { sub: 'nobody', iss: 'nobody' },
    ]) {
      await assertRefused(await post('/introspect', await signer.sign(claims(changes))), JSON.stringify(changes))
    }
    await assertRefused(await post('/introspect', await other.sign(claims())), 'a key of another client')
    await assertRefused(
      await post('/introspect', await signer.sign(claims()), { client_id: 'vend' }),
      'another client_id',
    )
    assert.equal((await post('/introspect', await signer.sign(claims()), { client_id: 'shop' })).status, 200)
  })

  it('CA-09 is signed with the one algorithm the client registered, where it did', async test => {
    const ec = newSigner('ES256', 'ec')
    const rsa = newSigner('PS256', 'rsa')
    const { alg: _, ...anyRsa } = rsa.publicJwk
    const { claims, post } = await openAssertionScene(test, {
      jwks: { keys: [ec.publicJwk, anyRsa] },
      authAlgorithm: 'PS256',
    })
    await assertRefused(await post('/introspect', await ec.sign(claims())), 'ES256')
    await assertRefused(await post('/introspect', await rsa.sign(claims(), { alg: 'RS256' })), 'RS256')
    assert.equal((await post('/introspect', await rsa.sign(claims()))).status, 200)
  })

  it('CA-04 is no way in for a client of another method, and no other method is for its client', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const secretive = await stage.addClient({ ...shop, id: 'secretive', jwks: { keys: [signer.publicJwk] } })
    const basicsAssertion = await signer.sign(claims({ iss: 'secretive', sub: 'secretive' }))
    await assertRefused(await post('/introspect', basicsAssertion), 'of a client with a secret')
    const key = Buffer.from(secretive.secret ?? '')
    const hmac = await signed(claims({ iss: 'secretive', sub: 'secretive' }), { alg: 'HS256' }, key)
    await assertRefused(await post('/introspect', hmac), 'with its secret')
    await assertRefused(await send(stage, '/introspect', { token: 'x', client_id: 'shop', client_secret: 'x' }), 'post')
    await assertRefused(await send(stage, '/introspect', { token: 'x', client_id: 'shop' }), 'nothing')
    const both = { token: 'x', client_secret: 'x', ...assertionFields(await signer.sign(claims())) }
    assert.equal((await send(stage, '/introspect', both)).status, 400, 'two methods')
    const untyped = { token: 'x', client_assertion: await signer.sign(claims()) }
    await assertRefused(await send(stage, '/introspect', untyped), 'no type')
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
    await assertRefused(await send(stage, '/introspect', { ...untyped, client_assertion_type: saml }), 'SAML')
  })

  it('CA-01 lets its client do all that a secret does, at each endpoint', async test => {
    for (const algorithm of ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'] as const) {
      const scene = await openAssertionScene(test, {}, newSigner(algorithm))
      const { first } = await openFamilyOf(scene)
      const next = await scene.app.refresh(first.refreshToken)
      assert.equal(next.status, 200)
      assert.equal((await scene.app.introspect(next.accessToken)).active, true)
      assert.equal((await scene.app.revoke(next.refreshToken)).status, 200)
      assert.equal((await scene.app.introspect(next.accessToken)).active, false)
      const { path } = scene.app.authorizePath()
      const asked = Object.fromEntries(new URL(path, scene.stage.issuer).searchParams)
      assert.equal((await scene.app.post('/par', asked)).status, 201)
    }
  })
})

describe('a client secret that signs', () => {
  it('CA-09 is good under HS256 alone, and for its own client', async test => {
    const { stage, registered } = await openScene(test, { client: { ...shop, auth: 'client_secret_jwt' } })
    const secret = Buffer.from(registered.secret ?? '')
    const ask = async (text: string): Promise<number> =>
      (await send(stage, '/introspect', { token: 'x', ...assertionFields(text) })).status
    assert.equal(await ask(await signed(assertionClaims(stage, 'shop'), { alg: 'HS256' }, secret)), 200)
    const wrong = [
      [{ alg: 'HS384' }, secret],
      [{ alg: 'HS256' }, Buffer.from(`${registered.secret}x`)],
      [{ alg: 'HS256' }, Buffer.from(registered.client.secretHashes[0]?.hash ?? '')],
      [{ alg: 'HS256' }, Buffer.alloc(32)],
    ] as const
    for (const [header, key] of wrong) {
      assert.equal(await ask(await signed(assertionClaims(stage, 'shop'), header, key)), 401, header.alg)
    }
    const stored = JSON.stringify(await stage.pawl.store.clients.read(registered.client.id))
    assert.ok(!stored.includes(registered.secret ?? ''), 'the secret is in the store')
  })

  it('CA-10 goes on through its overlap, and ends at once where that is wanted', async test => {
    const { stage, registered } = await openScene(test, { client: { ...shop, auth: 'client_secret_jwt' } })
    const ask = async (secret: string | null): Promise<number> => {
      const text = await signed(assertionClaims(stage, 'shop'), { alg: 'HS256' }, Buffer.from(secret ?? ''))
      return (await send(stage, '/introspect', { token: 'x', ...assertionFields(text) })).status
    }
    const made = await rotateSecret(stage.workbench, 'shop', 60)
    stage.clock.advanceMs(59_999)
    assert.deepEqual([await ask(registered.secret), await ask(made.secret)], [200, 200])
    stage.clock.advanceMs(1)
    assert.deepEqual([await ask(registered.secret), await ask(made.secret)], [401, 200])
    const last = await rotateSecret(stage.workbench, 'shop', 0)
    assert.deepEqual([await ask(made.secret), await ask(last.secret)], [401, 200])
  })
})

describe('a sealed secret', () => {
  it('CA-10 moves under the new master key when it is used, so that the old one can be retired', async test => {
    const database = await databaseFor(test)
    const entropy = seededEntropy('master keys')
    const [old, next] = [newMasterKey(entropy, 1), newMasterKey(entropy, 2)]
    const ask = async (keys: MasterKeys, secret: string | null): Promise<number> => {
      const stage = await openStage({ database, keys, seed: `${keys.all.length} ${keys.current.id}` })
      const text = await signed(assertionClaims(stage, 'shop'), { alg: 'HS256' }, Buffer.from(secret ?? ''))
      const { status } = await send(stage, '/introspect', { token: 'x', ...assertionFields(text) })
      await stage.close()
      return status
    }
    const first = await openStage({ database, keys: masterKeys([old]) })
    const { secret } = await first.addClient({ ...shop, auth: 'client_secret_jwt' })
    await first.close()
    assert.equal(await ask(masterKeys([next, old]), secret), 200)
    assert.equal(await ask(masterKeys([next]), secret), 200)
  })
})

describe('a forged assertion', () => {
  it('JW-01 without a signature is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const [header = '', payload = '', signature = ''] = (await signer.sign(claims())).split('.')
    for (const alg of ['none', 'None', 'NONE', '', 'nOnE']) {
      const unsigned = Buffer.from(JSON.stringify({ alg, kid: signer.kid })).toString('base64url')
      for (const end of ['.', `.${signature}`]) {
        await assertRefused(await post('/introspect', `${unsigned}.${payload}${end}`), `${alg}${end}`)
      }
    }
    const noAlgorithm = Buffer.from(JSON.stringify({ kid: signer.kid })).toString('base64url')
    for (const text of [`${header}.${payload}.`, `${header}.${payload}`, `${noAlgorithm}.${payload}.${signature}`]) {
      await assertRefused(await post('/introspect', text), text.slice(-20))
    }
  })

  it('JW-02 with the public key as a secret is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const jwk = JSON.stringify(signer.publicJwk)
    const secrets = [jwk, ` ${jwk}`, String(signer.publicJwk['x']), 'shop', ''].map(text => Buffer.from(text))
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const secret of secrets) {
        const text = hmacJwt(claims(), { alg, kid: signer.kid }, secret)
        await assertRefused(await post('/introspect', text), `${alg} ${secret.toString()}`)
      }
    }
  })

  it('JW-03 that brings its own key is refused, and nothing is fetched', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const thief = newSigner('ES256', signer.kid)
    const headers: readonly Json[] = [
      { jwk: thief.publicJwk },
      { jku: 'http://127.0.0.1:1/jwks', kid: 'theirs' },
      { x5u: 'http://127.0.0.1:1/cert' },
      { kid: undefined, jwk: thief.publicJwk },
    ]
    for (const header of headers) {
      await assertRefused(await post('/introspect', await thief.sign(claims(), header)), JSON.stringify(header))
    }
  })

  it('JW-05 with an extension we must understand, or an unencoded payload, is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const [, payload = '', signature = ''] = (await signer.sign(claims())).split('.')
    for (const more of [{ crit: ['exp'], exp: 1 }, { b64: false, crit: ['b64'] }, { b64: true }, { crit: [] }]) {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: signer.kid, ...more })).toString('base64url')
      await assertRefused(await post('/introspect', `${header}.${payload}.${signature}`), JSON.stringify(more))
    }
  })

  it('JW-06 with a signature of zeros, in DER or of another curve is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const [header = '', payload = ''] = (await signer.sign(claims())).split('.')
    const big = newSigner('ES384', signer.kid)
    const signatures = [Buffer.alloc(64), Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 1)]), Buffer.alloc(96)]
    for (const signature of signatures) {
      await assertRefused(await post('/introspect', `${header}.${payload}.${signature.toString('base64url')}`), 'zeros')
    }
    await assertRefused(await post('/introspect', await big.sign(claims())), 'ES384')
    await assertRefused(await post('/introspect', await big.sign(claims(), { alg: 'ES384' })), 'ES384 by its name')
  })

  it('JW-08 that is a token of another type is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const { first } = await openFamilyOf({ ...(await openAssertionScene(test)) })
    await assertRefused(await post('/introspect', first.accessToken), 'an access token')
    for (const typ of ['at+jwt', 'oauth-authz-req+jwt', 'dpop+jwt', 'logout+jwt', 'oauth-client-attestation-pop+jwt']) {
      await assertRefused(await post('/introspect', await signer.sign(claims(), { typ })), typ)
    }
    for (const typ of ['JWT', 'client-authentication+jwt', 'application/Client-Authentication+JWT', undefined]) {
      assert.equal((await post('/introspect', await signer.sign(claims(), { typ }))).status, 200, String(typ))
    }
  })

  it('JW-11 with padding, spaces or the other alphabet is refused', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const good = await signer.sign(claims())
    const [header = '', payload = '', signature = ''] = good.split('.')
    const texts = [
      `${good}=`,
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${good}.`,
      `${header}.${payload}=.${signature}`,
      `${good}.x`,
    ]
    for (const text of texts) await assertRefused(await post('/introspect', text), JSON.stringify(text.slice(-30)))
    assert.equal((await post('/introspect', good)).status, 200)
  })

  it('JW-12 with times that are none is refused', async test => {
    const { stage, signer, claims, post } = await openAssertionScene(test)
    const exp = seconds(stage) + 60
    const numbers = ['1e400', '-1', '9223372036854775808', `"${exp}"`, 'true', 'null', '[]', `[${exp}]`]
    for (const text of numbers) {
      for (const name of ['exp', 'iat', 'nbf']) {
        const json = JSON.stringify(claims({ [name]: undefined })).replace('{', `{"${name}":${text},`)
        if (name !== 'exp' && text === 'null') continue
        await assertRefused(await post('/introspect', await signer.sign(json)), `${name} ${text}`)
      }
    }
  })

  it('CA-02 is told apart by nothing, and its client by nothing either', async test => {
    const { signer, claims, post } = await openAssertionScene(test)
    const thief = newSigner()
    const texts = [
      await thief.sign(claims()),
      await signer.sign(claims({ iss: 'nobody', sub: 'nobody' })),
      await signer.sign(claims({ exp: 1 })),
      'x',
      'x.y.z',
      '',
      '.'.repeat(1000),
      'a'.repeat(8_000),
    ]
    for (const text of texts)
      await assertRefused(await post('/token', text, { grant_type: 'refresh_token' }), text.slice(0, 9))
  })
})

function hmacJwt(claims: Json, header: Json, secret: Buffer): string {
  const parts = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const hash = String(header['alg']).replace('HS', 'sha')
  return `${parts}.${createHmac(hash, secret).update(parts).digest('base64url')}`
}
