/** Registration (RFC 7591) as strangers use it, and its management (RFC 7592). */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addRegistrationToken, revokeRegistrationToken } from '../../packages/server/src/admin/registration-tokens.ts'
import { deviceCodeGrantType } from '../../packages/server/src/domain/client/client.ts'
import { registrationBytesMax } from '../../packages/server/src/http/endpoints/registration.ts'
import { unvouchedMetadataBytesMax } from '../../packages/server/src/oauth/registration/register.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import {
  appOf,
  appRedirect,
  clientOf,
  type JsonAnswer,
  manage,
  type Members,
  register,
  registered,
} from '../stage/registration.ts'
import { openStage, type Stage } from '../stage/stage.ts'

const day = 86_400

async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Stage> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  return stage
}

function assertRefused({ status, body, headers }: JsonAnswer, error = 'invalid_client_metadata', about = ''): void {
  assert.equal(body['error'], error, `${about} ${JSON.stringify(body)}`)
  assert.equal(status, error === 'invalid_token' ? 401 : 400, about)
  assert.equal(headers.get('cache-control'), 'no-store')
}

async function assertNoClient(stage: Stage): Promise<void> {
  assert.deepEqual(await stage.pawl.store.clients.list(10), [])
}

const metadata = { redirect_uris: [appRedirect] }
/** A server whose proxy shows the certificates of clients. */
const withCertificates = { clientCertificateHeader: 'x-client-cert', trustedProxies: ['192.0.2.1'] }

const addressMembers = [
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'jwks_uri',
  'sector_identifier_uri',
  'initiate_login_uri',
  'backchannel_logout_uri',
  'frontchannel_logout_uri',
]

describe('a registration', () => {
  it('CM-01 needs a token where the operator wants one, and is not there where it is off', async test => {
    const stage = await opened(test, { registration: 'token' })
    const bare = await register(stage, metadata)
    assertRefused(bare, 'invalid_token')
    assert.match(bare.headers.get('www-authenticate') ?? '', /^Bearer /)
    for (const token of ['', 'x', `pawl_iat_${'A'.repeat(44)}`, `pawl_cs_${'A'.repeat(44)}`]) {
      assertRefused(await register(stage, metadata, { token }), 'invalid_token', token)
    }
    await assertNoClient(stage)

    const off = await opened(test, { registration: 'off' })
    assert.equal((await register(off, metadata)).status, 404)
    const about = (await (await off.send('/.well-known/openid-configuration')).json()) as Members
    assert.equal(about['registration_endpoint'], undefined)
    await assertNoClient(off)
  })

  it('CM-01 is off in production and its documents with it, unless the operator says otherwise', async test => {
    const stage = await opened(test, { issuer: 'https://login.example.com' })
    assert.equal((await register(stage, metadata)).status, 404)
    const about = (await (await stage.send('/.well-known/oauth-authorization-server')).json()) as Members
    assert.equal(about['registration_endpoint'], undefined)
    assert.equal(about['client_id_metadata_document_supported'], undefined)
  })

  it('CM-02 takes a token as often as it was made for, and not after its time or its end', async test => {
    const stage = await opened(test, { registration: 'token' })
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme', uses: 2, partner: 'acme' })
    const both = await Promise.all([1, 2, 3, 4].map(() => register(stage, metadata, { token: secret })))
    const statuses = both.map(({ status }) => status).toSorted((one, other) => one - other)
    assert.deepEqual(statuses, [201, 201, 401, 401])
    assertRefused(await register(stage, metadata, { token: secret }), 'invalid_token')
    const clients = await stage.pawl.store.clients.list(10)
    assert.deepEqual(
      clients.map(({ partner, source }) => [partner, source?.vouchedBy]),
      [
        ['acme', 'acme'],
        ['acme', 'acme'],
      ],
    )

    const short = await addRegistrationToken(stage.workbench, { name: 'short', uses: 9, seconds: day })
    stage.clock.advanceSeconds(day - 1)
    assert.equal((await register(stage, metadata, { token: short.secret })).status, 201)
    stage.clock.advanceSeconds(1)
    assertRefused(await register(stage, metadata, { token: short.secret }), 'invalid_token')

    const ended = await addRegistrationToken(stage.workbench, { name: 'ended', uses: 9 })
    await revokeRegistrationToken(stage.workbench, 'ended')
    assertRefused(await register(stage, metadata, { token: ended.secret }), 'invalid_token')
  })

  it('CM-02 is refused with a bad token also where none is needed', async test => {
    const stage = await opened(test)
    assertRefused(await register(stage, metadata, { token: 'x' }), 'invalid_token')
    await assertNoClient(stage)
  })

  it('CM-03 whose grant types, response types and method do not go together is refused', async test => {
    const stage = await opened(test, withCertificates)
    const wrong: readonly Members[] = [
      { grant_types: ['authorization_code'], response_types: ['token'] },
      { grant_types: ['refresh_token'], response_types: ['code'] },
      { grant_types: ['refresh_token'] },
      { grant_types: ['implicit'], response_types: ['token'] },
      { grant_types: ['password'] },
      { grant_types: [] },
      { grant_types: 'authorization_code' },
      { grant_types: [['authorization_code']] },
      { response_types: ['id_token'] },
      { grant_types: ['client_credentials'], token_endpoint_auth_method: 'none' },
      { token_endpoint_auth_method: 'client_secret' },
      { token_endpoint_auth_method: 'attest_jwt_client_auth' },
      { token_endpoint_auth_method: 7 },
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'tls_client_auth' },
      {
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'a',
        tls_client_auth_subject_dn: 'CN=a',
      },
      { application_type: 'desktop' },
      { id_token_signed_response_alg: 'none' },
      { id_token_signed_response_alg: 'HS256' },
      { id_token_encrypted_response_alg: 'RSA1_5' },
      { subject_type: 'transient' },
      { id_token_encrypted_response_alg: 'ECDH-ES' },
      { userinfo_encrypted_response_enc: 'A128GCM' },
      { sector_identifier_uri: 'https://app.example/list' },
      { subject_type: 'pairwise', redirect_uris: [appRedirect, 'https://other.example/cb'] },
      { subject_type: 'pairwise', grant_types: ['authorization_code', deviceCodeGrantType] },
      { frontchannel_logout_uri: 'https://other.example/front' },
      { userinfo_signed_response_alg: 'none' },
      { require_signed_request_object: true },
    ]
    for (const members of wrong) {
      assertRefused(await register(stage, { ...metadata, ...members }), undefined, JSON.stringify(members))
    }
    await assertNoClient(stage)
  })

  it('CM-03 with a certificate where none can be shown is refused, and elsewhere taken', async test => {
    const bare = await opened(test)
    const proxied = await opened(test, withCertificates)
    const byName = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'app.example' }
    assertRefused(await register(bare, { ...metadata, ...byName }))
    assert.equal((await register(proxied, { ...metadata, ...byName })).status, 201)
  })

  it('CM-03 without a redirect URI, or with one that is dangerous, is refused by that name', async test => {
    const stage = await opened(test)
    const lists: readonly unknown[] = [undefined, [], null, 'https://app.example/cb', [7], [['https://app.example/cb']]]
    const uris = ['javascript:alert(1)', 'data:text/html,x', 'http://app.example/cb', 'https://u@app.example/cb']
    const others = ['https://app.example/cb#x', 'https://*.example/cb', 'file:///etc/passwd', 'myapp://cb', '']
    for (const list of [...lists, ...[...uris, ...others].map(uri => [appRedirect, uri])]) {
      assertRefused(await register(stage, { redirect_uris: list }), 'invalid_redirect_uri', JSON.stringify(list))
    }
    await assertNoClient(stage)
  })

  it('CM-04 with keys in two places, or with a private one, is refused', async test => {
    const stage = await opened(test)
    const method = { token_endpoint_auth_method: 'private_key_jwt' }
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    const jwks = { keys: [key] }
    const twice = { ...metadata, ...method, jwks, jwks_uri: 'https://app.example/jwks' }
    assertRefused(await register(stage, twice))
    const privateKey = { ...key, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' }
    for (const keys of [[privateKey], [{ kty: 'oct', k: 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0' }], [], 'x']) {
      assertRefused(await register(stage, { ...metadata, ...method, jwks: { keys } }), undefined, JSON.stringify(keys))
    }
    await assertNoClient(stage)
    assert.equal((await register(stage, { ...metadata, ...method, jwks })).status, 201)
  })

  it('CM-05 with ten thousand redirect URIs is refused, and so is one more than there may be', async test => {
    const stage = await opened(test)
    const uris = (count: number) => Array.from({ length: count }, (_, n) => `https://app.example/${n}`)
    const { status } = await register(stage, { redirect_uris: uris(10_000) })
    assert.equal(status, 413, 'it is longer than any body')
    assertRefused(await register(stage, { redirect_uris: uris(200) }), 'invalid_redirect_uri')
    assertRefused(await register(stage, { redirect_uris: uris(65) }))
    await assertNoClient(stage)
    assert.equal((await register(stage, { redirect_uris: uris(64) })).status, 201)
  })

  it('CM-06 says nothing by members nobody knows, and nothing the operator says', async test => {
    const stage = await opened(test)
    const members = {
      client_id: 'admin',
      client_secret: 'mine',
      registration_access_token: 'mine',
      kind: 'integration',
      first_party: true,
      firstParty: true,
      partner: 'acme',
      audiences: ['https://api.example'],
      access_seconds: 3600,
      absolute_seconds: 31_536_000,
      repeat_seconds: 3600,
      disabled: false,
      source: null,
      vouched_by: 'operator',
      __proto__x: 1,
      'client_name#de': 'Anwendung',
    }
    const body = await registered(stage, members)
    const client = await clientOf(stage, body['client_id'])
    assert.match(client.id, /^dyn_/)
    assert.deepEqual(client, {
      ...client,
      kind: 'web',
      firstParty: false,
      partner: null,
      audiences: [],
      disabled: false,
    })
    assert.deepEqual([client.accessTokenSeconds, client.absoluteSeconds], [600, 90 * day])
    assert.equal(client.repeatWindowSeconds, 60)
    assert.equal(client.source?.vouchedBy, null)
    for (const name of Object.keys(members).filter(
      one => !['client_id', 'client_secret', 'registration_access_token'].includes(one),
    )) {
      assert.equal(body[name], undefined, name)
    }
    assert.notEqual(body['client_secret'], 'mine')
  })

  it('CM-07 with a text that is too long, or a body that is, is refused', async test => {
    const stage = await opened(test, { registration: 'open' })
    const long = 'x'.repeat(3_000)
    for (const member of ['client_name', 'software_id', 'software_version', 'token_endpoint_auth_method']) {
      assertRefused(await register(stage, { ...metadata, [member]: long }), undefined, member)
    }
    for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'jwks_uri']) {
      assertRefused(await register(stage, { ...metadata, [member]: `https://app.example/${long}` }), undefined, member)
    }
    assertRefused(await register(stage, { ...metadata, contacts: [long] }))
    assertRefused(
      await register(stage, { ...metadata, contacts: Array.from({ length: 17 }, (_, n) => `c${n}@a.example`) }),
    )
    assertRefused(await register(stage, { redirect_uris: [`https://app.example/${long}`] }), 'invalid_redirect_uri')
    assertRefused(await register(stage, { ...metadata, ignored: 'x'.repeat(unvouchedMetadataBytesMax) }))
    assertRefused(await register(stage, { ...metadata, ignored: 'x'.repeat(registrationBytesMax) }))
    await assertNoClient(stage)

    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme' })
    const vouched = { ...metadata, ignored: 'x'.repeat(unvouchedMetadataBytesMax) }
    assert.equal((await register(stage, vouched, { token: secret })).status, 201)
  })

  it('CM-08, SF-03 names no address of a script, a file or a private network, in any of its members', async test => {
    const stage = await opened(test, { registration: 'open', issuer: 'https://login.example.com' })
    const schemes = [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'ftp://a.example',
      'http://a.example',
    ]
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '10.0.0.1',
      '169.254.169.254',
      '[fd00::1]',
      '2130706433',
      '0x7f.1',
    ]
    const mapped = ['[::ffff:10.0.0.1]', '100.64.0.1', '0.0.0.0', '192.168.1.1.']
    const urls = [...schemes, ...[...hosts, ...mapped].map(host => `https://${host}/x`), 'https://u:p@a.example/', 'x']
    for (const url of urls) {
      for (const member of addressMembers) {
        assertRefused(await register(stage, { ...metadata, [member]: url }), undefined, `${member} ${url}`)
      }
      assertRefused(await register(stage, { redirect_uris: [url] }), 'invalid_redirect_uri', url)
    }
    await assertNoClient(stage)
  })

  it('CM-08, SF-03 names no host of the operator, unless the operator gave it a token', async test => {
    const settings = { registration: 'open', issuer: 'https://login.example.com', privateHosts: ['app.internal'] }
    const stage = await opened(test, settings)
    const inside = 'https://app.internal/x'
    for (const member of addressMembers) {
      assertRefused(await register(stage, { ...metadata, [member]: inside }), undefined, member)
    }
    assertRefused(await register(stage, { redirect_uris: [inside] }), 'invalid_redirect_uri')
    await assertNoClient(stage)
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme' })
    const taken = await register(stage, { ...metadata, client_uri: inside, policy_uri: inside }, { token: secret })
    assert.equal(taken.status, 201, JSON.stringify(taken.body))
  })

  it('CM-09 of a confidential client is worth nothing without its secret', async test => {
    const stage = await opened(test)
    await stage.addUser()
    const body = await registered(stage, { grant_types: ['authorization_code', 'refresh_token'] })
    const app = await appOf(stage, body)
    const tokens = await app.signIn(stage.browser())
    assert.notEqual(tokens.refreshToken, '')
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const fields of [
      {},
      { client_secret: '' },
      { client_secret: 'x' },
      { client_secret: String(body['client_secret']) },
    ]) {
      const sent = new URLSearchParams({ ...refresh, client_id: String(body['client_id']), ...fields }).toString()
      const response = await stage.send('/token', { method: 'POST', headers: form, body: sent })
      assert.equal(response.status, 401, JSON.stringify(Object.keys(fields)))
    }
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200, 'the family is unchanged')
  })

  it('CM-10 gets no scope, grant, lifetime or freedom from rotation that the policy does not give', async test => {
    const stage = await opened(test, { registrationScopes: ['openid', 'orders:read'] })
    const scope = 'openid admin orders:read orders:write offline_access'
    const grants = [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'implicit',
      'password',
      'urn:x:jwt-bearer',
    ]
    const body = await registered(stage, { scope, grant_types: grants, absolute_seconds: 10 ** 9, pkce: 'never' })
    assert.equal(body['scope'], 'openid orders:read')
    assert.deepEqual(body['grant_types'], ['authorization_code', 'refresh_token'])
    assertRefused(await register(stage, { grant_types: ['client_credentials'], response_types: [] }))

    const { secret } = await addRegistrationToken(stage.workbench, {
      name: 'jobs',
      kinds: ['service'],
      scopes: ['jobs'],
    })
    const job = { grant_types: ['client_credentials'], response_types: [], scope: 'jobs admin' }
    assertRefused(await register(stage, metadata, { token: secret }), undefined, 'a kind that the token is not for')
    const { status, body: service } = await register(stage, job, { token: secret })
    assert.equal(status, 201, JSON.stringify(service))
    assert.equal(service['scope'], 'jobs')
  })

  it('CM-10 is of the kind that its token is for, also after a change, and of no longer life without one', async test => {
    const stage = await opened(test)
    const partner = await addRegistrationToken(stage.workbench, { name: 'partner', kinds: ['integration'], uses: 2 })
    const body = await registered(stage, {}, { token: partner.secret })
    const { kind, absoluteSeconds } = await clientOf(stage, body['client_id'])
    assert.deepEqual([kind, absoluteSeconds], ['integration', 365 * day])
    assert.equal((await manage(stage, 'PUT', body)).status, 200)
    assert.equal((await clientOf(stage, body['client_id'])).kind, 'integration')
    const bare = { ...metadata, token_endpoint_auth_method: 'none' }
    assertRefused(await register(stage, bare, { token: partner.secret }), undefined, 'a public one')
    const { kind: other, absoluteSeconds: shorter } = await clientOf(stage, (await registered(stage))['client_id'])
    assert.deepEqual([other, shorter], ['web', 90 * day])
  })

  it('CM-10 is a public client only where it is one, and its pages get no refresh token that is not bound', async test => {
    const stage = await opened(test)
    const kindOf = async (members: Members): Promise<unknown> => {
      const body = await registered(stage, { token_endpoint_auth_method: 'none', ...members })
      assert.equal(body['client_secret'], undefined)
      const { kind, grantTypes } = await clientOf(stage, body['client_id'])
      return `${kind} ${grantTypes.includes('refresh_token') ? 'refreshes' : 'does not refresh'}`
    }
    const both = ['authorization_code', 'refresh_token']
    assert.equal(await kindOf({}), 'spa does not refresh')
    assert.equal(await kindOf({ grant_types: both, dpop_bound_access_tokens: true }), 'spa refreshes')
    assert.equal(await kindOf({ grant_types: both }), 'native refreshes')
    assert.equal(await kindOf({ application_type: 'native' }), 'native does not refresh')
    assert.equal(await kindOf({ redirect_uris: ['http://127.0.0.1/cb'], grant_types: both }), 'native refreshes')
    assert.equal(await kindOf({ redirect_uris: ['com.example.app:/cb'], grant_types: both }), 'native refreshes')
  })
})
