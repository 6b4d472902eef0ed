/** OpenID Connect Dynamic Client Registration 1.0 §2 to §5, RFC 7591 and RFC 7592, as an application meets them. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { addRegistrationToken } from '../../packages/server/src/admin/registration-tokens.ts'
import { fetchIntervalSeconds } from '../../packages/server/src/domain/client/client-keys.ts'
import { openSite, siteCertificate } from '../../packages/server/src/outbound/fixture.test.ts'
import { idTokenOf } from '../stage/id-token.ts'
import { openKeyServer } from '../stage/key-server.ts'
import { appOf, appRedirect, type Members, register, registered } from '../stage/registration.ts'
import { giveAuthenticator } from '../stage/second-factor.ts'
import { byAssertion, newSigner } from '../stage/signer.ts'
import { openStage, type Stage, type StageOptions } from '../stage/stage.ts'

const both = ['authorization_code', 'refresh_token']

async function opened(test: TestContext, options: StageOptions = {}): Promise<Stage> {
  const stage = await openStage(options)
  test.after(() => stage.close())
  await stage.addUser()
  return stage
}

describe('a client that registers itself', () => {
  it('is another client each time, with an id, a secret and a token of its own', async test => {
    const stage = await opened(test)
    const clients = [await registered(stage), await registered(stage), await registered(stage)]
    for (const name of ['client_id', 'client_secret', 'registration_access_token', 'registration_client_uri']) {
      assert.equal(new Set(clients.map(each => each[name])).size, clients.length, name)
    }
    for (const { client_id: id, client_secret: secret, registration_client_uri: uri } of clients) {
      assert.ok(String(secret).length >= 32)
      assert.ok(String(uri).startsWith(`${stage.issuer}/`) && String(uri).includes(encodeURIComponent(String(id))))
    }
    const open = await registered(stage, { token_endpoint_auth_method: 'none', application_type: 'native' })
    assert.deepEqual([open['client_secret'], open['client_secret_expires_at']], [undefined, undefined])
  })

  it('is refused in JSON, with the error that the specification has for it', async test => {
    const stage = await opened(test)
    const wrong: readonly (readonly [Members | string, string])[] = [
      [{}, 'invalid_redirect_uri'],
      [{ redirect_uris: ['https://app.example/cb#fragment'] }, 'invalid_redirect_uri'],
      [{ redirect_uris: ['not a uri'] }, 'invalid_redirect_uri'],
      [{ redirect_uris: [appRedirect], token_endpoint_auth_method: 'unheard_of' }, 'invalid_client_metadata'],
      [{ redirect_uris: [appRedirect], jwks: 'none' }, 'invalid_client_metadata'],
      ['{', 'invalid_client_metadata'],
      ['[]', 'invalid_client_metadata'],
    ]
    for (const [metadata, error] of wrong) {
      const { status, headers, body } = await register(stage, metadata)
      assert.deepEqual([status, body['error']], [400, error], JSON.stringify(metadata))
      assert.match(headers.get('content-type') ?? '', /^application\/json\b/)
      assert.equal(headers.get('cache-control'), 'no-store')
    }
  })

  it('may have a query in its redirect URI, which then must come as it stands', async test => {
    const stage = await opened(test)
    const redirectUri = `${appRedirect}?foo=bar`
    const app = await appOf(stage, await registered(stage, { redirect_uris: [redirectUri] }))
    const { parameters } = await app.authorize(stage.browser())
    assert.deepEqual([parameters.get('foo'), parameters.has('code')], ['bar', true])
    for (const other of [appRedirect, `${appRedirect}?foo=baz`, `${redirectUri}&more=x`, `${appRedirect}?bar=foo`]) {
      const page = await stage.browser().open(app.authorizePath({ redirect_uri: other }).path)
      assert.deepEqual([page.status, page.leftTo], [400, null], other)
    }
  })

  it('has its pages shown to the people it asks', async test => {
    const stage = await opened(test)
    const pages = {
      client_uri: 'https://app.example/',
      policy_uri: 'https://app.example/policy?lang=en&v=2',
      tos_uri: 'https://app.example/terms',
    }
    const logo = { logo_uri: 'https://app.example/logo.png' }
    const app = await appOf(stage, await registered(stage, { ...pages, ...logo }))
    const browser = stage.browser()
    const signIn = await browser.open(app.authorizePath().path)
    const consent = await browser.signIn(signIn)
    assert.match(signIn.body, /name="password"/)
    assert.match(consent.body, /value="allow"/)
    for (const { body } of [signIn, consent]) {
      const links = [...body.matchAll(/<a href="(?<href>https:[^"]*)"(?<more>[^>]*)>/g)]
      const shown = links.map(({ groups }) => groups?.['href']?.replaceAll('&amp;', '&'))
      assert.deepEqual(new Set(shown), new Set(Object.values(pages)))
      for (const { groups } of links) assert.match(groups?.['more'] ?? '', /rel="noopener noreferrer"/)
      assert.equal(body.includes('logo.png'), false)
    }
  })

  it('may publish its keys, and turn them over', async test => {
    const stage = await opened(test)
    const [first, second] = [newSigner('RS256', 'first'), newSigner('ES256', 'second')]
    const server = await openKeyServer(test, [first.publicJwk])
    const method = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: server.url }
    const body = await registered(stage, { ...method, grant_types: both })
    const id = String(body['client_id'])
    const before = await appOf(stage, body, { authenticate: byAssertion(stage, id, first) })
    const tokens = await before.signIn(stage.browser())
    server.publish([second.publicJwk])
    stage.clock.advanceSeconds(fetchIntervalSeconds)
    const after = await appOf(stage, body, { authenticate: byAssertion(stage, id, second) })
    const next = await after.refresh(tokens.refreshToken)
    assert.equal(next.status, 200, JSON.stringify(next.body))
    assert.equal((await idTokenOf(stage, next, id)).sub, (await idTokenOf(stage, tokens, id)).sub)
  })

  it('of a sector has subjects of that sector, where the sector lists its addresses', async test => {
    const uris = ['https://one.example/cb', 'https://two.example/cb']
    let listed: unknown = uris
    const site = await openSite((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(listed))
    }, 'https')
    test.after(() => site.close())
    const outbound = { resolveHost: async () => ['127.0.0.1'], trustedRoots: siteCertificate }
    const stage = await opened(test, { settings: { privateHosts: ['rp.example'] }, outbound })
    const { secret: token } = await addRegistrationToken(stage.workbench, { name: 'acme', uses: 9 })
    const pairwise = { subject_type: 'pairwise', sector_identifier_uri: `${site.origin}/sector.json` }
    const browser = stage.browser()
    const subjects = new Set<unknown>()
    for (const uri of uris) {
      const body = await registered(stage, { ...pairwise, redirect_uris: [uri] }, { token })
      const tokens = await (await appOf(stage, body)).signIn(browser)
      subjects.add((await idTokenOf(stage, tokens, String(body['client_id']))).sub)
    }
    assert.equal(subjects.size, 1, 'both of one sector')
    for (const wrong of [['https://one.example/cb'], [], {}, 'x']) {
      listed = wrong
      const { status, body } = await register(stage, { ...pairwise, redirect_uris: uris }, { token })
      assert.deepEqual([status, body['error']], [400, 'invalid_client_metadata'], JSON.stringify(wrong))
    }
  })

  it('may say how fresh and how strong a sign-in it wants', async test => {
    const stage = await opened(test)
    // Of a client that somebody vouches for: errors go straight back to it.
    const { secret: token } = await addRegistrationToken(stage.workbench, { name: 'acme' })
    const wishes = { default_max_age: 60, default_acr_values: ['urn:pawl:acr:mfa'] }
    const body = await registered(stage, wishes, { token })
    assert.deepEqual({ ...body, ...wishes }, body)
    const app = await appOf(stage, body)
    const browser = stage.browser()
    const tokens = await app.signIn(browser)
    assert.equal((await idTokenOf(stage, tokens, String(body['client_id'])))['acr'], 'urn:pawl:acr:pwd', 'it is a wish')
    const errorOf = async (fields: { readonly [name: string]: string }): Promise<string | null> => {
      const { leftTo } = await browser.open(app.authorizePath({ prompt: 'none', ...fields }).path)
      return leftTo?.searchParams.get('error') ?? null
    }
    stage.clock.advanceSeconds(60)
    assert.equal(await errorOf({}), null)
    stage.clock.advanceMs(1)
    assert.equal(await errorOf({}), 'login_required')
    assert.equal(await errorOf({ max_age: '1000' }), null, 'what a request says itself counts')
    const [user] = await stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    await giveAuthenticator(stage, user)
    const asked = await browser.open(app.authorizePath({ max_age: '1000' }).path)
    assert.match(asked.body, /name="code"/)
    const other = await browser.open(app.authorizePath({ max_age: '1000', acr_values: 'urn:pawl:acr:pwd' }).path)
    assert.equal(other.leftTo?.searchParams.has('code'), true)
    for (const wrong of [{ default_max_age: -1 }, { default_max_age: '60' }, { default_acr_values: 'phr' }]) {
      const refused = await register(stage, { redirect_uris: [appRedirect], ...wrong })
      assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_client_metadata'], JSON.stringify(wrong))
    }
  })
})
