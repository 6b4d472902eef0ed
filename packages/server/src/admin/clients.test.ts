import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deviceCodeGrantType } from '../domain/client/client.ts'
import { clientJson } from './client-json.ts'
import { accessSecondsMax } from './client-rules.ts'
import {
  changeClient,
  endOldSecrets,
  countFamiliesOfClient,
  listClients,
  registerClient,
  removeClient,
  rotateSecret,
  showClient,
} from './clients.ts'
import { bench } from './fixture.test.ts'

const day = 86_400
const redirectUris = ['https://app.example/cb']
const phone = { id: 'app', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
const web = { id: 'app', kind: 'web', redirectUris }

describe('a client is registered from its kind', () => {
  const kinds: readonly (readonly [string, readonly string[], string, readonly string[], number, number])[] = [
    ['web', redirectUris, 'client_secret_basic', ['authorization_code', 'refresh_token'], 30 * day, 90 * day],
    ['bff', redirectUris, 'client_secret_basic', ['authorization_code', 'refresh_token'], 30 * day, 90 * day],
    ['spa', redirectUris, 'none', ['authorization_code'], 3600, 8 * 3600],
    ['native', ['http://127.0.0.1/cb'], 'none', ['authorization_code', 'refresh_token'], 30 * day, 90 * day],
    ['integration', redirectUris, 'client_secret_basic', ['authorization_code', 'refresh_token'], 90 * day, 365 * day],
    ['device', [], 'none', [deviceCodeGrantType, 'refresh_token'], 30 * day, 90 * day],
    ['service', [], 'client_secret_basic', ['client_credentials'], 600, 600],
  ]
  for (const [kind, uris, authMethod, grantTypes, idleSeconds, absoluteSeconds] of kinds) {
    it(`${kind}: ${authMethod}, ${grantTypes.join(' and ')}`, async () => {
      const { workbench } = await bench()
      const { client, secret } = await registerClient(workbench, { id: 'app', kind, redirectUris: uris })
      assert.deepEqual(
        [client.authMethod, client.grantTypes, client.idleSeconds, client.absoluteSeconds, client.pkce],
        [authMethod, grantTypes, idleSeconds, absoluteSeconds, 'always'],
      )
      assert.equal(secret === null, authMethod === 'none')
      assert.ok(client.accessTokenSeconds >= 300 && client.accessTokenSeconds <= 900)
      assert.equal(client.repeatWindowSeconds, 60)
      assert.deepEqual(await showClient(workbench, 'app'), client)
    })
  }

  it('may ask for the user scopes where none are named, and a service for none', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, web)
    assert.equal(client.scopes.join(' '), 'openid profile email phone address offline_access')
    assert.deepEqual((await registerClient(workbench, { id: 'job', kind: 'service' })).client.scopes, [])
  })

  it('takes its idle time along when only a shorter absolute life is named', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, { ...web, absoluteSeconds: 60 })
    assert.equal(client.idleSeconds, 60)
  })

  it('keeps a hash of its secret and shows the secret once', async () => {
    const { workbench } = await bench()
    const { client, secret } = await registerClient(workbench, web)
    assert.match(secret ?? '', /^pawl_cs_/)
    assert.equal(client.secretHashes[0]?.hash, workbench.hasher.hashOf('client_secret', secret ?? ''))
    assert.equal(JSON.stringify(await listClients(workbench)).includes(secret ?? ''), false)
    assert.equal(clientJson(client, secret)['client_secret'], secret)
    assert.equal('client_secret' in clientJson(client), false)
  })

  it('speaks the names of RFC 7591', async () => {
    const { workbench } = await bench()
    const { client, secret } = await registerClient(workbench, web)
    const json = clientJson(client, secret)
    assert.equal(json['client_id'], 'app')
    assert.equal(json['client_secret_expires_at'], 0)
    assert.deepEqual(json['redirect_uris'], redirectUris)
    assert.deepEqual(json['response_types'], ['code'])
    assert.equal(json['token_endpoint_auth_method'], 'client_secret_basic')
    assert.equal(json['scope'], client.scopes.join(' '))
  })
})

describe('a registration is refused', () => {
  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['an unknown kind', { ...web, kind: 'desktop' }, /^kind:/],
    ['a word nobody knows', { ...web, colour: 'red' }, /colour/],
    ['an id that needs escaping', { ...web, id: 'a b' }, /client id has 1 to 100/],
    [
      'an spa with bare refresh tokens',
      { ...web, kind: 'spa', refresh: true, dpopBoundAccessTokens: false },
      /bound to a key/,
    ],
    [
      'an spa with a certificate',
      { ...web, kind: 'spa', tlsClientCertificateBoundAccessTokens: true },
      /no certificate/,
    ],
    ['a service with refresh tokens', { id: 'app', kind: 'service', refresh: true }, /no refresh token/],
    ['a device that sends people to a page', { ...web, kind: 'device' }, /sends nobody to a page/],
    ['a page that signs in on a second device', { ...web, kind: 'spa', deviceGrant: true }, /--device-grant/],
    ['a branch of nothing', { ...web, refresh: false, exchange: 'branching' }, /nothing to branch/],
    [
      'branches that outlive a reuse',
      { ...web, exchange: 'branching', reuseEnds: 'family' },
      /leave --reuse-ends family/,
    ],
    ['a public client that acts for others', { ...phone, exchange: 'delegation' }, /RFC 8693/],
    ['a web client without a redirect URI', { id: 'app', kind: 'web' }, /at least one --redirect/],
    ['a service with one', { ...web, kind: 'service' }, /leave the redirect URIs out/],
    ['http off loopback', { ...web, redirectUris: ['http://app.example/cb'] }, /http is for loopback/],
    ['a wildcard', { ...web, redirectUris: ['https://*.example/cb'] }, /wildcard/],
    [
      'a private-use scheme for a web client',
      { ...web, redirectUris: ['com.example:/cb'] },
      /native applications only/,
    ],
    ['a public client with a secret', { ...web, kind: 'spa', auth: 'client_secret_post' }, /cannot keep a secret/],
    ['a confidential client without one', { ...web, auth: 'none' }, /authenticates/],
    ['a nonce instead of PKCE for a public client', { ...web, kind: 'spa', pkce: 'or_nonce' }, /instead of PKCE/],
    ['a nonce instead of PKCE without OpenID', { ...web, pkce: 'or_nonce', scopes: ['read'] }, /instead of PKCE/],
    ['an access token that lives too long', { ...web, accessSeconds: accessSecondsMax + 1 }, /--access-seconds/],
    ['an access token that does not live', { ...web, accessSeconds: 0 }, /--access-seconds/],
    ['an idle time beyond the absolute one', { ...web, idleSeconds: 61, absoluteSeconds: 60 }, /longer than/],
    ['a negative window', { ...web, repeatSeconds: -1 }, /--repeat-seconds/],
    ['a scope that is two', { ...web, scopes: ['a b'] }, /not a scope/],
    ['a resource with a fragment', { ...web, resources: ['https://api.example/#x'] }, /resource indicator/],
    ['a name with a control character', { ...web, name: 'a\u001b[2J' }, /control character/],
    ['a partner that needs escaping', { ...web, partner: 'a b' }, /partner is/],
  ]
  for (const [what, input, sentence] of refused) {
    it(`for ${what}`, async () => {
      const { workbench } = await bench()
      await assert.rejects(registerClient(workbench, input), { name: 'InputRefused', message: sentence })
      assert.deepEqual(await listClients(workbench), [])
    })
  }

  it('for an id that is taken, and leaves the first as it was', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, web)
    await assert.rejects(registerClient(workbench, { ...web, name: 'another' }), { name: 'AdminRefused' })
    assert.deepEqual(await listClients(workbench), [client])
  })
})

describe('a client is changed', () => {
  it('into one that shows proofs, where its refresh tokens would be kept in a browser', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, { ...web, kind: 'spa' })
    assert.deepEqual([client.dpopBoundAccessTokens, clientJson(client)['dpop_bound_access_tokens']], [false, false])
    const changed = await changeClient(workbench, 'app', { refresh: true })
    assert.deepEqual([changed.dpopBoundAccessTokens, changed.grantTypes.includes('refresh_token')], [true, true])
    await assert.rejects(changeClient(workbench, 'app', { dpopBoundAccessTokens: false }), {
      message: /bound to a key/,
    })
  })

  it('where it was named, and nowhere else', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, web)
    const changed = await changeClient(workbench, 'app', { accessSeconds: 30, partner: 'acme', disabled: true })
    assert.deepEqual(changed, { ...client, accessTokenSeconds: 30, partner: 'acme', disabled: true })
    assert.deepEqual(await showClient(workbench, 'app'), changed)
  })

  it('never into one that could not have been added', async () => {
    const { workbench } = await bench()
    const { client } = await registerClient(workbench, { ...web, kind: 'spa' })
    const bare = { refresh: true, dpopBoundAccessTokens: false }
    await assert.rejects(changeClient(workbench, 'app', bare), { message: /bound to a key/ })
    await assert.rejects(changeClient(workbench, 'app', { absoluteSeconds: 60 }), { message: /longer than/ })
    await assert.rejects(changeClient(workbench, 'app', {}), { message: /Nothing to change/ })
    assert.deepEqual(await showClient(workbench, 'app'), client)
  })

  it('by two operators at once without losing either change', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, web)
    const changes = [{ name: 'New name' }, { partner: 'acme' }, { accessSeconds: 30 }, { firstParty: true }]
    await Promise.all(changes.map(change => changeClient(workbench, 'app', change)))
    const { name, partner, accessTokenSeconds, firstParty } = await showClient(workbench, 'app')
    assert.deepEqual([name, partner, accessTokenSeconds, firstParty], ['New name', 'acme', 30, true])
  })
})

describe('a secret is rotated', () => {
  it('CA-10 with an end for the old one, counted from now', async () => {
    const { workbench } = await bench()
    const { secret: old } = await registerClient(workbench, web)
    const { client, secret } = await rotateSecret(workbench, 'app', 60)
    assert.notEqual(secret, old)
    assert.deepEqual(client.secretHashes, [
      { hash: workbench.hasher.hashOf('client_secret', secret ?? ''), expiresAtMs: null, sealed: null },
      {
        hash: workbench.hasher.hashOf('client_secret', old ?? ''),
        expiresAtMs: (await workbench.store.now()) + 60_000,
        sealed: null,
      },
    ])
  })

  it('CA-10 with no overlap ends the old one at once', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, web)
    assert.equal((await rotateSecret(workbench, 'app', 0)).client.secretHashes.length, 1)
  })

  it('keeps two at most, and never makes an old one live longer', async () => {
    const { workbench, advanceSeconds } = await bench()
    await registerClient(workbench, web)
    const first = await rotateSecret(workbench, 'app', 3600)
    advanceSeconds(10)
    const second = await rotateSecret(workbench, 'app', 60)
    assert.deepEqual(
      second.client.secretHashes.slice(1).map(({ hash }) => hash),
      first.client.secretHashes.slice(0, 1).map(({ hash }) => hash),
    )
  })

  it('CA-10 ends the old one at once where that is all that is wanted', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, web)
    const { secret } = await rotateSecret(workbench, 'app', 60)
    const client = await endOldSecrets(workbench, 'app')
    const hash = workbench.hasher.hashOf('client_secret', secret ?? '')
    assert.deepEqual(client.secretHashes, [{ hash, expiresAtMs: null, sealed: null }])
    assert.deepEqual(await endOldSecrets(workbench, 'app'), client)
  })

  it('is refused for a public client and for an overlap out of range', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, { ...web, kind: 'spa' })
    await assert.rejects(rotateSecret(workbench, 'app'), { name: 'AdminRefused', message: /public/ })
    await assert.rejects(rotateSecret(workbench, 'app', -1), { name: 'InputRefused' })
  })
})

describe('a client is removed', () => {
  it('with everything it holds, after a count', async () => {
    const { workbench, openFamily, use } = await bench()
    await registerClient(workbench, web)
    const family = await openFamily()
    assert.equal(await countFamiliesOfClient(workbench, 'app'), 1)
    await removeClient(workbench, 'app')
    assert.deepEqual(await listClients(workbench), [])
    const { verdict } = await use(family.id, { generation: 1 })
    assert.equal(verdict.kind, 'refused')
    await assert.rejects(removeClient(workbench, 'app'), { name: 'AdminRefused', message: /no client "app"/ })
  })

  it('and everything an operator did is on record with their name', async () => {
    const { workbench } = await bench()
    await registerClient(workbench, web)
    await changeClient(workbench, 'app', { name: 'x' })
    await rotateSecret(workbench, 'app')
    await removeClient(workbench, 'app')
    const events = await workbench.store.events.latest(10)
    assert.deepEqual(events.map(({ kind, detail }) => `${kind} by ${detail['by']}`).sort(), [
      'client_added by olga',
      'client_changed by olga',
      'client_changed by olga',
      'client_removed by olga',
      'client_secret_rotated by olga',
    ])
  })
})
