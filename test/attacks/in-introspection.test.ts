/** Introspection (RFC 7662): who may ask, about what, and how little everybody else learns. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient, registerClient, rotateSecret } from '../../packages/server/src/admin/clients.ts'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { failureDelayMsMax, failuresPerMinuteMax } from '../../packages/server/src/http/failure-delay.ts'
import { basic } from '../stage/app.ts'
import {
  assertUnchanged,
  databaseFor,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  type Scene,
  shop,
} from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { notedTimers } from '../stage/timers.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function api(scene: Scene, fields: { readonly [name: string]: unknown } = {}) {
  const redirectUris = ['https://api.example/cb']
  const input = { id: 'api', kind: 'web', redirectUris, ...fields }
  return scene.stage.app(await registerClient(scene.stage.workbench, input))
}

function tampered(jwt: string, change: (claims: { [name: string]: unknown }) => void): string {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { [name: string]: unknown }
  change(claims)
  return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
}

describe('introspection', () => {
  it('IN-01 without authentication, with bad, or by a public client is a 401 without data', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const open = await registerClient(scene.stage.workbench, phone)
    const rotated = await rotateSecret(scene.stage.workbench, 'shop', 0)
    const token = first.accessToken
    const attempts: readonly (readonly [string, string | null, object])[] = [
      ['nobody', null, { token }],
      ['an id alone', null, { token, client_id: 'shop' }],
      ['a public client', null, { token, client_id: open.client.id }],
      ['a made-up secret', basic('shop', 'guess'), { token }],
      ['the secret of before', basic('shop', scene.registered.secret ?? ''), { token }],
      ['the secret in the body', null, { token, client_id: 'shop', client_secret: rotated.secret }],
      ['an unknown client', basic('nobody', rotated.secret ?? ''), { token }],
      ['the token itself', `Bearer ${token}`, { token }],
    ]
    for (const [name, authorization, fields] of attempts) {
      const body = new URLSearchParams(fields as Record<string, string>).toString()
      const headers = authorization === null ? form : { ...form, authorization }
      const response = await scene.stage.send('/introspect', { method: 'POST', headers, body })
      assert.equal(response.status, 401, name)
      assert.ok(response.headers.get('www-authenticate') !== null, name)
      const answer = (await response.json()) as object
      assert.deepEqual(Object.keys(answer).toSorted(), ['error', 'error_description'], name)
    }
    const good = scene.stage.app(rotated)
    assert.equal((await good.introspect(token)).active, true)
  })

  it('IN-03 tells a client of its own tokens and of those meant for it, and of no others', async test => {
    const files = 'https://files.example/'
    const scene = await openScene(test, { client: shop })
    const meant = await openFamilyOf(scene, { resource: files })
    const { first } = await openFamilyOf(scene)
    const stranger = await api(scene)
    for (const token of [first.accessToken, first.refreshToken, meant.first.accessToken]) {
      assert.deepEqual(await stranger.introspect(token), { active: false })
      assert.equal((await scene.app.introspect(token)).active, true)
    }
    await changeClient(scene.stage.workbench, 'api', { audiences: [files] })
    const told = await stranger.introspect(meant.first.accessToken)
    assert.deepEqual([told.active, told['aud'], told['client_id']], [true, files, 'shop'])
    for (const token of [first.accessToken, first.refreshToken, meant.first.refreshToken]) {
      assert.deepEqual(await stranger.introspect(token), { active: false })
    }
  })

  it('IN-03 tells what RFC 7662 names, and nothing of our own', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const { jti, ...access } = await scene.app.introspect(first.accessToken)
    assert.equal(typeof jti, 'string')
    const now = scene.stage.clock.nowMs() / 1000
    assert.deepEqual(access, {
      active: true,
      token_type: 'Bearer',
      iss: scene.stage.issuer,
      sub: subject,
      aud: scene.stage.issuer,
      client_id: 'shop',
      exp: now + 600,
      iat: now,
      scope: 'openid email offline_access',
      auth_time: now,
      acr: 'urn:pawl:acr:pwd',
      amr: ['pwd'],
    })
    const refresh = await scene.app.introspect(first.refreshToken)
    assert.deepEqual(Object.keys(refresh).toSorted(), ['active', 'client_id', 'exp', 'iat', 'iss', 'scope', 'sub'])
    assert.equal(refresh['exp'], now + 30 * 86_400)
    await scene.app.refresh(first.refreshToken)
    assert.deepEqual(await scene.app.introspect(first.refreshToken), { active: false }, 'a spent one refreshes nothing')
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
  })

  it('IN-05 calls a tampered token inactive', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const [header = '', payload = '', signature = ''] = first.accessToken.split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
    const codec = tokenCodec(scene.stage.keys)
    const wrong = [
      tampered(first.accessToken, claims => {
        claims['scope'] = 'admin'
      }),
      tampered(first.accessToken, claims => {
        claims['exp'] = Number(claims['exp']) + 3600
      }),
      tampered(first.accessToken, () => undefined).replace(signature, signature.slice(0, -2)),
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${first.accessToken}.x`,
      String(first.body['id_token']),
      codec.mint('authorization_code', { ...(await rowOf(scene.stage, familyId)), generation: 0 }),
      'garbage',
      '.'.repeat(100),
      'A'.repeat(8000),
    ]
    for (const token of wrong) assert.deepEqual(await scene.app.introspect(token), { active: false }, token)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
  })

  it('IN-05 calls a token inactive from the moment its signing key is no longer kept', async test => {
    const scene = await openScene(test, { client: { ...shop, accessSeconds: 3600 } })
    const { clock, workbench } = scene.stage
    await rotateSigningKey(workbench, 'ES256', { publish: 600, verify: 3600 })
    clock.advanceSeconds(599)
    const { first } = await openFamilyOf(scene)
    clock.advanceSeconds(3599)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
    clock.advanceSeconds(1)
    assert.deepEqual(await scene.app.introspect(first.accessToken), { active: false })
    await assertUnchanged(scene.app, first)
  })

  it('IN-05 calls a token inactive at the second it runs out', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    scene.stage.clock.advanceMs(599_999)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
    scene.stage.clock.advanceMs(1)
    assert.deepEqual(await scene.app.introspect(first.accessToken), { active: false })
  })

  it('IN-06 answers a scan slower and slower, each time the same, and nobody else', async test => {
    const timers = notedTimers()
    const scene = await openScene(test, { client: shop, startTimer: timers.startTimer })
    const { first } = await openFamilyOf(scene)
    const scanner = scene.stage.app(scene.registered, { address: '192.0.2.66' })
    const shapes = new Set<string>()
    const scan = async (from: number): Promise<void> => {
      const guess = Buffer.from(scene.stage.entropy.bytes(57)).toString('base64url')
      const token = from % 2 === 0 ? `pawl_rt_${guess}` : guess
      const response = await scanner.post('/introspect', { token })
      const headers = [...response.headers].filter(([name]) => name !== 'pawl-request-id')
      shapes.add(JSON.stringify([response.status, await response.text(), headers]))
    }
    for (let at = 0; at < failuresPerMinuteMax; at++) await scan(at)
    assert.deepEqual(timers.delaysMs, [], 'so many mistakes are made honestly')
    timers.hold()
    const slow = Promise.all(Array.from({ length: 150 }, (_, at) => scan(at)))
    assert.equal((await scene.app.introspect(first.accessToken)).active, true, 'nobody else waits')
    timers.letGo()
    await slow
    const expected = Array.from({ length: 150 }, (_, at) => Math.min(at + 1, failureDelayMsMax))
    assert.deepEqual(timers.delaysMs, expected, 'a millisecond more each, up to a tenth of a second')
    assert.deepEqual(
      [...shapes].map(shape => JSON.parse(shape) as unknown[]).map(shape => shape.slice(0, 2)),
      [[200, '{"active":false}']],
    )
  })

  it('IN-07 calls a token inactive on another node from the moment it was revoked on one', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { client: shop, database })
    const other = await openStage({ database, keys: scene.stage.keys, seed: 'another node' })
    test.after(() => other.close())
    const there = other.app(scene.registered)
    const [one, whole] = [await openFamilyOf(scene), await openFamilyOf(scene)]
    for (const { first } of [one, whole]) assert.equal((await there.introspect(first.accessToken)).active, true)
    await scene.app.revoke(one.first.accessToken)
    assert.deepEqual(await there.introspect(one.first.accessToken), { active: false })
    assert.equal((await there.introspect(one.first.refreshToken)).active, true)
    await scene.app.revoke(whole.first.refreshToken)
    assert.deepEqual(await there.introspect(whole.first.accessToken), { active: false })
    assert.deepEqual(await there.introspect(whole.first.refreshToken), { active: false })
  })

  it('IN-10 by GET, in the query or as JSON is refused for its form', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const authorization = basic('shop', scene.registered.secret ?? '')
    const query = new URLSearchParams({ token: first.accessToken }).toString()
    const json = { authorization, 'content-type': 'application/json' }
    const attempts: readonly (readonly [string, RequestInit, number])[] = [
      [`/introspect?${query}`, { headers: { authorization } }, 405],
      [`/introspect?${query}`, { method: 'POST', headers: { ...form, authorization }, body: '' }, 400],
      ['/introspect', { method: 'POST', headers: json, body: JSON.stringify({ token: first.accessToken }) }, 400],
      ['/introspect', { method: 'POST', headers: { ...form, authorization }, body: '' }, 400],
      ['/introspect', { method: 'POST', headers: { ...form, authorization }, body: `${query}&${query}` }, 400],
    ]
    for (const [path, init, status] of attempts) {
      const response = await scene.stage.send(path, init)
      assert.equal(response.status, status, `${init.method ?? 'GET'} ${path}`)
      assert.doesNotMatch(await response.text(), /active/)
    }
  })
})
