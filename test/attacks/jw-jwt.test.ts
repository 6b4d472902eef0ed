/** Forged, foreign and damaged JWTs at every door that takes one of ours. */

import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { openSigningKey, type SigningKey } from '../../packages/server/src/domain/keys/signing-key.ts'
import { sealer } from '../../packages/server/src/domain/keys/seal.ts'
import type { Tokens } from '../stage/app.ts'
import { assertUnchanged, openScene, type Scene, shop } from '../stage/scene.ts'
import { openStage, type Stage } from '../stage/stage.ts'

interface Signed extends Scene {
  readonly tokens: Tokens
  /** The genuine ones, which every forgery starts from. */
  readonly accessToken: string
  readonly idToken: string
  /** The key both are signed with. */
  readonly key: SigningKey
}

const bye = 'https://shop.example/bye'

async function signedIn(test: TestContext): Promise<Signed> {
  const scene = await openScene(test, { client: { ...shop, postLogoutRedirectUris: [bye] } })
  const tokens = await scene.app.signIn(scene.browser)
  const idToken = String(tokens.body['id_token'])
  const key = (await keysOf(scene.stage)).find(({ kid }) => kid === headerOf(idToken)['kid'])
  assert.ok(key !== undefined)
  return { ...scene, tokens, accessToken: tokens.accessToken, idToken, key }
}

/** The private keys, as nobody but the server can open them. */
async function keysOf(stage: Stage): Promise<readonly SigningKey[]> {
  const stored = await stage.pawl.store.signingKeys.list()
  return stored.map(each => openSigningKey(each, sealer(stage.keys, stage.entropy)))
}

type Json = { readonly [name: string]: unknown }

function headerOf(token: string): Json {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Json
}

function claimsOf(token: string): Json {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json
}

function encode(value: Json | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

function without(object: Json, name: string): Json {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== name))
}

type Forge = (header: Json, claims: Json, genuine: string) => string

/** A token of any header and claims, honestly signed by this key. */
function signedBy(key: KeyObject, header: Json | string, claims: Json | string): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** Each door with the access token or ID token made by `forge`; none of them may open. */
async function assertRefusedEverywhere(signed: Signed, forge: Forge, about: string): Promise<void> {
  const { app, stage } = signed
  const forged = forge(headerOf(signed.accessToken), claimsOf(signed.accessToken), signed.accessToken)
  const bearer = await app.userinfo(forged)
  assert.ok([400, 401].includes(bearer.status), `userinfo ${bearer.status}: ${about}`)
  assert.match(bearer.headers.get('www-authenticate') ?? '', /^Bearer/)
  const posted = await stage.send('/userinfo', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ access_token: forged }).toString(),
  })
  assert.equal(posted.status, 401, `userinfo by POST: ${about}`)
  const introspected = await app.introspect(forged)
  assert.deepEqual(introspected, { active: false }, about)
  assert.equal((await app.revoke(forged)).status, 200, about)
  const hint = forge(headerOf(signed.idToken), claimsOf(signed.idToken), signed.idToken)
  await assertNoHint(signed, hint, about)
}

async function assertNoHint({ app, browser }: Signed, hint: string, about: string): Promise<void> {
  const asked = await browser.open(app.authorizePath({ id_token_hint: hint, prompt: 'none' }).path)
  assert.equal(asked.leftTo?.searchParams.get('error'), 'invalid_request', `authorize: ${about}`)
  assert.equal(asked.leftTo?.searchParams.get('code') ?? null, null)
  const left = await browser.open(
    `/logout?${new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: bye }).toString()}`,
  )
  assert.equal(left.status, 400, `logout: ${about}`)
  assert.equal(left.leftTo, null)
}

/** All the forgeries, and after them the genuine article is as good as before. */
async function assertHarmless(signed: Signed, forgeries: { readonly [about: string]: Forge }): Promise<void> {
  for (const [about, forge] of Object.entries(forgeries)) await assertRefusedEverywhere(signed, forge, about)
  await assertGenuine(signed)
}

async function assertGenuine({ app, browser, accessToken, idToken, tokens }: Signed): Promise<void> {
  assert.equal((await app.userinfo(accessToken)).status, 200)
  assert.equal((await app.introspect(accessToken)).active, true)
  const asked = await browser.open(app.authorizePath({ id_token_hint: idToken, prompt: 'none' }).path)
  assert.equal(asked.leftTo?.searchParams.get('error') ?? null, null)
  await assertUnchanged(app, tokens)
}

describe('a JWT whose algorithm its sender chose', () => {
  it('JW-01 is refused everywhere without a signature, however the algorithm is spelled', async test => {
    const signed = await signedIn(test)
    const signatureOf = (token: string): string => token.split('.')[2] ?? ''
    const forgeries: { [about: string]: Forge } = {
      'the genuine header and no signature': (_header, _claims, genuine) =>
        genuine.slice(0, genuine.lastIndexOf('.') + 1),
      'two parts': (_header, _claims, genuine) => genuine.slice(0, genuine.lastIndexOf('.')),
      'no algorithm': (header, claims, genuine) =>
        `${encode(without(header, 'alg'))}.${encode(claims)}.${signatureOf(genuine)}`,
    }
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'null', ' none']) {
      forgeries[`alg ${alg}, empty`] = (header, claims) => `${encode({ ...header, alg })}.${encode(claims)}.`
      forgeries[`alg ${alg}, kept`] = (header, claims, genuine) =>
        `${encode({ ...header, alg })}.${encode(claims)}.${signatureOf(genuine)}`
    }
    await assertHarmless(signed, forgeries)
  })

  it('JW-02 is refused everywhere with our public key as its secret', async test => {
    const signed = await signedIn(test)
    const jwks = (await (await signed.stage.send('/jwks')).json()) as { readonly keys: readonly Json[] }
    const pem = signed.key.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const secrets = [pem, pem.trim(), ` ${pem}`, JSON.stringify(jwks), ...jwks.keys.map(key => JSON.stringify(key)), '']
    const forgeries: { [about: string]: Forge } = {}
    for (const [index, secret] of secrets.entries()) {
      for (const alg of ['HS256', 'HS512', 'ES256']) {
        forgeries[`${alg} with secret ${index}`] = (header, claims) => {
          const text = `${encode({ ...header, alg })}.${encode(claims)}`
          const hash = alg === 'HS512' ? 'sha512' : 'sha256'
          return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
        }
      }
    }
    await assertHarmless(signed, forgeries)
  })

  it('JW-03 is refused everywhere with a key of its sender, and nobody goes to fetch one', async test => {
    const signed = await signedIn(test)
    const trap = await listening(test)
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'ES256' }
    const key = encode(publicKey.export({ type: 'spki', format: 'der' }).toString('base64'))
    const forgeries: { [about: string]: Forge } = {}
    for (const added of [{}, { jwk }, { jku: trap.url }, { x5u: trap.url }, { x5c: [key] }, { kid: 'mine', jwk }]) {
      forgeries[Object.keys(added).join(' ') || 'another key'] = (header, claims) =>
        signedBy(privateKey, { ...header, ...added }, claims)
      // Even signed by us: a header of ours never looks like this.
      if (Object.keys(added).length > 0) {
        forgeries[`ours with ${Object.keys(added).join(' ')}`] = (header, claims) =>
          signedBy(signed.key.privateKey, { ...header, ...added }, claims)
      }
    }
    await assertHarmless(signed, forgeries)
    assert.equal(trap.visits(), 0)
  })

  it('JW-05 is refused everywhere with a critical extension or an unencoded payload, even signed by us', async test => {
    const signed = await signedIn(test)
    const ours = signed.key.privateKey
    await assertHarmless(signed, {
      'an unknown extension': (header, claims) => signedBy(ours, { ...header, crit: ['x'], x: 1 }, claims),
      'no extension': (header, claims) => signedBy(ours, { ...header, crit: [] }, claims),
      'b64 false': (header, claims) => signedBy(ours, { ...header, b64: false, crit: ['b64'] }, claims),
      'b64 true': (header, claims) => signedBy(ours, { ...header, b64: true }, claims),
    })
  })
})

async function listening(test: TestContext): Promise<{ readonly url: string; readonly visits: () => number }> {
  let visits = 0
  const server = createServer((_request, response) => {
    visits += 1
    response.end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { url: `http://127.0.0.1:${address.port}/jwks`, visits: () => visits }
}

describe('a JWT that is damaged', () => {
  it('JW-06 is refused everywhere with zeros, DER, another curve or another width for a signature', async test => {
    const signed = await signedIn(test)
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    const withSignature =
      (made: (signature: Buffer, text: string) => Buffer): Forge =>
      (_header, _claims, genuine) => {
        const [header = '', claims = '', signature = ''] = genuine.split('.')
        const text = `${header}.${claims}`
        return `${text}.${made(Buffer.from(signature, 'base64url'), text).toString('base64url')}`
      }
    const zeros = Buffer.alloc(32)
    await assertHarmless(signed, {
      zeros: withSignature(() => Buffer.alloc(64)),
      'r of zero': withSignature(signature => Buffer.concat([zeros, signature.subarray(32)])),
      's of zero': withSignature(signature => Buffer.concat([signature.subarray(0, 32), zeros])),
      'DER form': withSignature((_signature, text) => sign('sha256', Buffer.from(text), signed.key.privateKey)),
      'P-384': withSignature((_signature, text) =>
        sign('sha384', Buffer.from(text), { key: other, dsaEncoding: 'ieee-p1363' }),
      ),
      'one byte less': withSignature(signature => signature.subarray(1)),
      'one byte more': withSignature(signature => Buffer.concat([signature, Buffer.alloc(1)])),
      'one bit': withSignature(signature =>
        Buffer.from(signature.map((byte, index) => (index === 40 ? byte ^ 1 : byte))),
      ),
    })
  })

  it('JW-11 is refused everywhere in any other dress of base64url', async test => {
    const signed = await signedIn(test)
    const each =
      (dress: (part: string) => string, which: number): Forge =>
      (_header, _claims, genuine) =>
        genuine
          .split('.')
          .map((part, index) => (index === which ? dress(part) : part))
          .join('.')
    const forgeries: { [about: string]: Forge } = { 'four parts': (_header, _claims, genuine) => `${genuine}.x` }
    for (const which of [0, 1, 2]) {
      forgeries[`padding in ${which}`] = each(part => `${part}=`, which)
      forgeries[`a space in ${which}`] = each(part => `${part.slice(0, 4)} ${part.slice(4)}`, which)
      forgeries[`a tab in ${which}`] = each(part => `${part.slice(0, 4)}\t${part.slice(4)}`, which)
      forgeries[`the other alphabet in ${which}`] = each(part => `+/${part.slice(2)}`, which)
      forgeries[`nothing in ${which}`] = each(() => '', which)
    }
    await assertHarmless(signed, forgeries)
  })

  it('JW-12 is refused everywhere with times that are no exact seconds, even signed by us', async test => {
    const signed = await signedIn(test)
    const ours = signed.key.privateKey
    const forgeries: { [about: string]: Forge } = {
      'no exp': (header, claims) => signedBy(ours, header, without(claims, 'exp')),
      'no iat': (header, claims) => signedBy(ours, header, without(claims, 'iat')),
      '1e400': (header, claims) =>
        signedBy(ours, header, JSON.stringify({ ...claims, exp: '@' }).replace('"@"', '1e400')),
    }
    for (const exp of ['9999999999', -1, 2 ** 63, 2 ** 53, 1.5, null, true, [9_999_999_999], {}]) {
      forgeries[`exp ${JSON.stringify(exp)}`] = (header, claims) => signedBy(ours, header, { ...claims, exp })
    }
    await assertHarmless(signed, forgeries)
  })
})

describe('a JWT in the wrong place', () => {
  it('JW-07, JW-08 is no hint, and no access token, when it is of another type, issuer or client', async test => {
    const signed = await signedIn(test)
    const { app, stage, key, idToken, accessToken } = signed
    const ours = key.privateKey
    const [header, claims] = [headerOf(idToken), claimsOf(idToken)]
    const foreign = await openStage({ seed: 'another issuer' })
    test.after(() => foreign.close())
    await foreign.addUser()
    const theirs = await foreign.app(await foreign.addClient(shop)).signIn(foreign.browser())
    const hints = {
      'an access token': accessToken,
      'a logout token': signedBy(ours, { ...header, typ: 'logout+jwt' }, claims),
      'another issuer under our key': signedBy(ours, header, { ...claims, iss: 'https://evil.example' }),
      'the same issuer under their key': String(theirs.body['id_token']),
      'several audiences': signedBy(ours, header, { ...claims, aud: ['shop', 'other'] }),
      'no subject': signedBy(ours, header, { ...claims, sub: undefined }),
    }
    for (const [about, hint] of Object.entries(hints)) await assertNoHint(signed, hint, about)
    assert.equal((await app.userinfo(idToken)).status, 401, 'an ID token is no access token')
    assert.deepEqual(await app.introspect(idToken), { active: false })
    for (const assertion of [accessToken, idToken]) {
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const response = await stage.send('/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: signed.tokens.refreshToken,
          client_assertion: assertion,
          client_assertion_type: type,
        }).toString(),
      })
      assert.equal(response.status, 401, 'no client assertion either')
    }
    await assertGenuine(signed)
  })

  it('JW-07 is a hint for signing out alone once it has expired', async test => {
    const signed = await signedIn(test)
    const { app, browser, stage, idToken } = signed
    stage.clock.advanceSeconds(3600)
    const asked = await browser.open(app.authorizePath({ id_token_hint: idToken, prompt: 'none' }).path)
    assert.equal(asked.leftTo?.searchParams.get('error'), 'invalid_request')
    const out = await browser.open(
      `/logout?${new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: bye }).toString()}`,
    )
    assert.equal(out.leftTo?.href, bye)
  })
})

describe('the signing keys', () => {
  it('JW-13 are published for as long as lists are kept before they sign, and verify until their last token is dead', async test => {
    const signed = await signedIn(test)
    const { app, stage, accessToken, idToken } = signed
    const published = async (): Promise<readonly unknown[]> => {
      const response = await stage.send('/jwks')
      assert.match(response.headers.get('cache-control') ?? '', /max-age=\d+/)
      return ((await response.json()) as { readonly keys: readonly Json[] }).keys.map(key => key['kid'])
    }
    const before = (await published()).length
    const next = await rotateSigningKey(stage.workbench, 'ES256', { verify: 3600 })
    // Running servers look every few seconds.
    stage.clock.advanceSeconds(6)
    assert.ok((await published()).includes(next.key.kid))
    let { tokens } = signed
    while (headerOf(tokens.accessToken)['kid'] !== next.key.kid) {
      stage.clock.advanceSeconds(30)
      tokens = await app.refresh(tokens.refreshToken)
      assert.equal(tokens.status, 200)
      const isTime = stage.clock.nowMs() >= next.key.signsFromMs
      assert.equal(headerOf(tokens.accessToken)['kid'] === next.key.kid, isTime, 'signed before its time, or late')
    }
    const maxAgeSeconds = Number(
      /max-age=(\d+)/.exec((await stage.send('/jwks')).headers.get('cache-control') ?? '')?.[1],
    )
    assert.ok(next.key.signsFromMs - next.key.createdAtMs >= maxAgeSeconds * 1000)
    assert.equal((await published()).length, before + 1, 'the old key still verifies')
    assert.notEqual((await app.introspect(accessToken)).active, undefined)
    stage.clock.advanceSeconds(3600)
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200, 'the family does not notice')
    stage.clock.advanceSeconds(6)
    assert.ok(!(await published()).includes(headerOf(idToken)['kid']), 'the old key is gone')
  })

  it('JW-16 show no private part in anything that leaves the server', async test => {
    const signed = await signedIn(test)
    const { app, browser, stage, accessToken, idToken, tokens } = signed
    const said: string[] = [JSON.stringify(tokens.body)]
    const hear = async (response: Response): Promise<void> => {
      said.push(JSON.stringify([...response.headers]), await response.text())
    }
    for (const path of ['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/']) {
      await hear(await stage.send(path))
    }
    await hear(await app.userinfo(accessToken))
    await hear(await app.userinfo('x'))
    await hear(await app.post('/introspect', { token: accessToken }))
    await hear(await app.post('/token', { grant_type: 'x' }))
    await hear(await browser.send(`/logout?id_token_hint=${idToken}x`))
    await rotateSigningKey(stage.workbench, 'RS256', {})
    stage.clock.advanceSeconds(6)
    await hear(await stage.send('/jwks'))
    const all = said.join('\n')
    const keys = await keysOf(stage)
    assert.equal(keys.length, 3)
    for (const secret of keys.flatMap(key => privateTexts(key.privateKey))) assert.ok(!all.includes(secret))
    const jwks = (await (await stage.send('/jwks')).json()) as { readonly keys: readonly Json[] }
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) {
      assert.ok(
        jwks.keys.every(key => !(member in key)),
        member,
      )
    }
    for (const stored of await stage.pawl.store.signingKeys.list()) {
      assert.throws(() => createPrivateKey({ key: Buffer.from(stored.sealedPrivateKey), type: 'pkcs8', format: 'der' }))
    }
  })
})

/** The members that are private, as JWK, PEM and DER would show them. */
function privateTexts(key: KeyObject): readonly string[] {
  const jwk = key.export({ format: 'jwk' }) as Json
  const members = ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap(name => (name in jwk ? [String(jwk[name])] : []))
  const [, body = ''] = key.export({ type: 'pkcs8', format: 'pem' }).toString().split('\n')
  return [...members, ...members.map(text => Buffer.from(text, 'base64url').toString('hex')), body]
}
