/** A certificate-bound token at an API that ends TLS itself: whose key the handshake proved counts, not who vouches for it. */

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { guardApi, guardNode } from '@pawl/verifier'
import { type Certificate, makeAuthority } from '../network/certificates.ts'
import { apiUrl, openApi } from './api-ground.ts'
import { signer } from './signer.ts'

function thumbprintOf({ certificate }: Certificate): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url')
}

describe('an API that ends TLS itself', () => {
  it('takes a bound token over the connection of its own certificate alone, whoever signed it', async test => {
    const scene = await openApi(test)
    const { sign, jwks } = await signer(scene.stage)
    const world = { ...scene.world, fetch: jwks }
    const guard = guardApi({ issuer: scene.stage.issuer, audience: apiUrl, jwksUri: 'https://keys.example/', world })
    const authority = await makeAuthority('roots of the test')
    const site = await authority.vouchFor(['localhost'])
    const [own, stranger, selfSigned] = [
      await authority.vouchFor(['shop']),
      await authority.vouchFor(['shop']),
      await makeAuthority('the client itself'),
    ]
    const tls = { cert: site.certificate, key: site.privateKey, requestCert: true, rejectUnauthorized: false }
    const server = createServer(tls, (incoming, outgoing) => {
      guardNode(guard, incoming, outgoing).then(
        access => access !== null && outgoing.end(access.binding),
        () => outgoing.destroy(),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    test.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const status = async (token: string, shown: Certificate | null): Promise<number | undefined> => {
      const client = shown === null ? {} : { cert: shown.certificate, key: shown.privateKey }
      const headers = { authorization: `Bearer ${token}` }
      const sent = request({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authority.certificate,
        headers,
        agent: false,
        ...client,
      })
      sent.end()
      const [answer] = (await once(sent, 'response')) as [{ readonly statusCode?: number; resume: () => void }]
      answer.resume()
      return answer.statusCode
    }
    for (const holder of [own, selfSigned]) {
      const token = await sign({ cnf: { 'x5t#S256': thumbprintOf(holder) } })
      assert.equal(await status(token, holder), 200)
      assert.equal(await status(token, stranger), 401)
      assert.equal(await status(token, null), 401)
    }
    assert.equal(await status(await sign({}), null), 200, 'a token that is bound to nothing')
  })
})
