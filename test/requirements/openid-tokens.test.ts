/** OpenID Connect Core 1.0 §2, §3.1.3, §5 and §11, as an application meets them: what it gets for a code, and at userinfo. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { addUser, changeUser, type UserChangesInput } from '../../packages/server/src/admin/users.ts'
import type { App, Tokens } from '../stage/app.ts'
import { type Browser, stagePassword } from '../stage/browser.ts'
import { idTokenOf } from '../stage/id-token.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'

interface Claims {
  readonly [name: string]: unknown
}

/** Every claim that a scope of the specification has (§5.4), in its type (§5.1). */
const profile = {
  name: 'Ada Lovelace',
  family_name: 'Lovelace',
  given_name: 'Ada',
  middle_name: 'King',
  nickname: 'Countess',
  preferred_username: 'ada',
  profile: 'https://ada.example/',
  picture: 'https://ada.example/ada.png',
  website: 'https://ada.example/notes',
  gender: 'female',
  birthdate: '1815-12-10',
  zoneinfo: 'Europe/London',
  locale: 'en-GB',
  updated_at: 1_700_000_000,
}
const phone = { phone_number: '+44 20 7946 0000', phone_number_verified: true }
const address = {
  address: {
    formatted: '12 St James’s Square\nLondon\nSW1Y 4JH\nUnited Kingdom',
    street_address: '12 St James’s Square',
    locality: 'London',
    region: 'Greater London',
    postal_code: 'SW1Y 4JH',
    country: 'United Kingdom',
  },
}
const email = { email: 'ada@example.com', email_verified: false }

interface Known {
  readonly app: App
  readonly browser: Browser
}

/** A person of whom everything is known. */
async function known(test: TestContext): Promise<Known> {
  const stage = await openStage()
  test.after(() => stage.close())
  const claims = { ...profile, ...phone, ...address }
  await addUser(stage.workbench, { email: 'ada@example.com', password: stagePassword, claims })
  return { app: stage.app(await stage.addClient(shop)), browser: stage.browser() }
}

async function signedIn(test: TestContext): Promise<Scene & { readonly tokens: Tokens }> {
  const scene = await openScene(test, { client: shop })
  return { ...scene, tokens: await scene.app.signIn(scene.browser) }
}

async function told(app: App, { accessToken }: Tokens): Promise<Claims> {
  const answer = await app.userinfo(accessToken)
  assert.equal(answer.status, 200)
  return (await answer.json()) as Claims
}

describe('the answer to a code', () => {
  it('is JSON that nobody may keep, with a bearer token, its life and an ID token', async test => {
    const { tokens } = await signedIn(test)
    assert.equal(tokens.status, 200)
    assert.match(tokens.headers.get('content-type') ?? '', /^application\/json\b/)
    assert.equal(tokens.headers.get('cache-control'), 'no-store')
    const { access_token: accessToken, token_type: type, expires_in: seconds, id_token: idToken } = tokens.body
    assert.equal(typeof accessToken, 'string')
    assert.equal(type, 'Bearer')
    assert.ok(Number.isSafeInteger(seconds) && Number(seconds) > 0)
    assert.equal(String(idToken).split('.').length, 3)
  })

  it('is refused with a 400, JSON and an error where the code is not good', async test => {
    const { app, browser } = await signedIn(test)
    const authorization = await app.authorize(browser)
    const wrong = [
      [{ code: 'x' }, 'invalid_grant'],
      [{ redirect_uri: 'https://shop.example/other' }, 'invalid_grant'],
      [{ code: undefined }, 'invalid_request'],
      [{ grant_type: undefined }, 'invalid_request'],
      [{ grant_type: 'password' }, 'unsupported_grant_type'],
    ] as const
    for (const [fields, error] of wrong) {
      const refused = await app.redeem(authorization, fields)
      assert.deepEqual([refused.status, refused.body['error']], [400, error])
      assert.match(refused.headers.get('content-type') ?? '', /^application\/json\b/)
      assert.equal(refused.headers.get('cache-control'), 'no-store')
    }
    assert.equal((await app.redeem(authorization)).status, 200)
  })
})

describe('an ID token', () => {
  it('names its issuer, audience, subject and times in the form the specification gives them', async test => {
    const { stage, app, browser } = await signedIn(test)
    const tokens = await app.signIn(browser, { nonce: 'n-0S6_WzA2Mj', max_age: '60' })
    const { iss, sub, aud, exp, iat, auth_time: authTime, nonce } = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual([iss, aud, nonce], [stage.issuer, 'shop', 'n-0S6_WzA2Mj'])
    assert.match(String(sub), /^[!-~]{1,255}$/)
    for (const seconds of [exp, iat, authTime]) assert.ok(Number.isSafeInteger(seconds))
    const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
    assert.ok(Number(authTime) <= Number(iat) && Number(iat) <= nowSeconds && nowSeconds < Number(exp))
  })

  it('has a header of an algorithm and the id of a published key, and brings no key', async test => {
    const { stage, tokens } = await signedIn(test)
    const header = decodeProtectedHeader(String(tokens.body['id_token']))
    for (const name of ['jwk', 'jku', 'x5u', 'x5c', 'crit']) assert.equal(name in header, false, name)
    const { keys } = (await (await stage.send('/jwks')).json()) as JSONWebKeySet
    const [key, ...others] = keys.filter(each => each.kid === header.kid)
    assert.deepEqual(others, [])
    assert.deepEqual([key?.alg, key?.use], [header.alg, 'sig'])
    assert.ok(keys.every(each => typeof each.kid === 'string' && !('d' in each) && each.kty !== 'oct'))
  })
})

describe('userinfo', () => {
  it('answers GET and POST, with the token in the header or in the form', async test => {
    const { stage, app, tokens } = await signedIn(test)
    const expected = await told(app, tokens)
    const bearer = { authorization: `Bearer ${tokens.accessToken}` }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams({ access_token: tokens.accessToken }).toString()
    const ways: readonly RequestInit[] = [
      { headers: bearer },
      { method: 'POST', headers: bearer },
      { method: 'POST', headers: { ...bearer, ...form }, body: '' },
      { method: 'POST', headers: form, body },
    ]
    for (const init of ways) {
      const answer = await stage.send('/userinfo', init)
      assert.deepEqual([answer.status, await answer.json()], [200, expected], JSON.stringify(init))
    }
  })

  it('names the same person as the ID token, in JSON', async test => {
    const { stage, app, tokens } = await signedIn(test)
    const answer = await app.userinfo(tokens.accessToken)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json\b/)
    const { sub } = (await answer.json()) as Claims
    assert.equal(sub, (await idTokenOf(stage, tokens, 'shop')).sub)
  })

  it('refuses a request without a token, or with one that is none, with a challenge', async test => {
    const { stage, app, tokens } = await signedIn(test)
    const bare = await stage.send('/userinfo')
    assert.equal(bare.status, 401)
    assert.match(bare.headers.get('www-authenticate') ?? '', /\bBearer\b/)
    for (const token of ['x', `${tokens.accessToken}x`, tokens.refreshToken, String(tokens.body['id_token'])]) {
      const answer = await app.userinfo(token)
      assert.equal(answer.status, 401)
      assert.match(answer.headers.get('www-authenticate') ?? '', /\bBearer\b.*error="invalid_token"/)
    }
    const twice = { authorization: `Bearer ${tokens.accessToken}`, 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams({ access_token: tokens.accessToken }).toString()
    assert.equal((await stage.send('/userinfo', { method: 'POST', headers: twice, body })).status, 400)
  })

  it('is read by pages of a registered origin', async test => {
    const { stage, tokens } = await signedIn(test)
    const origin = 'https://shop.example'
    const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
    const preflight = await stage.send('/userinfo', { method: 'OPTIONS', headers: { origin, ...asked } })
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /\bauthorization\b/i)
    const headers = { origin, authorization: `Bearer ${tokens.accessToken}` }
    const answer = await stage.send('/userinfo', { headers })
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, origin])
  })
})

describe('claims', () => {
  it('tells by each scope what belongs to it, and by all of them everything', async test => {
    const { app, browser } = await known(test)
    const scopes = { profile, email, phone, address }
    const { sub } = await told(app, await app.signIn(browser, { scope: 'openid' }))
    for (const [scope, claims] of Object.entries(scopes)) {
      const tokens = await app.signIn(browser, { scope: `openid ${scope}` })
      assert.deepEqual(await told(app, tokens), { sub, ...claims }, scope)
    }
    const all = await app.signIn(browser, { scope: 'openid profile email address phone' })
    assert.deepEqual(await told(app, all), { sub, ...profile, ...email, ...phone, ...address })
  })

  it('leaves out claims that have no value', async test => {
    const { stage, app, browser } = await signedIn(test)
    await changeUser(stage.workbench, 'ada@example.com', { claims: { name: '', nickname: null, locale: 'en-GB' } })
    const claims = JSON.stringify({ id_token: { name: null, nickname: { essential: true }, locale: null } })
    const tokens = await app.signIn(browser, { scope: 'openid profile', claims })
    const { sub } = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual(await told(app, tokens), { sub, locale: 'en-GB' })
    const { name, nickname, locale } = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual([name, nickname, locale], [undefined, undefined, 'en-GB'])
  })

  it('are told in the types that the specification gives them', async test => {
    const { stage } = await signedIn(test)
    const wrong: readonly NonNullable<UserChangesInput['claims']>[] = [
      { updated_at: 'yesterday' },
      { phone_number_verified: 'true' },
      { name: 7 },
      { name: ['Ada'] },
      { address: '12 St James’s Square' },
      { address: { country: 44 } },
      { birthdate: 18_151_210 },
    ]
    for (const claims of wrong) {
      await assert.rejects(
        changeUser(stage.workbench, 'ada@example.com', { claims }),
        { name: 'InputRefused' },
        JSON.stringify(claims),
      )
    }
    await changeUser(stage.workbench, 'ada@example.com', {
      claims: { ...profile, ...phone, ...address, shoe_size: 38 },
    })
  })
})

describe('offline access', () => {
  it('offline_access is left aside where no refresh token can be had', async test => {
    const { app, browser } = await openScene(test, { client: { ...shop, refresh: false } })
    const tokens = await app.signIn(browser, { scope: 'openid offline_access' })
    assert.equal('refresh_token' in tokens.body, false)
    assert.equal(tokens.body['scope'], 'openid')
    assert.equal('id_token' in tokens.body, true)
  })
})
