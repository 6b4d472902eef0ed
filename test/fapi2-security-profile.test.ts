/**
 * FAPI 2.0 Security Profile §5.3.2, from outside: what a server of the profile does for whoever keeps it, by each way to
 * prove a client and to bind a token.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { agree, app, tokensOf } from './stage/app.ts'
import { formOf, stagePassword } from './stage/browser.ts'
import { showing } from './stage/certified.ts'
import { dpopKey } from './stage/dpop.ts'
import { bankRedirect, fapi2Means, openFapi2 } from './stage/fapi2.ts'
import { clientOf, manage, registered as registeredSelf } from './stage/registration.ts'
import { byAssertion, newSigner } from './stage/signer.ts'

const someChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

describe('a server of the FAPI 2.0 Security Profile', () => {
  for (const means of fapi2Means) {
    it(`signs a person in, keeps the refresh token and tells who they are, by ${means}`, async test => {
      const scene = await openFapi2(test, { means })
      const { status, body } = await scene.push()
      assert.equal(status, 201)
      assert.match(String(body['request_uri']), /^urn:ietf:params:oauth:request_uri:/)
      assert.ok(Number(body['expires_in']) >= 5 && Number(body['expires_in']) < 600)
      const authorization = await scene.authorize()
      assert.equal(authorization.parameters.get('iss'), scene.stage.issuer)
      const first = await scene.redeem(authorization)
      assert.equal(first.status, 200, JSON.stringify(first.body))
      const { key, certificate } = scene
      const confirmation = means.endsWith('DPoP') ? { jkt: key.thumbprint } : { 'x5t#S256': certificate?.thumbprint }
      assert.deepEqual(decodeJwt(first.accessToken)['cnf'], confirmation)
      for (let times = 0; times < 3; times++) {
        const next = await scene.refresh(first.refreshToken)
        assert.equal(next.status, 200, JSON.stringify(next.body))
        assert.equal(next.refreshToken, first.refreshToken)
        assert.notEqual(next.accessToken, first.accessToken)
      }
      const told = await scene.userinfo(first.accessToken)
      assert.equal(told.status, 200)
      assert.equal(((await told.json()) as { readonly email?: string }).email, 'ada@example.com')
    })

    it(`gives no token to whoever shows no key, and takes none from them, by ${means}`, async test => {
      const scene = await openFapi2(test, { means })
      const authorization = await scene.authorize()
      const grant = { grant_type: 'authorization_code', code: authorization.code, redirect_uri: bankRedirect }
      const nobody = app(showing(scene.stage, null), scene.registered, scene.proving)
      const keyless = await nobody.post('/token', { ...grant, code_verifier: authorization.verifier })
      assert.ok(keyless.status === 400 || keyless.status === 401, String(keyless.status))
      const tokens = await scene.redeem(authorization)
      assert.equal(tokens.status, 200, 'the code is not used up')
      const bare = await scene.stage.send('/userinfo', { headers: { authorization: `Bearer ${tokens.accessToken}` } })
      assert.equal(bare.status, 401)
      const refreshed = await nobody.refresh(tokens.refreshToken)
      assert.ok(refreshed.status === 400 || refreshed.status === 401, String(refreshed.status))
      assert.equal((await scene.refresh(tokens.refreshToken)).status, 200)
    })
  }

  it('takes no request that was not pushed, and nothing from beside one that was', async test => {
    const { app: bank, browser, push } = await openFapi2(test)
    const { leftTo } = await browser.open(bank.authorizePath().path)
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    assert.equal(leftTo.origin + leftTo.pathname, bankRedirect)
    const { path } = await push({ state: 'pushed', scope: 'openid' })
    const beside = new URLSearchParams({
      state: 'beside',
      redirect_uri: 'https://evil.example/cb',
      scope: 'openid email',
    })
    const answer = await agree(browser, await browser.open(`${path}&${beside.toString()}`))
    assert.equal(answer.origin + answer.pathname, bankRedirect)
    assert.equal(answer.searchParams.get('state'), 'pushed')
  })

  it('refuses a push without client authentication', async test => {
    const { stage, registered, app: bank } = await openFapi2(test)
    const nobody = app(stage, registered)
    const fields = Object.fromEntries(new URL(bank.authorizePath().path, stage.issuer).searchParams)
    const answer = await nobody.post('/par', fields)
    assert.equal(answer.status, 401)
    assert.equal(((await answer.json()) as { readonly error?: string }).error, 'invalid_client')
  })

  const pushes: readonly (readonly [string, { readonly [name: string]: string | undefined }, string])[] = [
    ['without a redirect URI', { redirect_uri: undefined }, 'invalid_request'],
    ['without a redirect URI and without openid', { redirect_uri: undefined, scope: 'email' }, 'invalid_request'],
    ['with a redirect URI that is not registered', { redirect_uri: `${bankRedirect}/other` }, 'invalid_request'],
    ['with a query added to the redirect URI', { redirect_uri: `${bankRedirect}?a=b` }, 'invalid_request'],
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with a plain challenge', { code_challenge: someChallenge, code_challenge_method: 'plain' }, 'invalid_request'],
    ['with a challenge of no method', { code_challenge_method: undefined }, 'invalid_request'],
    ['for code id_token', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['for a token', { response_type: 'token' }, 'unsupported_response_type'],
    ['that names another request', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
    ['in the name of another client', { client_id: 'other' }, 'invalid_client'],
  ]
  for (const [what, fields, error] of pushes) {
    it(`refuses a push ${what}`, async test => {
      const { status, body } = await (await openFapi2(test)).push(fields)
      assert.ok(status === 400 || status === 401, String(status))
      assert.equal(body['error'], error)
    })
  }

  it('takes a nonce of 64 characters and a long state, and tells them back', async test => {
    const scene = await openFapi2(test)
    const [nonce, state] = ['n'.repeat(64), 's'.repeat(1200)]
    const authorization = await scene.authorize({ nonce, state })
    assert.equal(authorization.parameters.get('state'), state)
    const { body } = await scene.redeem(authorization)
    assert.equal(decodeJwt(String(body['id_token']))['nonce'], nonce)
  })

  it('needs neither a state nor a nonce, and makes none up', async test => {
    const scene = await openFapi2(test)
    const authorization = await scene.authorize({ nonce: undefined, state: undefined })
    assert.deepEqual([...authorization.parameters.keys()].toSorted(), ['code', 'iss'])
    const { body } = await scene.redeem(authorization)
    assert.equal('nonce' in decodeJwt(String(body['id_token'])), false)
  })

  it('takes scopes in any order, and tells the claims that were asked for', async test => {
    const scene = await openFapi2(test)
    const claims = JSON.stringify({ userinfo: { email: { essential: true } } })
    const tokens = await scene.redeem(await scene.authorize({ scope: 'offline_access openid', claims }))
    assert.deepEqual(String(tokens.body['scope']).split(' ').toSorted(), ['offline_access', 'openid'])
    const told = (await (await scene.userinfo(tokens.accessToken)).json()) as { readonly email?: string }
    assert.equal(told.email, 'ada@example.com')
  })

  it('tells the client that the person said no, with iss and state', async test => {
    const { browser, push, stage } = await openFapi2(test)
    const { path } = await push({ state: 'mine' })
    const { leftTo } = await browser.decide(await browser.signIn(await browser.open(path)), 'deny')
    const told = Object.fromEntries(leftTo?.searchParams ?? [])
    assert.deepEqual([told['error'], told['state'], told['iss']], ['access_denied', 'mine', stage.issuer])
    assert.equal('code' in told, false)
  })

  it('is sent on by 303 and by nothing else', async test => {
    const { browser, push, stage } = await openFapi2(test)
    const statuses: number[] = []
    let page = await browser.open((await push()).path)
    for (const fields of [{ username: 'ada@example.com', password: stagePassword }, {}]) {
      const form = formOf(page, { ...fields, decision: 'username' in fields ? 'sign_in' : 'allow' })
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
      const answer = await browser.send(form.action, { method: 'POST', headers, body: form.body })
      statuses.push(answer.status)
      const { origin, pathname, search } = new URL(answer.headers.get('location') ?? '', stage.issuer)
      if (origin === stage.issuer) page = await browser.open(pathname + search)
    }
    const silent = await browser.send((await push({ prompt: 'none' })).path)
    assert.deepEqual([...statuses, silent.status], [303, 303, 303])
  })

  it('lets no page of another origin read what the authorization endpoint answers', async test => {
    const { stage, push } = await openFapi2(test)
    const { origin } = new URL(bankRedirect)
    const { path } = await push()
    const asked = { origin, 'access-control-request-method': 'GET' }
    const answers = [
      await stage.send(path, { headers: { origin } }),
      await stage.send('/authorize', { method: 'OPTIONS', headers: asked }),
    ]
    for (const { headers } of answers) assert.equal(headers.get('access-control-allow-origin'), null)
  })

  it('is held to https, and told so when it is registered', async test => {
    const { stage, registered } = await openFapi2(test)
    const { jwks } = registered.client
    const bank = { id: 'other', kind: 'web', profile: 'fapi2', jwks: { keys: jwks } }
    for (const uri of ['http://localhost/cb', 'http://127.0.0.1/cb']) {
      await assert.rejects(stage.addClient({ ...bank, redirectUris: [uri] }), /is not https; name another --redirect/)
    }
    assert.equal((await stage.addClient({ ...bank, redirectUris: [bankRedirect] })).client.profile, 'fapi2')
  })

  it('takes an access token under its scheme in any case', async test => {
    for (const means of ['private_key_jwt and DPoP', 'mTLS and mTLS'] as const) {
      const scene = await openFapi2(test, { means })
      const { accessToken } = await scene.redeem(await scene.authorize())
      for (const scheme of means.endsWith('DPoP') ? ['dpop', 'DPOP'] : ['bearer', 'BEARER']) {
        const shown = await scene.proof({ path: '/userinfo', method: 'GET', accessToken })
        const headers = { ...shown, authorization: `${scheme} ${accessToken}` }
        assert.equal((await scene.ground.send('/userinfo', { headers })).status, 200, scheme)
      }
    }
  })

  it('takes no access token from the query, and none that has been revoked', async test => {
    const scene = await openFapi2(test, { means: 'mTLS and mTLS' })
    const { accessToken } = await scene.redeem(await scene.authorize())
    const inQuery = await scene.ground.send(`/userinfo?access_token=${accessToken}`)
    assert.deepEqual([inQuery.status, (await scene.userinfo(accessToken)).status], [400, 200])
    assert.equal((await scene.app.revoke(accessToken)).status, 200)
    assert.equal((await scene.userinfo(accessToken)).status, 401)
  })

  it('is refused where its client_id is that of another client', async test => {
    const scene = await openFapi2(test)
    const authorization = await scene.authorize()
    const answer = await scene.redeem(authorization, { client_id: 'other' })
    assert.deepEqual([answer.status, answer.body['error']], [401, 'invalid_client'])
    assert.equal((await scene.redeem(authorization)).status, 200)
  })

  it('is refused where it shows no assertion at all', async test => {
    const { stage, registered, authorize, redeem, refresh, proof } = await openFapi2(test)
    const nobody = app(stage, registered)
    const authorization = await authorize()
    const { refreshToken } = await redeem(await authorize())
    for (const answer of [
      await nobody.redeem(authorization, {}, await proof()),
      await nobody.refresh(refreshToken, {}, await proof()),
    ]) {
      assert.deepEqual([answer.status, answer.body['error']], [401, 'invalid_client'])
    }
    assert.deepEqual([(await redeem(authorization)).status, (await refresh(refreshToken)).status], [200, 200])
  })

  it('goes the same way without OpenID, and tells nobody who the person is', async test => {
    const scene = await openFapi2(test)
    const tokens = await scene.redeem(await scene.authorize({ scope: 'email offline_access', nonce: undefined }))
    assert.deepEqual([tokens.status, 'id_token' in tokens.body], [200, false])
    assert.equal((await scene.refresh(tokens.refreshToken)).refreshToken, tokens.refreshToken)
    assert.equal((await scene.userinfo(tokens.accessToken)).status, 403)
  })

  for (const means of fapi2Means) {
    it(`gives a client a token in its own name that is bound to its key, by ${means}`, async test => {
      const client = { kind: 'service', redirectUris: [], scopes: ['stock.read'] }
      const scene = await openFapi2(test, { means, client })
      const fields = { grant_type: 'client_credentials', scope: 'stock.read' }
      const bare = app(showing(scene.stage, null), scene.registered, scene.proving)
      const refused = await bare.post('/token', fields)
      assert.ok(refused.status === 400 || refused.status === 401, String(refused.status))
      const answer = await tokensOf(await scene.app.post('/token', fields, await scene.proof()))
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      const confirmation = decodeJwt(answer.accessToken)['cnf'] as { readonly [name: string]: string }
      assert.deepEqual(Object.keys(confirmation), [means.endsWith('DPoP') ? 'jkt' : 'x5t#S256'])
    })
  }

  it('may follow its request again before it is answered, and not after', async test => {
    const { browser, push } = await openFapi2(test)
    const { path } = await push()
    for (let times = 0; times < 2; times++) assert.equal((await browser.open(path)).status, 200)
    const answer = await agree(browser, await browser.open(path))
    assert.ok(answer.searchParams.has('code'))
    const again = await browser.open(path)
    assert.deepEqual([again.status, again.leftTo], [400, null])
  })

  it('ends what came of a code that is redeemed again a second later, for the client itself too', async test => {
    const scene = await openFapi2(test)
    const authorization = await scene.authorize()
    const tokens = await scene.redeem(authorization)
    assert.equal((await scene.refresh(tokens.refreshToken)).status, 200)
    scene.stage.clock.advanceSeconds(1)
    const again = await scene.redeem(authorization)
    assert.deepEqual([again.status, again.body['error']], [400, 'invalid_grant'])
    assert.equal((await scene.refresh(tokens.refreshToken)).body['error'], 'invalid_grant')
    assert.equal((await scene.userinfo(tokens.accessToken)).status, 401)
  })

  it('is held to by a client that registered itself, once the operator has said so', async test => {
    const { stage } = await openFapi2(test)
    const signer = newSigner()
    const members = await registeredSelf(stage, {
      redirect_uris: [bankRedirect],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [signer.publicJwk] },
      id_token_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
      profile: 'fapi2',
    })
    const id = String(members['client_id'])
    assert.equal((await clientOf(stage, id)).profile, null, 'it has no say in this itself')
    await changeClient(stage.workbench, id, { profile: 'fapi2' })
    const read = await manage(stage, 'GET', members)
    assert.equal((await manage(stage, 'PUT', { ...members, ...read.body })).status, 200)
    const lax = { ...read.body, require_pushed_authorization_requests: false }
    const refused = await manage(stage, 'PUT', { ...members, ...lax })
    assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_client_metadata'])
    const { profile, requests } = await clientOf(stage, id)
    assert.deepEqual([profile, requests.requirePushed], ['fapi2', true])
  })

  it('names each of its published keys apart', async test => {
    const { stage } = await openFapi2(test, { client: { introspectionSigned: 'PS256', idTokenAlgorithm: 'EdDSA' } })
    const { keys } = (await (await stage.send('/jwks')).json()) as {
      readonly keys: readonly { readonly kid: string }[]
    }
    const kids = keys.map(({ kid }) => kid)
    assert.ok(kids.length >= 3)
    assert.equal(new Set(kids).size, kids.length)
  })

  it('publishes what a client of the profile looks for', async test => {
    const { stage } = await openFapi2(test, { settings: { requirePushedRequests: true } })
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as {
      readonly [name: string]: readonly string[] | boolean | string
    }
    assert.equal(metadata['require_pushed_authorization_requests'], true)
    assert.equal(metadata['authorization_response_iss_parameter_supported'], true)
    assert.equal(metadata['tls_client_certificate_bound_access_tokens'], true)
    const lists = {
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
      token_endpoint_auth_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
      id_token_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
      dpop_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      scopes_supported: ['openid'],
    }
    for (const [name, wanted] of Object.entries(lists)) {
      const listed = metadata[name] as readonly string[]
      assert.ok(
        wanted.every(each => listed.includes(each)),
        name,
      )
    }
    assert.equal(metadata['pushed_authorization_request_endpoint'], `${stage.issuer}/par`)
  })

  it('asks for a nonce in every proof where the server wants one, and takes the answer', async test => {
    const scene = await openFapi2(test, { settings: { dpopNonces: true } })
    const authorization = await scene.authorize()
    const refused = await scene.redeem(authorization)
    assert.deepEqual([refused.status, refused.body['error']], [400, 'use_dpop_nonce'])
    const nonce = refused.headers.get('dpop-nonce') ?? ''
    const again = await scene.app.redeem(authorization, {}, await scene.proof({ nonce }))
    assert.equal(again.status, 200)
  })

  it('binds a code to the key of its push, and of its dpop_jkt, and gives it to no other', async test => {
    const scene = await openFapi2(test)
    const other = await dpopKey(scene.stage)
    const pushed = await scene.authorize({}, await scene.proof({ path: '/par' }))
    const named = await scene.authorize({ dpop_jkt: scene.key.thumbprint })
    for (const authorization of [pushed, named]) {
      const stolen = await scene.app.redeem(authorization, {}, await other.proof({}))
      assert.deepEqual([stolen.status, stolen.body['error']], [400, 'invalid_grant'])
      assert.equal((await scene.redeem(authorization)).status, 200)
    }
    const twoKeys = await scene.push({ dpop_jkt: other.thumbprint }, await scene.proof({ path: '/par' }))
    assert.ok(twoKeys.status === 400, JSON.stringify(twoKeys.body))
  })

  it('keeps a refresh token for its own client alone, with whatever key that shows then', async test => {
    const scene = await openFapi2(test)
    const { refreshToken } = await scene.redeem(await scene.authorize())
    const next = await dpopKey(scene.stage)
    const { body, status } = await scene.app.refresh(refreshToken, {}, await next.proof({}))
    assert.equal(status, 200)
    assert.deepEqual(decodeJwt(String(body['access_token']))['cnf'], { jkt: next.thumbprint })
    const signer = newSigner()
    const rival = { id: 'rival', kind: 'web', redirectUris: ['https://rival.example/cb'], profile: 'fapi2' }
    const registered = await scene.stage.addClient({ ...rival, jwks: { keys: [signer.publicJwk] } })
    const other = app(scene.stage, registered, { authenticate: byAssertion(scene.stage, 'rival', signer) })
    const stolen = await other.refresh(refreshToken, {}, await scene.proof())
    assert.deepEqual([stolen.status, stolen.body['error']], [400, 'invalid_grant'])
    assert.equal((await scene.refresh(refreshToken)).status, 200)
  })
})
