/** Tokens and answers as a client is registered to get them: signed with what, encrypted to whom, under which name. */

import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  compactDecrypt,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { signingAlgorithms } from '../packages/server/src/domain/client/signing-algorithm.ts'
import { contentAlgorithms, encryptionAlgorithms } from '../packages/server/src/domain/client/token-rules.ts'
import { openSubjects } from '../packages/server/src/domain/token/subjects.ts'
import { idTokenOf } from './stage/id-token.ts'
import { assertUnchanged, openFamilyOf, openScene, rowOf, type Scene, shop } from './stage/scene.ts'

function keyPair(algorithm: string): {
  readonly privateKey: KeyObject
  readonly jwks: { readonly keys: readonly object[] }
} {
  const pair = algorithm.startsWith('RSA')
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'enc-1', use: 'enc' }
  return { privateKey: pair.privateKey, jwks: { keys: [jwk] } }
}

async function opened(jwe: string, privateKey: KeyObject): Promise<string> {
  return new TextDecoder().decode((await compactDecrypt(jwe, privateKey)).plaintext)
}

async function verifiedJwt(scene: Scene, text: string) {
  const keys = createLocalJWKSet((await (await scene.stage.send('/jwks')).json()) as JSONWebKeySet)
  const currentDate = new Date(scene.stage.clock.nowMs())
  return (await jwtVerify(text, keys, { issuer: scene.stage.issuer, audience: 'shop', currentDate })).payload
}

describe('an ID token', () => {
  it('is signed with every algorithm a client may register, and its hash goes with it', async test => {
    const scene = await openScene(test, { client: shop })
    for (const idTokenAlgorithm of signingAlgorithms) {
      await changeClient(scene.stage.workbench, 'shop', { idTokenAlgorithm })
      const { first } = await openFamilyOf(scene)
      assert.equal(decodeProtectedHeader(String(first.body['id_token'])).alg, idTokenAlgorithm)
      const claims = await idTokenOf(scene.stage, first, 'shop')
      const half = Buffer.from(String(claims['at_hash']), 'base64url').length
      assert.equal(half, idTokenAlgorithm.endsWith('256') ? 16 : 32, idTokenAlgorithm)
      if (idTokenAlgorithm === 'EdDSA') {
        const expected = hash('sha512', first.accessToken, 'buffer').subarray(0, 32).toString('base64url')
        assert.equal(claims['at_hash'], expected)
      }
      const next = await assertUnchanged(scene.app, first)
      assert.equal((await idTokenOf(scene.stage, next, 'shop')).sub, claims.sub)
    }
  })

  it('is encrypted to the key of the client in every way it may register, and signed inside', async test => {
    const scene = await openScene(test, { client: shop })
    for (const algorithm of encryptionAlgorithms) {
      const { privateKey, jwks } = keyPair(algorithm)
      for (const content of contentAlgorithms) {
        await changeClient(scene.stage.workbench, 'shop', { jwks, idTokenEncryption: { algorithm, content } })
        const { first } = await openFamilyOf(scene)
        const jwe = String(first.body['id_token'])
        const header = { alg: algorithm, enc: content, kid: 'enc-1', cty: 'JWT' }
        const { alg, enc, kid, cty } = decodeProtectedHeader(jwe)
        assert.deepEqual({ alg, enc, kid, cty }, header)
        const claims = await verifiedJwt(scene, await opened(jwe, privateKey))
        assert.equal(
          claims['at_hash'],
          hash('sha256', first.accessToken, 'buffer').subarray(0, 16).toString('base64url'),
        )
        const next = await assertUnchanged(scene.app, first)
        assert.equal(
          (await verifiedJwt(scene, await opened(String(next.body['id_token']), privateKey))).sub,
          claims.sub,
        )
      }
    }
  })

  it('is never answered in the clear where there is no key to encrypt to, and nothing is spent', async test => {
    const scene = await openScene(test, { client: shop })
    const encryption = { algorithm: 'ECDH-ES' }
    const good = keyPair('ECDH-ES')
    await changeClient(scene.stage.workbench, 'shop', { jwks: good.jwks, idTokenEncryption: encryption })
    const { first } = await openFamilyOf(scene)
    await changeClient(scene.stage.workbench, 'shop', { jwks: keyPair('RSA-OAEP').jwks })
    const refused = await scene.app.refresh(first.refreshToken)
    assert.equal(refused.status, 503)
    assert.equal('id_token' in refused.body, false)
    await changeClient(scene.stage.workbench, 'shop', { jwks: good.jwks })
    await assertUnchanged(scene.app, first)
  })

  it('can be encrypted only for a client with a key, and named only in ways there are', async test => {
    const scene = await openScene(test, { client: shop })
    const wrong = [
      { idTokenEncryption: { algorithm: 'ECDH-ES' } },
      { userinfoEncrypted: { algorithm: 'RSA-OAEP-256' } },
      { jwks: keyPair('RSA').jwks, idTokenEncryption: { algorithm: 'RSA1_5' } },
      { jwks: keyPair('RSA').jwks, idTokenEncryption: { algorithm: 'PBES2-HS256+A128KW' } },
      { jwks: keyPair('RSA').jwks, introspectionEncrypted: { algorithm: 'RSA-OAEP-256' } },
      { idTokenAlgorithm: 'none' },
      { userinfoSigned: 'HS256' },
      { sectorIdentifierUri: 'https://shop.example/sector' },
    ]
    for (const changes of wrong) {
      await assert.rejects(changeClient(scene.stage.workbench, 'shop', changes), { name: 'InputRefused' })
    }
  })
})

describe('userinfo', () => {
  it('is signed, encrypted, or both, as the client registered', async test => {
    const { privateKey, jwks } = keyPair('ECDH-ES')
    const scene = await openScene(test, { client: { ...shop, jwks } })
    const { first, familyId } = await openFamilyOf(scene)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const ask = async (type: string): Promise<string> => {
      const answer = await scene.app.userinfo(first.accessToken)
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type])
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      return answer.text()
    }
    const plain = JSON.parse(await ask('application/json')) as object
    assert.deepEqual(plain, { sub: subject, email: 'ada@example.com', email_verified: false })

    await changeClient(scene.stage.workbench, 'shop', { userinfoSigned: 'PS256' })
    const signed = await ask('application/jwt')
    assert.equal(decodeProtectedHeader(signed).alg, 'PS256')
    const { iss, aud, ...claims } = await verifiedJwt(scene, signed)
    assert.deepEqual([iss, aud, claims], [scene.stage.issuer, 'shop', plain])

    await changeClient(scene.stage.workbench, 'shop', { userinfoEncrypted: { algorithm: 'ECDH-ES+A256KW' } })
    const both = await ask('application/jwt')
    assert.equal(decodeProtectedHeader(both).cty, 'JWT')
    assert.equal((await verifiedJwt(scene, await opened(both, privateKey))).sub, subject)

    await changeClient(scene.stage.workbench, 'shop', { userinfoSigned: null })
    const sealed = await ask('application/jwt')
    assert.equal(decodeProtectedHeader(sealed).cty, undefined)
    assert.deepEqual(JSON.parse(await opened(sealed, privateKey)), plain)
  })
})

describe('a pairwise subject', () => {
  const pairwise = { ...shop, subjectType: 'pairwise' }

  it('is one name in every token and answer of a client, and no subject', async test => {
    const scene = await openScene(test, { client: pairwise })
    const { first, familyId } = await openFamilyOf(scene)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const { sub } = await idTokenOf(scene.stage, first, 'shop')
    assert.match(String(sub), /^[A-Za-z0-9_-]{43}$/)
    const userinfo = (await (await scene.app.userinfo(first.accessToken)).json()) as { sub: string }
    const told = [
      decodeJwt(first.accessToken).sub,
      userinfo.sub,
      (await scene.app.introspect(first.accessToken))['sub'],
      (await scene.app.introspect(first.refreshToken))['sub'],
      (await idTokenOf(scene.stage, await assertUnchanged(scene.app, first), 'shop')).sub,
    ]
    assert.deepEqual(
      told,
      told.map(() => sub),
    )
    assert.notEqual(sub, subject)
    const again = await openFamilyOf(scene)
    assert.equal((await idTokenOf(scene.stage, again.first, 'shop')).sub, sub)
  })

  it('is shared by clients of one host and by nobody else', async test => {
    const scene = await openScene(test, { client: pairwise })
    const subOf = async (fields: { readonly id: string; readonly redirectUris: readonly string[] }) => {
      const app = scene.stage.app(await scene.stage.addClient({ ...pairwise, ...fields }))
      return (await idTokenOf(scene.stage, await app.signIn(scene.browser), fields.id)).sub
    }
    const { first } = await openFamilyOf(scene)
    const sub = (await idTokenOf(scene.stage, first, 'shop')).sub
    assert.equal(await subOf({ id: 'sister', redirectUris: ['https://shop.example/other'] }), sub)
    assert.notEqual(await subOf({ id: 'rival', redirectUris: ['https://rival.example/cb'] }), sub)
  })

  it('names the user in a hint and in claims, and the subject itself does not', async test => {
    const scene = await openScene(test, { client: pairwise })
    const { first, familyId } = await openFamilyOf(scene)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const { sub } = await idTokenOf(scene.stage, first, 'shop')
    const silently = async (fields: { readonly [name: string]: string }) => {
      const { path } = scene.app.authorizePath({ prompt: 'none', scope: 'openid', ...fields })
      const left = (await scene.browser.open(path)).leftTo
      return left?.searchParams.get('error') ?? 'answered'
    }
    const claims = (value: unknown) => JSON.stringify({ id_token: { sub: { value } } })
    assert.equal(await silently({ id_token_hint: String(first.body['id_token']) }), 'answered')
    assert.equal(await silently({ claims: claims(sub) }), 'answered')
    assert.equal(await silently({ claims: claims(subject) }), 'login_required')
  })

  it('goes on under another master key', async test => {
    const scene = await openScene(test, { client: pairwise })
    const { first } = await openFamilyOf(scene)
    const { sub } = await idTokenOf(scene.stage, first, 'shop')
    const anew = await openSubjects(scene.stage.pawl.store, { bytes: count => new Uint8Array(count) })
    const { familyId } = await openFamilyOf(scene)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    assert.ok(subject !== null)
    assert.equal(anew.nameFor(scene.registered.client, subject), sub)
  })

  it('needs redirect URIs of one host, or a sector that lists them', async test => {
    const scene = await openScene(test, { client: shop })
    const two = ['https://shop.example/cb', 'https://store.example/cb']
    const wrong = [
      { redirectUris: two },
      { redirectUris: two, sectorIdentifierUri: 'http://shop.example/sector' },
      { redirectUris: two, sectorIdentifierUri: 'nowhere' },
    ]
    for (const fields of wrong) {
      const adding = scene.stage.addClient({ id: 'other', kind: 'web', subjectType: 'pairwise', ...fields })
      await assert.rejects(adding, { name: 'InputRefused' })
    }
  })
})
