/** Client certificates on their way in: over TLS to a listener of ours, and in the header of a proxy (RFC 8705, RFC 9440). */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type RequestOptions, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { before, describe, it, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { stderrLogger } from '../../packages/server/src/http/access-log.ts'
import { listen, type ListenerOptions } from '../../packages/server/src/http/node-listener.ts'
import { makeAuthority } from '../network/certificates.ts'
import {
  type ClientAuthority,
  type ClientCertificate,
  clientAuthority,
  selfSigned,
} from '../network/client-certificates.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'

const named = { ...shop, auth: 'tls_client_auth', certificateName: { type: 'san_dns', value: 'shop.example' } }
const names = [{ type: 'dns' as const, value: 'shop.example' }]

let authority: ClientAuthority
let tls: ListenerOptions['tls']

before(async () => {
  authority = await clientAuthority('clients of the operator')
  const { certificate, privateKey } = await (await makeAuthority('the operator')).vouchFor(['localhost'])
  tls = { certificate, key: privateKey, asksClients: true }
})

/** The scene's server behind one more listener. Answers its port. */
async function listenTo(test: TestContext, { stage }: Scene, options: Partial<ListenerOptions>): Promise<number> {
  const listener = await listen({
    handle: stage.pawl.handleApplications,
    refuse: stage.pawl.refuse,
    host: ['127.0.0.1'],
    port: 0,
    limits: { lastAskMs: 0, drainMsMax: 0 },
    logger: stderrLogger('silent'),
    ...options,
  })
  test.after(() => listener.close())
  return listener.port
}

function rulesOf({ stage }: Scene, header: string | null, authorities: readonly ClientCertificate[] = [authority]) {
  return { authorities: authorities.map(({ pem }) => pem), header, nowMs: stage.clock.nowMs }
}

interface Asking {
  readonly port: number
  readonly certificate?: ClientCertificate
  readonly headers?: { readonly [name: string]: string | string[] }
  readonly path?: string
  readonly scheme?: 'http' | 'https'
  /** Resumes TLS sessions; without it every connection begins anew. */
  readonly agent?: Agent
}

/** What an introspection of nothing by the shop is answered. */
function ask({ port, certificate, headers = {}, path = '/introspect', scheme = 'https', agent }: Asking) {
  const shown = certificate && { cert: certificate.pem, key: certificate.privateKey }
  const body = new URLSearchParams({ client_id: 'shop', token: 'x' }).toString()
  const options: RequestOptions = {
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    agent: agent ?? false,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length, ...headers },
  }
  return new Promise<{ readonly status: number; readonly isResumed: boolean }>((resolve, reject) => {
    const request =
      scheme === 'http' ? httpRequest(options) : httpsRequest({ ...options, ...shown, rejectUnauthorized: false })
    request.on('error', reject).on('response', response => {
      const { socket } = response
      const isResumed = socket instanceof TLSSocket && socket.isSessionReused()
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, isResumed }))
    })
    request.end(body)
  })
}

describe('a certificate in TLS', () => {
  it('CA-12 is its client where our authority issued it for clients and for now, and nobody otherwise', async test => {
    const scene = await openScene(test, { client: named })
    const port = await listenTo(test, scene, { tls: tls ?? null, certificates: rulesOf(scene, null) })
    const statusOf = async (certificate?: ClientCertificate) =>
      (await ask({ port, ...(certificate && { certificate }) })).status
    const good = await authority.issue({ names })
    assert.equal(await statusOf(good), 200)
    const others = await clientAuthority('clients of the operator')
    const below = await authority.issueAuthority('one below')
    const wrong = {
      none: undefined,
      'of another authority': await others.issue({ names }),
      'of one below ours': await below.issue({ names }),
      'signed by itself': await selfSigned({ names }),
      'for somebody else': await authority.issue({ names: [{ type: 'dns', value: 'vend.example' }] }),
      'for servers': await authority.issue({ names, purposes: ['1.3.6.1.5.5.7.3.1'] }),
      over: await authority.issue({ names, notAfter: new Date('2026-12-31') }),
      'not begun': await authority.issue({ names, notBefore: new Date('2027-12-31') }),
    }
    for (const [about, certificate] of Object.entries(wrong)) assert.equal(await statusOf(certificate), 401, about)
  })

  it('CA-12 is its client where it was registered itself, though nobody vouches for it', async test => {
    const [own, other] = [await selfSigned({ names }), await selfSigned({ names })]
    const x5c = [own.der.toString('base64')]
    const jwk = { kty: 'EC', crv: 'P-256', ...pointOf(own), x5c }
    const client = { ...shop, auth: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } }
    const scene = await openScene(test, { client })
    const port = await listenTo(test, scene, { tls: tls ?? null, certificates: rulesOf(scene, null, []) })
    assert.equal((await ask({ port, certificate: own })).status, 200)
    assert.equal((await ask({ port, certificate: other })).status, 401)
    assert.equal((await ask({ port })).status, 401)
  })

  it('CA-12 is known again where a session is resumed, and is not another client’s', async test => {
    const scene = await openScene(test, { client: named })
    const port = await listenTo(test, scene, { tls: tls ?? null, certificates: rulesOf(scene, null) })
    const certificate = await authority.issue({ names })
    const agent = new Agent({ keepAlive: false, maxVersion: 'TLSv1.2' })
    const [first, second] = [await ask({ port, certificate, agent }), await ask({ port, certificate, agent })]
    assert.deepEqual(
      [first, second],
      [
        { status: 200, isResumed: false },
        { status: 200, isResumed: true },
      ],
    )
    assert.equal((await ask({ port, agent: new Agent({ keepAlive: false }) })).status, 401)
  })

  it('CA-12 is asked for where applications are, and no page is there', async test => {
    const scene = await openScene(test, { client: named })
    const port = await listenTo(test, scene, { tls: tls ?? null, certificates: rulesOf(scene, null) })
    for (const path of ['/authorize', '/sign-in', '/logout', '/']) {
      assert.equal((await ask({ port, path })).status, 404, path)
    }
  })
})

describe('a certificate in a header', () => {
  it('CA-12 is nothing from whoever is no trusted proxy', async test => {
    const scene = await openScene(test, { client: named })
    const headers = { 'client-cert': `:${(await authority.issue({ names })).der.toString('base64')}:` }
    const certificates = rulesOf(scene, 'client-cert')
    const plain = { scheme: 'http', headers } as const
    const untrusting = await listenTo(test, scene, { certificates })
    assert.equal((await ask({ ...plain, port: untrusting })).status, 401, 'no proxy is trusted')
    const elsewhere = await listenTo(test, scene, { certificates, trustedProxies: ['192.0.2.0/24'] })
    assert.equal((await ask({ ...plain, port: elsewhere })).status, 401, 'another one is')
    const unnamed = await listenTo(test, scene, { trustedProxies: ['127.0.0.1'] })
    assert.equal((await ask({ ...plain, port: unnamed })).status, 401, 'no header is named')
    const otherName = { certificates: rulesOf(scene, 'x-client-cert'), trustedProxies: ['127.0.0.1'] }
    const renamed = await listenTo(test, scene, otherName)
    assert.equal((await ask({ ...plain, port: renamed })).status, 401, 'another header is')
    const trusting = await listenTo(test, scene, { certificates, trustedProxies: ['127.0.0.1'] })
    assert.equal((await ask({ ...plain, port: trusting })).status, 200)
  })

  it('CA-12 is judged as in TLS: a proxy hands on what clients show, and vouches for nobody', async test => {
    const scene = await openScene(test, { client: named })
    const options = { certificates: rulesOf(scene, 'x-ssl-client-cert'), trustedProxies: ['127.0.0.1'] }
    const port = await listenTo(test, scene, options)
    const statusOf = async (value: string | string[]) =>
      (await ask({ port, scheme: 'http', headers: { 'x-ssl-client-cert': value } })).status
    const [good, alone] = [await authority.issue({ names }), await selfSigned({ names })]
    assert.equal(await statusOf(encodeURIComponent(good.pem)), 200, 'as nginx sends it')
    assert.equal(await statusOf(good.der.toString('base64')), 200)
    assert.equal(await statusOf(encodeURIComponent(alone.pem)), 401)
    assert.equal(await statusOf(''), 401, 'the client showed none')
    for (const unreadable of ['none', ':x', encodeURIComponent('-----BEGIN CERTIFICATE-----')]) {
      assert.equal(await statusOf(unreadable), 400, 'and is not taken for none')
    }
    const twice = encodeURIComponent(good.pem)
    assert.equal(await statusOf([twice, twice]), 400, 'sent twice')
  })
})

describe('a certificate on the connection of a proxy', () => {
  it('CA-12 is the proxy’s own, and no client’s that stands behind it', async test => {
    const scene = await openScene(test, { client: named })
    const options = { tls: tls ?? null, certificates: rulesOf(scene, 'client-cert') }
    const certificate = await authority.issue({ names })
    const handedOn = { 'client-cert': `:${certificate.der.toString('base64')}:` }
    const port = await listenTo(test, scene, { ...options, trustedProxies: ['127.0.0.1'] })
    for (const headers of [{}, { 'client-cert': '' }]) {
      assert.equal((await ask({ port, certificate, headers })).status, 401, JSON.stringify(headers))
    }
    assert.equal((await ask({ port, certificate, headers: handedOn })).status, 200)
    const direct = await listenTo(test, scene, { ...options, trustedProxies: ['192.0.2.1'] })
    assert.equal((await ask({ port: direct, certificate })).status, 200, 'whoever is no proxy shows its own')
  })
})

describe('the metadata', () => {
  const issuer = 'https://as.example'
  const metadataOf = async (test: TestContext, settings: object) => {
    const stage = await openStage({ settings: { issuer, ...settings } })
    test.after(() => stage.close())
    return (await (await stage.send('/.well-known/oauth-authorization-server')).json()) as { [name: string]: unknown }
  }

  it('CA-12 tells of certificates where they can be shown, and nowhere else', async test => {
    const silent = await metadataOf(test, {})
    assert.equal(silent['tls_client_certificate_bound_access_tokens'], undefined)
    assert.ok(!(silent['token_endpoint_auth_methods_supported'] as string[]).includes('tls_client_auth'))
    const port = { tlsCert: 'a.pem', tlsKey: 'b.pem', mtlsPort: 7443 }
    const direct = await metadataOf(test, port)
    assert.equal(direct['tls_client_certificate_bound_access_tokens'], true)
    const methods = direct['token_endpoint_auth_methods_supported'] as string[]
    assert.ok(methods.includes('tls_client_auth') && methods.includes('self_signed_tls_client_auth'))
    const aliases = direct['mtls_endpoint_aliases'] as { [name: string]: unknown }
    assert.equal(aliases['token_endpoint'], 'https://as.example:7443/token')
    for (const [name, alias] of Object.entries(aliases)) {
      assert.equal(alias, String(direct[name]).replace(issuer, 'https://as.example:7443'), name)
    }
    const proxied = { clientCertificateHeader: 'Client-Cert', trustedProxies: ['10.0.0.1'] }
    assert.equal((await metadataOf(test, proxied))['mtls_endpoint_aliases'], undefined)
    const elsewhere = await metadataOf(test, { ...proxied, mtlsUrl: 'https://mtls.as.example' })
    assert.deepEqual(Object.keys(elsewhere['mtls_endpoint_aliases'] as object), Object.keys(aliases))
  })
})

function pointOf({ der }: ClientCertificate): { readonly x?: string; readonly y?: string } {
  const { x, y } = new X509Certificate(der).publicKey.export({ format: 'jwk' })
  return { ...(x !== undefined && { x }), ...(y !== undefined && { y }) }
}
