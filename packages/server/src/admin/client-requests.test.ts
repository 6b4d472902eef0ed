import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { clientJson } from './client-json.ts'
import { authorizationDetailsTypesMax } from './client-requests.ts'
import { changeClient, registerClient } from './clients.ts'
import { bench } from './fixture.test.ts'
import { InputRefused } from './workbench.ts'

const web = { id: 'app', kind: 'web', redirectUris: ['https://app.example/cb'] }
const jwks = { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })] }

describe('how a client asks', () => {
  it('is open until somebody says otherwise', async () => {
    const { workbench } = await bench()
    const json = clientJson((await registerClient(workbench, web)).client)
    assert.equal(json['require_pushed_authorization_requests'], false)
    assert.equal(json['require_signed_request_object'], false)
    assert.equal(json['authorization_signed_response_alg'], 'ES256')
    assert.equal('request_object_signing_alg' in json || 'authorization_details_types' in json, false)
  })

  it('is said with the names of the specifications', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, { ...web, jwks })
    const changed = await changeClient(workbench, 'app', {
      requirePushedRequests: true,
      requireSignedRequests: true,
      requestObjectAlgorithm: 'PS256',
      responseAlgorithm: 'RS256',
      responseEncrypted: { algorithm: 'ECDH-ES' },
      authorizationDetailsTypes: ['payment', 'payment', 'account'],
    })
    const json = clientJson(changed)
    assert.equal(json['require_pushed_authorization_requests'], true)
    assert.equal(json['require_signed_request_object'], true)
    assert.equal(json['request_object_signing_alg'], 'PS256')
    assert.equal(json['authorization_signed_response_alg'], 'RS256')
    assert.equal(json['authorization_encrypted_response_alg'], 'ECDH-ES')
    assert.equal(json['authorization_encrypted_response_enc'], 'A128CBC-HS256')
    assert.deepEqual(json['authorization_details_types'], ['payment', 'account'])
    const anyAlgorithm = await changeClient(workbench, 'app', { requestObjectAlgorithm: null })
    assert.equal(anyAlgorithm.requests.objectAlgorithm, null)
    assert.equal(anyAlgorithm.requests.requirePushed, true)
  })

  it('is refused where it could not be', async () => {
    const { workbench } = await bench()
    const types = Array.from({ length: authorizationDetailsTypesMax + 1 }, (_, index) => `t${index}`)
    const wrong = [
      { requireSignedRequests: true },
      { responseEncrypted: { algorithm: 'ECDH-ES' } },
      { authorizationDetailsTypes: ['two words'] },
      { authorizationDetailsTypes: [''] },
      { authorizationDetailsTypes: types },
      { requestObjectAlgorithm: 'none' },
      { requestObjectAlgorithm: 'HS256' },
      { responseAlgorithm: 'none' },
    ]
    for (const each of wrong) {
      await assert.rejects(registerClient(workbench, { ...web, ...each }), InputRefused, JSON.stringify(each))
    }
    await registerClient(workbench, { ...web, authorizationDetailsTypes: types.slice(1) })
  })
})
