/** A registration in the hands of whoever holds its token (RFC 7592), and of whoever does not. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { addRegistrationToken } from '../../packages/server/src/admin/registration-tokens.ts'
import type { Client } from '../../packages/server/src/domain/client/client.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import {
  appOf,
  appRedirect,
  clientOf,
  type JsonAnswer,
  manage,
  type Members,
  registered,
} from '../stage/registration.ts'
import { openStage, type Stage } from '../stage/stage.ts'

async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Stage> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  return stage
}

function assertUnknown({ status, body, headers }: JsonAnswer, about = ''): void {
  assert.equal(status, 401, `${about} ${JSON.stringify(body)}`)
  assert.equal(body['error'], 'invalid_token')
  assert.match(headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
}

/** All that decides something; the token hashes are what a change is there to change. */
function settled(client: Client): object {
  return { ...client, source: client.source?.vouchedBy }
}

describe('the management of a registration', () => {
  it('CM-11 is for its own token alone, and tells nobody else whether there is such a client', async test => {
    const stage = await opened(test)
    const one = await registered(stage)
    const other = await registered(stage)
    const strange = [
      String(other['registration_access_token']),
      String(one['client_secret']),
      String(one['client_id']),
      `pawl_rat_${'A'.repeat(44)}`,
      `${String(one['registration_access_token'])}x`,
      String(one['registration_access_token']).toLowerCase(),
      'x',
    ]
    const gone = { ...one, registration_client_uri: `${stage.issuer}/register?client_id=dyn_nobody` }
    await stage.addClient({ id: 'by-hand', kind: 'web', redirectUris: [appRedirect] })
    const byHand = { ...one, registration_client_uri: `${stage.issuer}/register?client_id=by-hand` }
    const nameless = { ...one, registration_client_uri: `${stage.issuer}/register` }
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      for (const token of strange) assertUnknown(await manage(stage, method, one, { token }), `${method} ${token}`)
      for (const target of [gone, byHand, nameless]) assertUnknown(await manage(stage, method, target), method)
      const bare = await stage.send(`/register?client_id=${String(one['client_id'])}`, { method, body: null })
      assert.equal(bare.status, 401)
    }
    assert.equal((await manage(stage, 'GET', one)).status, 200)
    assert.equal((await manage(stage, 'GET', other)).status, 200)
    assert.notEqual(await clientOf(stage, 'by-hand'), null)
  })

  it('CM-11 ends with the client, and everything the client held ends with it', async test => {
    const stage = await opened(test)
    await stage.addUser()
    const body = await registered(stage, { grant_types: ['authorization_code', 'refresh_token'] })
    const app = await appOf(stage, body)
    const tokens = await app.signIn(stage.browser())
    const waiting = await app.authorize(stage.browser())

    const answer = await manage(stage, 'DELETE', body)
    assert.equal(answer.status, 204)
    assert.deepEqual(answer.body, {})
    for (const method of ['GET', 'PUT', 'DELETE'] as const) assertUnknown(await manage(stage, method, body), method)
    assert.equal((await app.refresh(tokens.refreshToken)).status, 401)
    assert.equal((await app.redeem(waiting)).status, 401)
    assert.equal((await app.userinfo(tokens.accessToken)).status, 401)
    const authorize = await stage.browser().open(app.authorizePath().path)
    assert.deepEqual([authorize.status, authorize.leftTo], [400, null])
    const kinds = (await stage.pawl.store.events.latest(20)).filter(({ kind }) => kind === 'client_removed')
    assert.equal(kinds.length, 1)
    assert.equal(kinds[0]?.clientId, body['client_id'])
  })

  it('CM-11 is over for a client that an operator disabled', async test => {
    const stage = await opened(test)
    const body = await registered(stage)
    await changeClient(stage.workbench, String(body['client_id']), { disabled: true })
    for (const method of ['GET', 'PUT', 'DELETE'] as const) assertUnknown(await manage(stage, method, body), method)
    assert.equal((await clientOf(stage, body['client_id'])).disabled, true)
  })

  it('CM-11 goes on with a new token after each change, and with the old one until the new one is used', async test => {
    const stage = await opened(test)
    const first = await registered(stage)
    const second = await manage(stage, 'PUT', first)
    assert.equal(second.status, 200, JSON.stringify(second.body))
    const [old, next] = [first, second.body].map(members => String(members['registration_access_token']))
    assert.notEqual(old, next)
    assert.equal(second.body['client_secret'], undefined, 'the secret is as it was, and told once')

    assert.equal((await manage(stage, 'GET', first, { token: old ?? '' })).status, 200, 'the answer may have got lost')
    const read = await manage(stage, 'GET', first, { token: next ?? '' })
    assert.deepEqual([read.status, read.body['registration_access_token']], [200, next])
    assertUnknown(await manage(stage, 'GET', first, { token: old ?? '' }), 'now the old one is over')

    const third = await manage(stage, 'PUT', second.body)
    const again = await manage(stage, 'PUT', second.body)
    assert.deepEqual([third.status, again.status], [200, 200], 'a change that is sent again is made again')
    assertUnknown(await manage(stage, 'GET', third.body), 'the token of an answer that was never used')
    assert.equal((await manage(stage, 'GET', again.body)).status, 200)
  })

  it('CM-12 loses nothing when what was read is written back, whatever the client and the operator have said', async test => {
    const certificates = { clientCertificateHeader: 'x-client-cert', trustedProxies: ['192.0.2.1'] }
    const registrationScopes = ['openid', 'email', 'offline_access', 'orders:read']
    const stage = await opened(test, { registrationScopes, ...certificates })
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'a' }] }
    const keyed = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    const away = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.example/jwks' }
    const named = {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_san_dns: 'app.example',
      tls_client_certificate_bound_access_tokens: true,
    }
    const methods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt'].map(method => ({
      token_endpoint_auth_method: method,
    }))
    const members = fc.record(
      {
        client_name: fc.constantFrom('App', 'Ä <b>'),
        grant_types: fc.constantFrom(['authorization_code'], ['authorization_code', 'refresh_token']),
        redirect_uris: fc.constantFrom([appRedirect], [appRedirect, 'https://app.example/two?x=1']),
        post_logout_redirect_uris: fc.constant(['https://app.example/bye']),
        scope: fc.constantFrom('openid', 'openid orders:read', 'orders:read', ''),
        contacts: fc.constant(['ops@app.example']),
        client_uri: fc.constant('https://app.example/'),
        policy_uri: fc.constant('https://app.example/policy'),
        tos_uri: fc.constant('https://app.example/tos'),
        logo_uri: fc.constant('https://app.example/logo.png'),
        software_id: fc.constant('4NRB1-0XZABZI9E6-5SM3R'),
        software_version: fc.constant('2.1'),
        id_token_signed_response_alg: fc.constantFrom('ES256', 'RS256'),
        require_pushed_authorization_requests: fc.boolean(),
        dpop_bound_access_tokens: fc.boolean(),
        authorization_signed_response_alg: fc.constantFrom('ES256', 'RS256'),
        userinfo_signed_response_alg: fc.constantFrom('ES256', 'RS256'),
        subject_type: fc.constantFrom('public', 'pairwise'),
        backchannel_logout_uri: fc.constant('https://app.example/logout'),
        backchannel_logout_session_required: fc.boolean(),
        frontchannel_logout_uri: fc.constant('https://app.example/front'),
        frontchannel_logout_session_required: fc.boolean(),
      },
      { requiredKeys: ['redirect_uris'] },
    )
    const method = fc.constantFrom<Members>({}, ...methods, keyed, away, named, { token_endpoint_auth_method: 'none' })
    const byOperator = fc.record(
      {
        accessSeconds: fc.constant(120),
        idleSeconds: fc.constant(600),
        repeatSeconds: fc.constantFrom(0, 5),
        reuseEnds: fc.constantFrom('family', 'session'),
        audiences: fc.constant(['https://api.example']),
        resources: fc.constant(['https://api.example']),
        partner: fc.constant('acme'),
        minimumAcr: fc.constant('phr'),
        maxAuthAgeSeconds: fc.constant(600),
        pkce: fc.constant('always'),
        firstParty: fc.boolean(),
      },
      { requiredKeys: ['accessSeconds'] },
    )
    let address = 0
    const property = fc.asyncProperty(members, method, byOperator, async (said, authentication, operated) => {
      address += 1
      const sent = { ...said, ...authentication }
      const response = await stage.send(
        '/register',
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) },
        `10.0.${address >> 8}.${address & 255}`,
      )
      const body = (await response.json()) as Members
      assert.equal(response.status, 201, JSON.stringify(body))
      await changeClient(stage.workbench, String(body['client_id']), operated)
      const before = await clientOf(stage, body['client_id'])

      const read = await manage(stage, 'GET', body)
      const written = await manage(stage, 'PUT', read.body)
      assert.equal(written.status, 200, JSON.stringify(written.body))
      assert.deepEqual(settled(await clientOf(stage, body['client_id'])), settled(before))
      const { registration_access_token: _one, ...told } = read.body
      const { registration_access_token: _other, ...toldAfter } = written.body
      assert.deepEqual(toldAfter, told)
    })
    await fc.assert(property, { numRuns: 100 })
  })

  it('CM-12 forgets what is left out, and keeps what only an operator may say', async test => {
    const stage = await opened(test)
    const body = await registered(stage, {
      client_name: 'App',
      client_uri: 'https://app.example/',
      contacts: ['ops@app.example'],
      dpop_bound_access_tokens: true,
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const id = body['client_id']
    await changeClient(stage.workbench, String(id), { accessSeconds: 60, partner: 'acme', repeatSeconds: 0 })
    const changed = await manage(stage, 'PUT', body, {
      metadata: { client_id: id, redirect_uris: ['https://app.example/new'], client_uri: null },
    })
    assert.equal(changed.status, 200, JSON.stringify(changed.body))
    const client = await clientOf(stage, id)
    assert.deepEqual(client.redirectUris, ['https://app.example/new'])
    assert.deepEqual([client.about.clientUri, client.about.contacts], [null, []])
    assert.deepEqual(client.grantTypes, ['authorization_code'])
    assert.equal(client.dpopBoundAccessTokens, false)
    assert.deepEqual([client.accessTokenSeconds, client.partner, client.repeatWindowSeconds], [60, 'acme', 0])
  })

  it('CM-12 gains nothing that its token did not give', async test => {
    const settings = { registration: 'token', registrationScopes: ['openid', 'email', 'orders:read'] }
    const stage = await opened(test, settings)
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme', scopes: ['openid', 'files'] })
    const body = await registered(stage, { scope: 'openid files' }, { token: secret })
    const metadata = {
      client_id: body['client_id'],
      redirect_uris: [appRedirect],
      scope: 'openid files email orders:read',
    }
    const wider = await manage(stage, 'PUT', body, { metadata })
    assert.deepEqual([wider.status, wider.body['scope']], [200, 'openid files'])
    const { scope: _scope, ...silent } = metadata
    const again = await manage(stage, 'PUT', wider.body, { metadata: silent })
    assert.deepEqual([again.status, again.body['scope']], [200, 'openid files'])
  })

  it('CM-12 learns no name by which another sector knows a user', async test => {
    const stage = await opened(test)
    await stage.addUser()
    const pairwise = { subject_type: 'pairwise', grant_types: ['authorization_code', 'refresh_token'] }
    const body = await registered(stage, pairwise)
    const app = await appOf(stage, body)
    const tokens = await app.signIn(stage.browser())
    const id = body['client_id']
    const same = { client_id: id, ...pairwise, redirect_uris: [appRedirect, 'https://app.example/two'] }
    const kept = await manage(stage, 'PUT', body, { metadata: same })
    assert.equal(kept.status, 200, JSON.stringify(kept.body))
    const next = await app.refresh(tokens.refreshToken)
    assert.equal(decodeJwt(String(next.body['id_token'])).sub, decodeJwt(String(tokens.body['id_token'])).sub)

    const victim = { client_id: id, ...pairwise, redirect_uris: ['https://victim.example/cb'] }
    assert.equal((await manage(stage, 'PUT', kept.body, { metadata: victim })).status, 200)
    assert.equal((await app.refresh(next.refreshToken)).status, 400)
    assert.equal((await app.userinfo(next.accessToken)).status, 401)
  })

  it('CM-12 takes no other id, no foreign secret and no other kind', async test => {
    const stage = await opened(test)
    const body = await registered(stage)
    const id = body['client_id']
    const other = await registered(stage)
    const wrong: readonly Members[] = [
      { redirect_uris: [appRedirect] },
      { redirect_uris: [appRedirect], client_id: other['client_id'] },
      { redirect_uris: [appRedirect], client_id: id, client_secret: other['client_secret'] },
      { redirect_uris: [appRedirect], client_id: id, client_secret: 'mine' },
      { redirect_uris: [appRedirect], client_id: id, token_endpoint_auth_method: 'none' },
      { client_id: id, grant_types: ['client_credentials'], response_types: [] },
    ]
    const before = await clientOf(stage, id)
    for (const metadata of wrong) {
      const { status, body: told } = await manage(stage, 'PUT', body, { metadata })
      assert.deepEqual([status, told['error']], [400, 'invalid_client_metadata'], JSON.stringify(metadata))
    }
    assert.deepEqual(await clientOf(stage, id), before)
    const own = { redirect_uris: [appRedirect], client_id: id, client_secret: body['client_secret'] }
    assert.equal((await manage(stage, 'PUT', body, { metadata: own })).status, 200)
  })
})
