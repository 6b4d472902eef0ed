/** OpenID Connect Discovery 1.0 §3 and §4, as an application meets them that knows nothing but the issuer. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { JSONWebKeySet } from 'jose'
import { idTokenOf } from '../stage/id-token.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'

const wellKnown = '/.well-known/openid-configuration'

interface Metadata {
  readonly [name: string]: unknown
}

async function opened(test: TestContext): Promise<Scene & { readonly metadata: Metadata; readonly answer: Response }> {
  const scene = await openScene(test, { client: shop })
  const answer = await scene.stage.send(wellKnown)
  return { ...scene, answer, metadata: (await answer.clone().json()) as Metadata }
}

function listOf(metadata: Metadata, name: string): readonly unknown[] {
  const list = metadata[name]
  assert.ok(Array.isArray(list), name)
  return list as readonly unknown[]
}

describe('the configuration of the provider', () => {
  it('is a JSON object in which nothing is null and no list is empty', async test => {
    const { answer, metadata } = await opened(test)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json\b/)
    for (const [name, value] of Object.entries(metadata)) {
      assert.ok(value !== null && value !== '', name)
      if (Array.isArray(value)) assert.ok(value.length > 0 && new Set(value).size === value.length, name)
    }
  })

  it('is found by the issuer that its ID tokens name', async test => {
    const { stage, app, browser, metadata } = await opened(test)
    const { iss } = await idTokenOf(stage, await app.signIn(browser), 'shop')
    assert.deepEqual([metadata['issuer'], iss], [stage.issuer, stage.issuer])
    const { search, hash } = new URL(stage.issuer)
    assert.deepEqual([search, hash], ['', ''])
  })

  it('is a document that says what is optional here and what is not', async test => {
    const { metadata } = await opened(test)
    const wanted = {
      scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
      response_types_supported: ['code'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      userinfo_signing_alg_values_supported: ['RS256', 'ES256'],
      id_token_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'],
      id_token_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM'],
      request_object_signing_alg_values_supported: ['RS256', 'ES256'],
      claim_types_supported: ['normal'],
      claims_supported: ['sub', 'iss', 'auth_time', 'acr', 'name', 'email', 'address', 'phone_number'],
      ui_locales_supported: ['en'],
    }
    for (const [name, values] of Object.entries(wanted)) {
      const list = listOf(metadata, name)
      assert.deepEqual(
        values.filter(value => !list.includes(value)),
        [],
        name,
      )
    }
    assert.equal(listOf(metadata, 'response_types_supported').length, 1)
    assert.deepEqual(metadata['claim_types_supported'], ['normal'])
    for (const [name, list] of Object.entries(metadata)) {
      if (name.includes('_alg_values_supported'))
        assert.equal((list as readonly unknown[]).includes('none'), false, name)
    }
  })

  it('has keys that say what they are for', async test => {
    const { stage, metadata } = await opened(test)
    const { pathname } = new URL(String(metadata['jwks_uri']))
    const answer = await stage.send(pathname)
    assert.equal(answer.status, 200)
    const { keys } = (await answer.json()) as JSONWebKeySet
    const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
    for (const key of keys) {
      assert.ok(key.use === 'sig' || key.use === 'enc', JSON.stringify(key))
      assert.deepEqual(
        Object.keys(key).filter(member => privateMembers.includes(member)),
        [],
      )
    }
    assert.equal(new Set(keys.map(key => key.kid)).size, keys.length)
  })

  it('is served by https alone, but for a loopback issuer', async () => {
    const wrong = [
      'http://login.example.com',
      'https://login.example.com?x',
      'https://login.example.com#x',
      'login.example.com',
    ]
    for (const issuer of wrong) await assert.rejects(openStage({ settings: { issuer } }), issuer)
    const stage = await openStage({ settings: { issuer: 'https://login.example.com' } })
    const metadata = (await (await stage.send(wellKnown)).json()) as Metadata
    const endpoints = Object.entries(metadata).filter(([name]) => /_(?:endpoint|uri)$/.test(name))
    for (const [name, url] of endpoints) assert.match(String(url), /^https:\/\/login\.example\.com\//, name)
    await stage.close()
  })
})
