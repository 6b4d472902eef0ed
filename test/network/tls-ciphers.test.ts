/** Which TLS a listener of ours speaks (RFC 9325, FAPI 2.0 Security Profile §5.2.2). */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { before, describe, it, type TestContext } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { stderrLogger } from '../../packages/server/src/http/access-log.ts'
import { listen } from '../../packages/server/src/http/node-listener.ts'
import { type Authority, makeAuthority } from './certificates.ts'

let authority: Authority

before(async () => {
  authority = await makeAuthority('the operator')
})

async function openListener(test: TestContext): Promise<number> {
  const { certificate, privateKey } = await authority.vouchFor(['localhost'])
  const listener = await listen({
    handle: async () => ({ status: 200, headers: {}, body: '' }),
    host: ['127.0.0.1'],
    port: 0,
    tls: { certificate, key: privateKey, asksClients: false },
    limits: { lastAskMs: 0, drainMsMax: 0 },
    logger: stderrLogger('silent'),
  })
  test.after(() => listener.close())
  return listener.port
}

/** The protocol and cipher that were agreed on, or what the handshake failed with. */
async function agreed(port: number, means: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.certificate, ...means })
  try {
    await once(socket, 'secureConnect')
    return `${socket.getProtocol() ?? ''} ${socket.getCipher().standardName}`
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
  }
}

/** Of a certificate with an elliptic key; a client may offer whatever it knows. */
const twelve = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const

describe('a listener that ends TLS', () => {
  it('speaks 1.3, and 1.2 with the ciphers that are recommended for it', async test => {
    const port = await openListener(test)
    assert.match(await agreed(port, {}), /^TLSv1\.3 TLS_/)
    for (const bits of ['128', '256']) {
      const ciphers = `ECDHE-ECDSA-AES${bits}-GCM-SHA${bits === '128' ? '256' : '384'}`
      assert.match(
        await agreed(port, { ...twelve, ciphers }),
        new RegExp(`^TLSv1\\.2 TLS_ECDHE_ECDSA_WITH_AES_${bits}_GCM`),
      )
    }
  })

  it('speaks neither 1.1 nor 1.2 with any other cipher', async test => {
    const port = await openListener(test)
    for (const ciphers of ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA']) {
      assert.match(await agreed(port, { ...twelve, ciphers }), /^ERR_SSL_|ECONNRESET/, ciphers)
    }
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    assert.match(await agreed(port, old), /^ERR_SSL_|ECONNRESET/)
  })
})
