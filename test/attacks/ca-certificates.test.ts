/** Clients known by the certificate of their connection (RFC 8705 §2), as the listener hands it on. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import type { PresentedCertificate } from '../../packages/server/src/domain/certificate/presented-certificate.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'
import { newSigner } from '../stage/signer.ts'

const subject = [
  { type: 'C', value: 'GB' },
  { type: 'O', value: 'Shop, Ltd.' },
  { type: 'CN', value: 'Shop  One' },
]

function certificate(changes: Partial<PresentedCertificate> = {}): PresentedCertificate {
  const derBytes = changes.derBytes ?? Buffer.from('a certificate of the shop')
  return {
    derBytes,
    thumbprint: createHash('sha256').update(derBytes).digest('base64url'),
    verified: true,
    subject,
    subjectAltNames: [
      { kind: 'dns', value: 'shop.example' },
      { kind: 'uri', value: 'urn:example:shop' },
      { kind: 'ip', value: '2001:db8::7' },
      { kind: 'email', value: 'ops@shop.example' },
    ],
    ...changes,
  }
}

/** The status of a request of the shop that came with this certificate, or with none. */
async function ask(
  { stage }: Scene,
  shown: PresentedCertificate | null,
  fields: { readonly [name: string]: string } = { client_id: 'shop' },
): Promise<number> {
  const answer = await stage.pawl.handle({
    method: 'POST',
    path: '/introspect',
    query: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(new URLSearchParams({ token: 'x', ...fields }).toString()),
    address: '203.0.113.7',
    certificate: shown,
  })
  if (answer.status !== 200) assert.match(answer.body, /"error":"invalid_client"/)
  return answer.status
}

function openNamed(test: TestContext, type: string, value: string): Promise<Scene> {
  return openScene(test, { client: { ...shop, auth: 'tls_client_auth', certificateName: { type, value } } })
}

describe('a certificate that an authority vouches for', () => {
  it('CA-12 is its client by the one name that was registered, however it is spelt', async test => {
    const good = [
      ['subject_dn', String.raw`CN=Shop One,O=Shop\, Ltd.,C=GB`],
      ['subject_dn', String.raw`cn=shop one, o=Shop\2C LTD., 2.5.4.6=gb`],
      ['san_dns', 'Shop.Example'],
      ['san_uri', 'urn:example:shop'],
      ['san_ip', '2001:DB8:0:0::7'],
      ['san_email', 'ops@SHOP.example'],
    ] as const
    for (const [type, value] of good)
      assert.equal(await ask(await openNamed(test, type, value), certificate()), 200, value)
  })

  it('CA-12 is nobody by another name, a part of one, or the same words in another place', async test => {
    const wrong = [
      ['subject_dn', 'CN=Shop One'],
      ['subject_dn', String.raw`C=GB,O=Shop\, Ltd.,CN=Shop One`],
      ['subject_dn', String.raw`CN=Shop One,O=Shop\, Ltd.,C=DE`],
      ['san_dns', 'example'],
      ['san_dns', 'www.shop.example'],
      ['san_uri', 'urn:example:SHOP'],
      ['san_ip', '2001:db8::8'],
      ['san_email', 'OPS@shop.example'],
      ['san_email', 'ops@example'],
    ] as const
    for (const [type, value] of wrong)
      assert.equal(await ask(await openNamed(test, type, value), certificate()), 401, value)
  })

  it('CA-12 counts for nothing where nobody vouched for it, or where none was shown', async test => {
    const scene = await openNamed(test, 'san_dns', 'shop.example')
    assert.equal(await ask(scene, certificate({ verified: false })), 401)
    assert.equal(await ask(scene, null), 401)
    assert.equal(await ask(scene, certificate(), { client_id: 'shop', client_secret: 'x' }), 401)
    assert.equal(await ask(scene, certificate(), {}), 401)
    assert.equal(await ask(scene, certificate()), 200)
  })

  it('CA-12 opens no other client: not one with a secret, and not one that registered another name', async test => {
    const scene = await openNamed(test, 'san_dns', 'shop.example')
    await scene.stage.addClient({ ...shop, id: 'secretive' })
    const certificateName = { type: 'san_dns', value: 'vend.example' }
    await scene.stage.addClient({ ...shop, id: 'vend', auth: 'tls_client_auth', certificateName })
    for (const id of ['secretive', 'vend', 'nobody'])
      assert.equal(await ask(scene, certificate(), { client_id: id }), 401, id)
  })

  it('CA-12 is not registered by a name that no certificate can carry', async test => {
    const { stage } = await openScene(test)
    const wrong = [
      ['subject_dn', ''],
      ['subject_dn', 'Shop'],
      ['subject_dn', 'CN=a+OU=b'],
      ['subject_dn', 'CN='],
      ['san_dns', '*.shop.example'],
      ['san_dns', ''],
      ['san_uri', 'shop'],
      ['san_ip', '300.1.1.1'],
      ['san_email', 'ops'],
    ] as const
    for (const [type, value] of wrong) {
      const input = { ...shop, auth: 'tls_client_auth', certificateName: { type, value } }
      await assert.rejects(registerClient(stage.workbench, input), /name in the certificate is refused/, value)
    }
    await assert.rejects(registerClient(stage.workbench, { ...shop, auth: 'tls_client_auth' }), /needs the name/)
  })
})

describe('a certificate that the client signed itself', () => {
  it('CA-12 is its client where it is the very one that was registered, whoever vouches for it', async test => {
    const own = certificate({ verified: false })
    const jwk = { ...newSigner().publicJwk, x5c: [Buffer.from(own.derBytes).toString('base64')] }
    const client = { ...shop, auth: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } }
    const scene = await openScene(test, { client })
    assert.equal(await ask(scene, own), 200)
    assert.equal(await ask(scene, certificate({ derBytes: Buffer.from('another certificate') })), 401)
    assert.equal(await ask(scene, certificate({ derBytes: Buffer.alloc(0) })), 401)
    assert.equal(await ask(scene, null), 401)
  })

  it('CA-12 is registered with its certificate, or not at all', async test => {
    const { stage } = await openScene(test)
    const { publicJwk } = newSigner()
    const wrong = [undefined, { keys: [publicJwk] }, { keys: [{ ...publicJwk, x5c: ['not base64!'] }] }]
    for (const jwks of wrong) {
      const input = { ...shop, auth: 'self_signed_tls_client_auth', jwks }
      await assert.rejects(registerClient(stage.workbench, input), /x5c|public keys/)
    }
  })
})
