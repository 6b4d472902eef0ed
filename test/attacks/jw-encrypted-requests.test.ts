/** Encrypted request objects that would make a server work, or hide what they are (RFC 7516, RFC 8725 §3.6 and §3.10). */

import assert from 'node:assert/strict'
import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { CompactEncrypt, importJWK, type JWK } from 'jose'
import type { App } from '../stage/app.ts'
import { assertCostsAtMost } from '../stage/cost.ts'
import { fieldsOf, newClientKey, requestObject } from '../stage/requests.ts'
import { openStage, type Stage } from '../stage/stage.ts'

interface Scene {
  readonly stage: Stage
  readonly app: App
  /** As an honest client writes it. */
  readonly object: () => string
  /** The server's key. */
  readonly jwk: JWK
}

async function opened(test: TestContext): Promise<Scene> {
  const stage = await openStage()
  test.after(() => stage.close())
  const { privateKey, jwks } = newClientKey()
  const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], jwks }
  const app = stage.app(await stage.addClient(shop))
  const { keys } = (await (await stage.send('/jwks')).json()) as { readonly keys: readonly JWK[] }
  const jwk = keys.find(({ use }) => use === 'enc')
  assert.ok(jwk !== undefined)
  return { stage, app, jwk, object: () => requestObject(stage, fieldsOf(app).fields, privateKey) }
}

async function encrypted(text: string, { jwk }: Scene, header: { readonly zip?: string } = {}): Promise<string> {
  const key = await importJWK({ ...jwk }, 'ECDH-ES')
  const said = { alg: 'ECDH-ES', enc: 'A256GCM', kid: jwk.kid ?? '', cty: 'JWT', ...header }
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader(said).encrypt(key)
}

/** At the door that everybody may knock at, and where its client pushes it. */
async function errorOf({ app, stage }: Scene, request: string): Promise<unknown> {
  const page = await stage
    .browser()
    .open(`/authorize?${new URLSearchParams({ client_id: 'shop', request }).toString()}`)
  assert.deepEqual([page.status, page.leftTo], [400, null])
  const pushed = await app.post('/par', { request })
  assert.equal(pushed.status, 400)
  return ((await pushed.json()) as { readonly error?: unknown }).error
}

/** A JWE of whatever header, key and content: what a library for honest senders would not write. */
function written(header: object, encryptedKey: Buffer, key: Buffer, content: Buffer): string {
  const head = Buffer.from(JSON.stringify(header)).toString('base64url')
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(head))
  const text = Buffer.concat([cipher.update(content), cipher.final()])
  return [head, ...[encryptedKey, iv, text, cipher.getAuthTag()].map(part => part.toString('base64url'))].join('.')
}

describe('an encrypted request object', () => {
  it('JW-09 is refused where it is compressed, however little it is and whatever it swells to', async test => {
    const scene = await opened(test)
    const good = scene.object()
    const taken = await scene.app.post('/par', { request: await encrypted(good, scene) })
    assert.equal(taken.status, 201, 'as it is')
    assert.equal(await errorOf(scene, await encrypted(good, scene, { zip: 'DEF' })), 'invalid_request_object')
    const bomb = await encrypted('0'.repeat(4_000_000), scene, { zip: 'DEF' })
    assert.ok(bomb.length < 8_000)
    assert.equal(await errorOf(scene, bomb), 'invalid_request_object')
  })

  it('JW-09 is refused under a password, however often it is to be hashed, and under RSA with its old padding', async test => {
    const scene = await opened(test)
    const [enc, cek] = ['A256GCM', randomBytes(32)]
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { epk } = JSON.parse(
      Buffer.from((await encrypted('x', scene)).split('.')[0] ?? '', 'base64url').toString(),
    ) as { readonly epk: object }
    const wrapped = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, cek)
    const p2s = randomBytes(16).toString('base64url')
    const headers = [
      ...['PBES2-HS256+A128KW', 'PBES2-HS512+A256KW'].map(alg => ({ alg, enc, p2s, p2c: 10_000_000 })),
      ...['RSA1_5', 'RSA-OAEP', 'RSA-OAEP-256', 'dir', 'A256KW', 'A256GCMKW', 'none'].map(alg => ({ alg, enc })),
    ]
    const content = Buffer.from(scene.object())
    for (const header of headers) {
      for (const beside of [{}, { kid: scene.jwk.kid }, { epk }, { kid: scene.jwk.kid, epk }]) {
        const text = written({ ...header, ...beside }, wrapped, cek, content)
        assert.equal(await errorOf(scene, text), 'invalid_request_object', JSON.stringify({ ...header, ...beside }))
      }
    }
  })

  it('JW-09 costs no more work than an honest one, whatever its header asks for', async test => {
    const scene = await opened(test)
    const cek = randomBytes(32)
    const swollen = deflateRawSync(Buffer.alloc(4_000_000))
    const hashed = { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2s: 'AAAAAAAAAAAAAAAAAAAAAA', p2c: 10_000_000 }
    const dear = [
      await encrypted('0'.repeat(4_000_000), scene, { zip: 'DEF' }),
      written(hashed, randomBytes(40), cek, swollen),
      written({ ...hashed, zip: 'DEF' }, randomBytes(40), cek, swollen),
    ]
    const honest = await encrypted(`${scene.object()}x`, scene)
    for (const [at, text] of dear.entries()) {
      await assertCostsAtMost(2, {
        about: `number ${at + 1}`,
        work: () => errorOf(scene, text),
        measure: () => errorOf(scene, honest),
      })
    }
  })
})
