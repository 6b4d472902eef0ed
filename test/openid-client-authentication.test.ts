/**
 * How `openid-client` proves a client, by every method it knows, from the flags of the command line to a revoked token.
 * Its `TlsClientAuth` needs a TLS listener: that is played where the listener is.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import * as client from 'openid-client'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from './processes/server-process.ts'
import { openKeyServer } from './stage/key-server.ts'

interface Scene {
  readonly data: string
  readonly server: ServerProcess
  readonly register: (id: string, flags: readonly string[]) => Promise<Registered>
  readonly configure: (id: string, means: client.ClientAuth) => Promise<client.Configuration>
}

interface Registered {
  readonly client_id: string
  readonly client_secret?: string
  readonly [name: string]: unknown
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const server = await startServer(test, { data })
  const service = ['--kind', 'service', '--scope', 'stock.read', '--data', data]
  return {
    data,
    server,
    register: async (id, flags) => (await pawlJson(['client', 'add', id, ...service, ...flags])) as Registered,
    configure: (id, means) => {
      const execute = [client.allowInsecureRequests]
      return client.discovery(new URL(server.issuer), id, {}, means, { execute })
    },
  }
}

/** All that a client without users asks for, each with a proof of its own. */
async function assertWorks(config: client.Configuration): Promise<void> {
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'stock.read' })
  assert.equal((await client.tokenIntrospection(config, token)).active, true)
  await client.tokenRevocation(config, token)
  assert.equal((await client.tokenIntrospection(config, token)).active, false)
}

async function newKeys(algorithm: 'ES256' | 'PS256' | 'RS256' | 'Ed25519', kid: string) {
  const generated = await crypto.subtle.generateKey(parametersOf[algorithm], true, ['sign', 'verify'])
  const { privateKey, publicKey } = generated as CryptoKeyPair
  const jwk = await crypto.subtle.exportKey('jwk', publicKey)
  return { privateKey, publicJwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e, kid } }
}

const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
const parametersOf = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', ...rsa },
  RS256: { name: 'RSASSA-PKCS1-v1_5', ...rsa },
  Ed25519: { name: 'Ed25519' },
} as const

describe('openid-client', () => {
  it('signs with a private key of every kind, out of one registered set', async test => {
    const { data, register, configure } = await openScene(test)
    const algorithms = ['ES256', 'PS256', 'RS256', 'Ed25519'] as const
    const keys = await Promise.all(algorithms.map(algorithm => newKeys(algorithm, `key-${algorithm}`)))
    const file = join(data, 'jwks.json')
    await writeFile(file, JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }))
    const registered = await register('warehouse', ['--auth', 'private_key_jwt', '--jwks', file])
    assert.equal(registered.client_secret, undefined)
    assert.equal(registered['token_endpoint_auth_method'], 'private_key_jwt')
    for (const { privateKey, publicJwk } of keys) {
      await assertWorks(await configure('warehouse', client.PrivateKeyJwt({ key: privateKey, kid: publicJwk.kid })))
    }
    const [first] = keys
    assert.ok(first !== undefined)
    await assertWorks(await configure('warehouse', client.PrivateKeyJwt(first.privateKey)))
    const stranger = await configure('warehouse', client.PrivateKeyJwt((await newKeys('ES256', 'x')).privateKey))
    await assert.rejects(client.clientCredentialsGrant(stranger), isUnauthenticated)
  })

  it('signs with keys that the client publishes', async test => {
    const { register, configure } = await openScene(test)
    const { privateKey, publicJwk } = await newKeys('ES256', 'published')
    const server = await openKeyServer(test, [publicJwk])
    const registered = await register('warehouse', ['--auth', 'private_key_jwt', '--jwks', server.url])
    assert.equal(registered['jwks_uri'], server.url)
    await assertWorks(await configure('warehouse', client.PrivateKeyJwt({ key: privateKey, kid: 'published' })))
    assert.equal(server.asked(), 1)
  })

  it('signs with a secret, and with the next one, of which the old goes on for a while', async test => {
    const { data, register, configure } = await openScene(test)
    const registered = await register('warehouse', ['--auth', 'client_secret_jwt'])
    const old = registered.client_secret ?? ''
    await assertWorks(await configure('warehouse', client.ClientSecretJwt(old)))
    const rotate = ['client', 'rotate-secret', 'warehouse', '--data', data]
    const next = (await pawlJson([...rotate, '--overlap-seconds', '600'])) as Registered
    await assertWorks(await configure('warehouse', client.ClientSecretJwt(old)))
    await assertWorks(await configure('warehouse', client.ClientSecretJwt(next.client_secret ?? '')))
    const last = (await pawlJson([...rotate, '--overlap-seconds', '0'])) as Registered
    const over = await configure('warehouse', client.ClientSecretJwt(next.client_secret ?? ''))
    await assert.rejects(client.clientCredentialsGrant(over), isUnauthenticated)
    await assertWorks(await configure('warehouse', client.ClientSecretJwt(last.client_secret ?? '')))
  })

  it('is told that a private key file is none to register, without a word of it', async test => {
    const { data, register } = await openScene(test)
    const generated = await crypto.subtle.generateKey(parametersOf.ES256, true, ['sign', 'verify'])
    const jwk = await crypto.subtle.exportKey('jwk', generated.privateKey)
    const file = join(data, 'private.json')
    await writeFile(file, JSON.stringify(jwk))
    await assert.rejects(register('warehouse', ['--auth', 'private_key_jwt', '--jwks', file]), error => {
      assert.match(String(error), /it is a private key/)
      assert.ok(!String(error).includes(String(jwk.d)))
      return true
    })
  })
})

function isUnauthenticated(error: unknown): boolean {
  return error instanceof client.WWWAuthenticateChallengeError && error.status === 401
}
