/** Keys that clients publish at an address of theirs: how often it is asked, and what is not taken from it. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import {
  fetchIntervalSeconds,
  freshSeconds,
  staleSeconds,
} from '../../packages/server/src/domain/client/client-keys.ts'
import { keySetBytesMax, keySetKeysMax } from '../../packages/server/src/domain/client/key-set.ts'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { type KeyServer, openKeyServer } from '../stage/key-server.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'
import { assertionClaims, assertionFields, newSigner, type Signer } from '../stage/signer.ts'

interface KeyScene extends Scene {
  readonly server: KeyServer
  readonly signer: Signer
  /** The status of a request that the signer made for the shop. */
  readonly ask: (signer: Signer) => Promise<number>
}

async function openKeyScene(test: TestContext): Promise<KeyScene> {
  const signer = newSigner()
  const server = await openKeyServer(test, [signer.publicJwk])
  const client = { ...shop, auth: 'private_key_jwt', jwksUri: server.url }
  const scene = await openScene(test, { client })
  const ask = async (by: Signer): Promise<number> => {
    const fields = { token: 'x', ...assertionFields(await by.sign(assertionClaims(scene.stage, 'shop'))) }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(fields).toString()
    return (await scene.stage.send('/introspect', { method: 'POST', headers, body })).status
  }
  return { ...scene, server, signer, ask }
}

describe('the published keys of a client', () => {
  it('SF-09 are fetched once, however many requests come and whatever keys they name', async test => {
    const { stage, server, signer, ask } = await openKeyScene(test)
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(signer)))
    assert.deepEqual(new Set(answers), new Set([200]))
    assert.equal(server.asked(), 1)
    for (let count = 0; count < 100; count++) assert.equal(await ask(newSigner('EdDSA', `unknown-${count}`)), 401)
    assert.equal(server.asked(), 1)
    stage.clock.advanceSeconds(fetchIntervalSeconds)
    for (let count = 0; count < 100; count++) assert.equal(await ask(newSigner('EdDSA', `unknown-${count}`)), 401)
    assert.equal(server.asked(), 2)
    assert.equal(await ask(signer), 200)
    assert.equal(server.asked(), 2)
  })

  it('SF-09 are asked for again when a new kid comes, and when they have grown old', async test => {
    const { stage, server, signer, ask } = await openKeyScene(test)
    assert.equal(await ask(signer), 200)
    const next = newSigner('ES256', 'key-2')
    server.publish([signer.publicJwk, next.publicJwk])
    stage.clock.advanceSeconds(fetchIntervalSeconds)
    assert.deepEqual([await ask(next), await ask(signer)], [200, 200])
    assert.equal(server.asked(), 2)
    server.publish([next.publicJwk])
    stage.clock.advanceMs(freshSeconds * 1000 - 1)
    assert.equal(await ask(signer), 200)
    stage.clock.advanceMs(1)
    assert.deepEqual([await ask(signer), await ask(next)], [401, 200])
    assert.equal(server.asked(), 3)
  })

  it('SF-09 go on for a while when they cannot be fetched, and not for ever', async test => {
    const { stage, server, signer, ask } = await openKeyScene(test)
    assert.equal(await ask(signer), 200)
    server.publish('away', 503)
    stage.clock.advanceSeconds(freshSeconds)
    assert.equal(await ask(signer), 200)
    stage.clock.advanceMs((staleSeconds - freshSeconds) * 1000 - 1)
    assert.equal(await ask(signer), 200)
    stage.clock.advanceMs(1)
    assert.equal(await ask(signer), 401)
    server.publish([signer.publicJwk])
    assert.equal(await ask(signer), 401, 'it was asked just now')
    stage.clock.advanceSeconds(fetchIntervalSeconds)
    assert.equal(await ask(signer), 200)
  })

  it('SF-01 are fetched from nowhere inside, when the server is not a development one', async test => {
    const signer = newSigner()
    const server = await openKeyServer(test, [signer.publicJwk])
    const settings = { issuer: 'https://login.example' }
    const inside = [server.url, server.url.replace('127.0.0.1', 'localhost'), 'https://169.254.169.254/keys']
    for (const jwksUri of inside) {
      const client = { ...shop, auth: 'private_key_jwt', jwksUri }
      const { stage } = await openScene(test, { client, settings })
      const fields = { token: 'x', ...assertionFields(await signer.sign(assertionClaims(stage, 'shop'))) }
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(fields).toString()
      assert.equal((await stage.send('/introspect', { method: 'POST', headers, body })).status, 401, jwksUri)
    }
    assert.equal(server.asked(), 0)
  })

  it('JW-14 are refused as a whole where they are too long, too many, private, symmetric or weak', async test => {
    const good = newSigner()
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    const sets: readonly (readonly [string, unknown])[] = [
      ['too long', JSON.stringify({ keys: [good.publicJwk], filler: 'x'.repeat(keySetBytesMax) })],
      ['too many', Array.from({ length: keySetKeysMax + 1 }, () => good.publicJwk)],
      ['private', [good.publicJwk, newSigner('ES256', 'other').privateJwk]],
      ['symmetric', [good.publicJwk, { kty: 'oct', k: 'c2VjcmV0', kid: 'other' }]],
      ['weak', [good.publicJwk, { ...weak, kid: 'other' }]],
      ['no JSON', '{"keys":['],
      ['no set', '[]'],
      ['no list', '{"keys":{}}'],
    ]
    for (const [about, body] of sets) {
      const { server, signer, ask, stage } = await openKeyScene(test)
      server.publish(body)
      assert.equal(await ask(good), 401, about)
      assert.equal(server.asked(), 1)
      server.publish([signer.publicJwk])
      stage.clock.advanceSeconds(fetchIntervalSeconds)
      assert.equal(await ask(signer), 200, about)
    }
  })

  it('JW-14 pass over a key of a kind nobody here knows (RFC 7517 §5)', async test => {
    const { server, signer, ask } = await openKeyScene(test)
    server.publish([{ kty: 'NEW', kid: 'new' }, signer.publicJwk])
    assert.equal(await ask(signer), 200)
  })

  it('JW-14 are refused at once where they are registered and not good, with a sentence', async test => {
    const { stage } = await openScene(test)
    const { publicJwk, privateJwk } = newSigner()
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [{ keys: [privateJwk] }, /number 1: it is a private key/],
      [{ keys: [publicJwk, { kty: 'oct', k: 'c2VjcmV0' }] }, /number 2: it is a symmetric key/],
      [{ keys: [{ ...publicJwk, y: publicJwk['x'] }] }, /make no public key/],
      [{ keys: [{ ...publicJwk, alg: 'RS256' }] }, /no key for RS256/],
      [{ keys: [{ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') }] }, /small order/],
      [{ keys: [publicJwk, publicJwk] }, /one kid/],
      [{ keys: [{ kty: 'NEW' }] }, /key type is not known/],
      [{}, /no list of keys/],
      ['x', /no list of keys/],
    ]
    for (const [jwks, pattern] of wrong) {
      const input = { ...shop, id: 'wrong', auth: 'private_key_jwt', jwks }
      await assert.rejects(registerClient(stage.workbench, input), pattern)
    }
    for (const uri of [
      'http://keys.example/',
      'https://a:b@keys.example/',
      'file:///etc/passwd',
      'keys',
      'https://k.example/#x',
    ]) {
      const input = { ...shop, id: 'wrong', auth: 'private_key_jwt', jwksUri: uri }
      await assert.rejects(registerClient(stage.workbench, input), /The address of its keys is refused/)
    }
    await assert.rejects(
      registerClient(stage.workbench, { ...shop, auth: 'private_key_jwt' }),
      /needs the client's public keys/,
    )
  })
})
