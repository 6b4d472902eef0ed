/** A refresh asked for by the wrong client, with the wrong thing, or for too much. Nothing of it moves the family. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { basic, tokensOf } from '../stage/app.ts'
import {
  assertInvalidGrant,
  assertUnchanged,
  historyOf,
  kindsOf,
  openFamilyOf,
  openScene,
  rowOf,
  type Scene,
  shop,
} from '../stage/scene.ts'

const files = 'https://files.example/'
const mail = 'https://mail.example/'

async function openWith(test: TestContext, resources: readonly string[]) {
  const scene = await openScene(test, { client: shop })
  const { browser, app } = scene
  const { path, verifier } = app.authorizePath({ scope: 'openid email' })
  const query = resources.map(resource => `&resource=${encodeURIComponent(resource)}`).join('')
  const page = await browser.signIn(await browser.open(path + query))
  const left = (page.leftTo === null ? await browser.decide(page, 'allow') : page).leftTo
  const code = left?.searchParams.get('code') ?? ''
  const first = await app.redeem({ code, verifier, parameters: new URLSearchParams() })
  assert.equal(first.status, 200, JSON.stringify(first.body))
  return { ...scene, first }
}

/** A refresh with more than one `resource`, which a plain object of fields cannot say. */
async function refreshFor(scene: Scene, refreshToken: string, resources: readonly string[]) {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  for (const resource of resources) body.append('resource', resource)
  const { client, secret } = scene.registered
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: basic(client.id, secret ?? ''),
  }
  return tokensOf(await scene.stage.send('/token', { method: 'POST', headers, body: body.toString() }))
}

function audienceOf(accessToken: string): unknown {
  return (JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { aud: unknown }).aud
}

describe('the wrong client', () => {
  it('RT-10 gets 401 with the id of a confidential client and no secret, and the family lives', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const fields = { grant_type: 'refresh_token', refresh_token: first.refreshToken, client_id: 'shop' }
    const answer = await scene.stage.send('/token', { method: 'POST', body: new URLSearchParams(fields) })
    assert.equal(answer.status, 401)
    assert.ok(answer.headers.get('www-authenticate') !== null)
    assert.deepEqual(((await answer.json()) as { error: string }).error, 'invalid_client')
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await assertUnchanged(scene.app, first)
  })

  it('RT-10 cannot make a spent token of a confidential client count as reuse', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const third = await scene.app.refresh(second.refreshToken)
    const fields = { grant_type: 'refresh_token', refresh_token: first.refreshToken, client_id: 'shop' }
    const answer = await scene.stage.send('/token', { method: 'POST', body: new URLSearchParams(fields) })
    assert.equal(answer.status, 401)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await assertUnchanged(scene.app, third)
  })

  for (const kind of ['web', 'native'] as const) {
    it(`RT-11 gets invalid_grant when it is a ${kind} client, and one event tells of it`, async test => {
      const scene = await openScene(test)
      const { first, familyId } = await openFamilyOf(scene)
      const redirectUris = [kind === 'web' ? 'https://other.example/cb' : 'http://127.0.0.1/cb']
      const other = scene.stage.app(await registerClient(scene.stage.workbench, { id: 'other', kind, redirectUris }))
      for (let times = 0; times < 3; times++) assertInvalidGrant(await other.refresh(first.refreshToken))
      const [, ...events] = await historyOf(scene.stage, familyId)
      assert.deepEqual(
        events.map(event => [event.kind, event.count, event.clientId, event.detail['presented_by']]),
        [['wrong_client', 3, 'phone', 'other']],
      )
      await assertUnchanged(scene.app, first)
    })
  }

  it('RT-11 cannot make a spent token of another client count as reuse', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const third = await scene.app.refresh(second.refreshToken)
    const redirectUris = ['https://other.example/cb']
    const registered = await registerClient(scene.stage.workbench, { id: 'other', kind: 'web', redirectUris })
    assertInvalidGrant(await scene.stage.app(registered).refresh(first.refreshToken))
    await assertUnchanged(scene.app, third)
  })
})

describe('the wrong thing', () => {
  it('RT-13 is refused as refresh token: access token, ID token, codes and the cookie, and spends nothing', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const waiting = await scene.app.authorize(scene.browser)
    const codec = tokenCodec(scene.stage.keys)
    const deviceCode = codec.mint('device_code', { ...(await rowOf(scene.stage, familyId)), generation: 0 })
    const cookies = [...scene.browser.jar.values()]
    assert.ok(cookies.length > 0)
    for (const wrong of [first.accessToken, String(first.body['id_token']), waiting.code, deviceCode, ...cookies]) {
      assertInvalidGrant(await scene.app.refresh(wrong))
    }
    assert.equal((await scene.app.redeem(waiting)).status, 200, 'the code is good for what it is')
    await assertUnchanged(scene.app, first)
  })

  it('RT-14 is refused as bearer token: a refresh token opens nothing at userinfo', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const answer = await scene.app.userinfo(first.refreshToken)
    assert.equal(answer.status, 401)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
    await assertUnchanged(scene.app, first)
  })

  it('RT-35 is told apart from a living token by a single changed character, wherever it stands', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const token = first.refreshToken
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A'
      assertInvalidGrant(await scene.app.refresh(token.slice(0, at) + other + token.slice(at + 1)))
    }
    await assertUnchanged(scene.app, first)
  })

  it('RT-35 is refused cut, padded, swapped or encoded twice, with one body', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const token = first.refreshToken
    const [head, tagA, tagB] = [token.slice(0, -42), token.slice(-42, -21), token.slice(-21)]
    const damaged = [
      token.slice(0, -1),
      token.slice(1),
      `${token} `,
      ` ${token}`,
      `${token}=`,
      encodeURIComponent(token.replace('_', '%5F')),
      head + tagB + tagA,
      token.toUpperCase(),
      token.replaceAll('_', '/'),
      'pawl_rt_',
      'garbage',
    ]
    const bodies = new Set<string>()
    for (const each of damaged) {
      const answer = await scene.app.refresh(each)
      assertInvalidGrant(answer)
      bodies.add(JSON.stringify(answer.body))
    }
    assert.equal(bodies.size, 1)
    const withNul = await scene.app.refresh(`${token}\0`)
    assert.deepEqual([withNul.status, withNul.body['error']], [400, 'invalid_request'], 'no form may hold a NUL')
    await assertUnchanged(scene.app, first)
  })

  it('RT-35 is refused for its size when it is a megabyte long', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const fields = { grant_type: 'refresh_token', refresh_token: first.refreshToken + 'A'.repeat(1_000_000) }
    const answer = await scene.app.post('/token', fields)
    assert.ok([400, 413].includes(answer.status), String(answer.status))
    assert.deepEqual(((await answer.json()) as { error: string }).error, 'invalid_request')
    await assertUnchanged(scene.app, first)
  })

  it('RT-37 is nothing at all: a refresh token missing, empty or sent twice is invalid_request', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const missing = await scene.app.refresh('', { refresh_token: undefined })
    const empty = await scene.app.refresh('')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const twice = `grant_type=refresh_token&client_id=phone&${`refresh_token=${first.refreshToken}&`.repeat(2)}`
    const repeated = await tokensOf(await scene.stage.send('/token', { method: 'POST', headers, body: twice }))
    for (const answer of [missing, empty, repeated]) {
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'])
    }
    await assertUnchanged(scene.app, first)
  })
})

describe('too much', () => {
  it('RT-15 scope is refused and the token is not spent; less, in any order, is granted', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene, { scope: 'email offline_access profile' })
    const wider = ['email profile phone', 'openid email', 'admin', '*', 'email email phone', 'email  "x"', 'EMAIL']
    for (const scope of wider) {
      const answer = await scene.app.refresh(first.refreshToken, { scope })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_scope'], scope)
    }
    const reordered = await scene.app.refresh(first.refreshToken, { scope: 'profile offline_access email' })
    assert.equal(reordered.status, 200)
    const twice = await scene.app.refresh(reordered.refreshToken, { scope: 'email email' })
    assert.deepEqual([twice.status, twice.body['scope']], [200, 'email'])
    const whole = await assertUnchanged(scene.app, twice)
    assert.equal(whole.body['scope'], 'email offline_access profile', 'a narrower scope narrows one access token only')
    assert.equal(whole.body['id_token'], undefined)
  })

  it('RT-17 resource is refused, also beside a good one, and the token is not spent', async test => {
    const scene = await openWith(test, [files, mail])
    const outside = [['https://bank.example/'], [files, 'https://bank.example/'], [`${files}#top`], ['files'], ['']]
    for (const resources of outside) {
      const answer = await refreshFor(scene, scene.first.refreshToken, resources)
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_target'], resources.join(' '))
    }
    const narrowed = await refreshFor(scene, scene.first.refreshToken, [mail])
    assert.equal(narrowed.status, 200)
    assert.equal(audienceOf(narrowed.accessToken), mail)
    const whole = await assertUnchanged(scene.app, narrowed)
    assert.deepEqual(audienceOf(whole.accessToken), [files, mail])
  })

  it('RT-17 resource is refused where the grant has none', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const answer = await scene.app.refresh(first.refreshToken, { resource: files })
    assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_target'])
    await assertUnchanged(scene.app, first)
  })
})

describe('what a cache may keep', () => {
  it('RT-46 is nothing: no answer of the token endpoint carries a validator or may be stored', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const good = await scene.app.refresh(first.refreshToken)
    for (const { headers } of [first, good, await scene.app.refresh('garbage')]) {
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('pragma'), 'no-cache')
      for (const name of ['etag', 'last-modified', 'expires', 'age']) assert.equal(headers.get(name), null, name)
    }
    const conditional = { 'if-none-match': '*', 'if-modified-since': 'Tue, 02 Feb 2027 12:00:00 GMT' }
    assert.equal((await scene.app.refresh(good.refreshToken, {}, conditional)).status, 200)
    assert.equal((await scene.stage.send('/token')).status, 405)
  })
})
