import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { clientJson } from './client-json.ts'
import { changeClient, registerClient } from './clients.ts'
import { bench } from './fixture.test.ts'

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const rsaJwk = {
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
  alg: 'RS256',
}
const jwks = { keys: [{ ...jwk, kid: 'k1' }] }
const bank = { id: 'bank', kind: 'web', redirectUris: ['https://bank.example/cb'], jwks, profile: 'fapi2' }
const certificateName = { type: 'san_dns', value: 'bank.example' }

describe('a client of the profile fapi2', () => {
  it('pushes its requests, signs its assertions and shows DPoP proofs, without a further word', async () => {
    const { workbench } = await bench()
    const { client, secret } = await registerClient(workbench, bank)
    assert.equal(secret, null)
    assert.equal(client.profile, 'fapi2')
    assert.deepEqual(
      [client.authMethod, client.requests.requirePushed, client.pkce, client.dpopBoundAccessTokens],
      ['private_key_jwt', true, 'always', true],
    )
    assert.equal(client.tlsClientCertificateBoundAccessTokens, false)
    assert.equal(clientJson(client)['profile'], 'fapi2')
  })

  it('shows its certificate for everything where it is known by one', async () => {
    const { workbench } = await bench()
    const { jwks: _, ...others } = bank
    const { client } = await registerClient(workbench, { ...others, certificateName })
    assert.deepEqual(
      [client.authMethod, client.dpopBoundAccessTokens, client.tlsClientCertificateBoundAccessTokens],
      ['tls_client_auth', false, true],
    )
    const keyed = await registerClient(workbench, { ...bank, id: 'other', tlsClientCertificateBoundAccessTokens: true })
    assert.deepEqual(
      [keyed.client.authMethod, keyed.client.dpopBoundAccessTokens],
      ['private_key_jwt', false],
      'one key is enough',
    )
  })

  const refusals: readonly (readonly [string, object, RegExp])[] = [
    ['public', { kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }, /of a kind that runs on a server/],
    ['with a secret', { auth: 'client_secret_basic' }, /by client_secret_basic, .*; say --auth private_key_jwt/],
    ['that signs with its secret', { auth: 'client_secret_jwt' }, /by client_secret_jwt/],
    ['without a key to show', { dpopBoundAccessTokens: false }, /say --dpop or --certificate-bound/],
    ['that need not push', { requirePushedRequests: false }, /say --require-par/],
    ['that may leave PKCE out', { pkce: 'or_nonce' }, /say --pkce always/],
    [
      'on plain http',
      { redirectUris: ['http://localhost/cb'] },
      /http:\/\/localhost\/cb is not https; name another --redirect/,
    ],
    ['that signs with RS256', { authAlgorithm: 'RS256' }, /with --auth-alg RS256/],
    ['with ID tokens in RS256', { idTokenAlgorithm: 'RS256' }, /with --id-token-alg RS256/],
    ['with request objects in RS256', { requestObjectAlgorithm: 'RS256' }, /with --request-alg RS256/],
    ['with answers in ML-DSA-44', { responseAlgorithm: 'ML-DSA-44' }, /with --response-alg ML-DSA-44/],
    ['with userinfo in RS256', { userinfoSigned: 'RS256' }, /with --userinfo-alg RS256/],
    ['with introspection in RS256', { introspectionSigned: 'RS256' }, /with --introspection-alg RS256/],
    [
      'with a key for RS256 alone',
      { jwks: { keys: [rsaJwk] } },
      /none of its keys is for PS256, ES256 or EdDSA; name others/,
    ],
    ['without keys', { jwks: { keys: [] } }, /needs the client's public keys/],
  ]
  for (const [what, input, sentence] of refusals) {
    it(`is none ${what}, whether it is added so or changed`, async () => {
      const { workbench } = await bench()
      await assert.rejects(registerClient(workbench, { ...bank, ...input }), sentence)
      await registerClient(workbench, bank)
      if (!('kind' in input)) await assert.rejects(changeClient(workbench, 'bank', input), sentence)
    })
  }

  it('is one of another sort again when the profile is taken off, and keeps what was settled until it is changed', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, bank)
    const plain = await changeClient(workbench, 'bank', { profile: null })
    assert.deepEqual([plain.profile, plain.requests.requirePushed, plain.dpopBoundAccessTokens], [null, true, true])
    assert.equal('profile' in clientJson(plain), false)
    const open = await changeClient(workbench, 'bank', { requirePushedRequests: false, dpopBoundAccessTokens: false })
    assert.equal(open.requests.requirePushed, false)
    const again = await changeClient(workbench, 'bank', { profile: 'fapi2' })
    assert.deepEqual([again.requests.requirePushed, again.dpopBoundAccessTokens], [true, true])
  })

  it('needs no pushed requests where nobody is ever sent to a page', async () => {
    const { workbench } = await bench()
    const job = { id: 'job', kind: 'service', jwks, profile: 'fapi2', requirePushedRequests: false }
    assert.equal((await registerClient(workbench, job)).client.profile, 'fapi2')
  })
})
