/** How `openid-client` proves a client by the certificate of its connection (RFC 8705), to a server that ends TLS itself. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import * as client from 'openid-client'
import {
  type ClientAuthority,
  type ClientCertificate,
  clientAuthority,
  selfSigned,
} from './network/client-certificates.ts'
import { tlsFetch } from './network/tls-fetch.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from './processes/server-process.ts'

interface Scene {
  readonly server: ServerProcess
  /** Who vouches for clients. */
  readonly vouching: ClientAuthority
  readonly register: (id: string, flags: readonly string[]) => Promise<unknown>
  readonly keysFile: (keys: readonly unknown[]) => Promise<string>
  readonly configure: (id: string, certificate?: ClientCertificate) => Promise<client.Configuration>
}

async function openScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const root = await clientAuthority('Root of the server')
  const vouching = await clientAuthority('Root of clients')
  const own = await root.issue({ subject: 'CN=localhost', names: [{ type: 'dns', value: 'localhost' }] })
  const files = { cert: join(data, 'cert.pem'), key: join(data, 'key.pem'), ca: join(data, 'ca.pem') }
  await writeFile(files.cert, own.pem)
  await writeFile(files.key, own.privateKey, { mode: 0o600 })
  await writeFile(files.ca, vouching.pem)
  const flags = ['--tls-cert', files.cert, '--tls-key', files.key, '--mtls-port', '0', '--tls-client-ca', files.ca]
  const server = await startServer(test, { data, flags })
  const service = ['--kind', 'service', '--scope', 'stock.read', '--data', data]
  return {
    server,
    vouching,
    register: (id, more) => pawlJson(['client', 'add', id, ...service, ...more]),
    keysFile: async keys => {
      const file = join(data, 'jwks.json')
      await writeFile(file, JSON.stringify({ keys }))
      return file
    },
    configure: (id, certificate) => {
      const fetched = tlsFetch({ authority: root, ...(certificate && { certificate }) })
      const options = { [client.customFetch]: fetched as client.CustomFetch }
      const metadata = { use_mtls_endpoint_aliases: true }
      return client.discovery(new URL(server.issuer), id, metadata, client.TlsClientAuth(), options)
    },
  }
}

function ask(config: client.Configuration) {
  return client.clientCredentialsGrant(config, { scope: 'stock.read' })
}

async function assertWorks(config: client.Configuration): Promise<void> {
  const { access_token: token } = await ask(config)
  assert.equal((await client.tokenIntrospection(config, token)).active, true)
  await client.tokenRevocation(config, token)
  assert.equal((await client.tokenIntrospection(config, token)).active, false)
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof client.WWWAuthenticateChallengeError && error.status === 401
}

/** In the order of the certificate; RFC 4514 begins at its end. */
const subject = String.raw`C=GB, O=Example\, Ltd., CN=warehouse`
const forServers = '1.3.6.1.5.5.7.3.1'

describe('openid-client with a certificate', () => {
  it('is known by the name an authority vouches for, at the port that asks for certificates', async test => {
    const { vouching, register, configure } = await openScene(test)
    const name = String.raw`subject_dn=CN=warehouse,O=Example\, Ltd.,C=GB`
    await register('warehouse', ['--auth', 'tls_client_auth', '--tls-name', name])
    const own = await vouching.issue({ subject })
    const config = await configure('warehouse', own)
    const { mtls_endpoint_aliases: aliases, token_endpoint_auth_methods_supported: methods } = config.serverMetadata()
    assert.ok(aliases?.token_endpoint !== undefined)
    assert.ok(methods?.includes('tls_client_auth') === true && methods.includes('self_signed_tls_client_auth'))
    await assertWorks(config)
    const namesake = await clientAuthority('Root of clients')
    const strangers = [
      await vouching.issue({ subject: 'CN=warehouse' }),
      await selfSigned({ subject }),
      await namesake.issue({ subject }),
      await vouching.issue({ subject, purposes: [forServers] }),
      await vouching.issue({ subject, notAfter: new Date('2021-01-01') }),
    ]
    for (const stranger of strangers) {
      await assert.rejects(ask(await configure('warehouse', stranger)), isUnauthenticated)
    }
    await assert.rejects(ask(await configure('warehouse')), isUnauthenticated)
  })

  it('is known by each kind of alternative name', async test => {
    const { vouching, register, configure } = await openScene(test)
    const own = await vouching.issue({
      subject: 'CN=two',
      names: [
        { type: 'dns', value: 'one.example' },
        { type: 'dns', value: 'two.example' },
        { type: 'url', value: 'urn:example:two' },
        { type: 'email', value: 'two@example.com' },
        { type: 'ip', value: '192.0.2.7' },
      ],
    })
    const written = ['san_dns=two.example', 'san_uri=urn:example:two', 'san_email=two@example.com', 'san_ip=192.0.2.7']
    for (const [index, name] of written.entries()) {
      await register(`client-${index}`, ['--auth', 'tls_client_auth', '--tls-name', name])
      await assertWorks(await configure(`client-${index}`, own))
    }
    await register('other', ['--auth', 'tls_client_auth', '--tls-name', 'san_dns=three.example'])
    await assert.rejects(ask(await configure('other', own)), isUnauthenticated)
  })

  it('is known by a certificate of its own making, which it registered', async test => {
    const { register, configure, keysFile } = await openScene(test)
    const own = await selfSigned({ subject })
    const { publicKey } = new X509Certificate(own.der)
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'own', x5c: [own.der.toString('base64')] }
    await register('warehouse', ['--auth', 'self_signed_tls_client_auth', '--jwks', await keysFile([jwk])])
    await assertWorks(await configure('warehouse', own))
    const likeIt = await selfSigned({ subject })
    await assert.rejects(ask(await configure('warehouse', likeIt)), isUnauthenticated)
    await assert.rejects(ask(await configure('warehouse')), isUnauthenticated)
  })
})
