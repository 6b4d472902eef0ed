/** Revocation by the client (RFC 7009) and by the operator: what it ends, what it leaves, and whom it tells nothing. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import { AdminRefused } from '../../packages/server/src/admin/workbench.ts'
import { addUser } from '../../packages/server/src/admin/users.ts'
import type { Client } from '../../packages/server/src/domain/client/client.ts'
import { type App, retryKey } from '../stage/app.ts'
import { openStage } from '../stage/stage.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  databaseFor,
  historyOf,
  kindsOf,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  type Scene,
  shop,
} from '../stage/scene.ts'

const ada = 'ada@example.com'

async function otherApp(scene: Scene, kind: Client['kind']): Promise<App> {
  const redirectUris = [kind === 'web' ? 'https://other.example/cb' : 'http://127.0.0.1/cb']
  return scene.stage.app(await registerClient(scene.stage.workbench, { id: 'other', kind, redirectUris }))
}

/** Everything of an answer that a stranger could compare. */
async function shapeOf(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== 'pawl-request-id')
  return JSON.stringify([response.status, await response.text(), headers])
}

describe('a client that revokes', () => {
  it('RV-01 its refresh token ends the family with its access tokens, and one event says who', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    const response = await scene.app.revoke(second.refreshToken)
    assert.deepEqual([response.status, await response.text()], [200, ''])
    assert.equal(response.headers.get('cache-control'), 'no-store')
    await assertOver(scene.app, second, first)
    for (const token of [first.accessToken, second.accessToken, second.refreshToken]) {
      assert.deepEqual(await scene.app.introspect(token), { active: false })
    }
    const end = (await rowOf(scene.stage, familyId)).end
    assert.deepEqual([end?.reason, end?.by], ['revoked_by_client', 'shop'])
    assert.equal((await scene.app.revoke(second.refreshToken)).status, 200, 'a second time there is nothing to do')
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'family_ended'])
  })

  it('RV-01 with a wrong hint revokes all the same', async test => {
    const scene = await openScene(test)
    for (const hint of ['access_token', 'refresh_token', 'nonsense', '']) {
      const { first } = await openFamilyOf(scene)
      assert.equal((await scene.app.revoke(first.refreshToken, { token_type_hint: hint })).status, 200)
      await assertOver(scene.app, first)
    }
  })

  it('RV-01 a keyed token needs no retry key: ending is nobody else’s gain', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene, {}, retryKey('code'))
    await scene.app.revoke(first.refreshToken)
    assertInvalidGrant(await scene.app.refresh(first.refreshToken, {}, retryKey('1')))
  })

  it('RV-01 what time had ended before leaves the end that time gave it', async test => {
    const scene = await openScene(test, { client: { ...phone, idleSeconds: 60, absoluteSeconds: 3600 } })
    const { first, familyId } = await openFamilyOf(scene)
    scene.stage.clock.advanceSeconds(60)
    assert.equal((await scene.app.revoke(first.refreshToken)).status, 200)
    const [, ended, ...others] = await historyOf(scene.stage, familyId)
    assert.deepEqual([ended?.detail['reason'], others.length], ['idle_expired', 0])
    assert.equal((await rowOf(scene.stage, familyId)).end?.by, 'rule')
  })

  for (const [title, mine, theirs] of [
    ['RV-03 as a confidential client what is another client’s changes nothing and learns nothing', shop, 'web'],
    ['RV-06 as a public client what is another client’s changes nothing and learns nothing', phone, 'native'],
  ] as const) {
    it(title, async test => {
      const scene = await openScene(test, { client: mine })
      const other = await otherApp(scene, theirs)
      const { first, familyId } = await openFamilyOf(scene)
      const shapes = new Set<string>()
      const damaged = `${first.refreshToken.slice(0, -1)}!`
      for (const token of [first.refreshToken, first.accessToken, damaged, 'garbage']) {
        shapes.add(await shapeOf(await other.revoke(token)))
      }
      assert.equal(shapes.size, 1, [...shapes].join('\n'))
      assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'wrong_client'])
      assert.equal((await scene.app.userinfo(first.accessToken)).status, 200)
      await assertUnchanged(scene.app, first)
    })
  }

  it('RV-05 as a public client needs its id alone', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const body = new URLSearchParams({ token: first.refreshToken, client_id: 'phone' })
    assert.equal((await scene.stage.send('/revoke', { method: 'POST', body })).status, 200)
    await assertOver(scene.app, first)
  })

  it('RV-05 as a public client without its id is refused, and nothing ends', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const body = new URLSearchParams({ token: first.refreshToken })
    assert.equal((await scene.stage.send('/revoke', { method: 'POST', body })).status, 401)
    await assertUnchanged(scene.app, first)
  })

  it('RV-08 in the wrong form is refused, and nothing ends', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    const query = new URLSearchParams({ token: first.refreshToken, client_id: 'phone' }).toString()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const attempts: readonly (readonly [string, RequestInit, number])[] = [
      [`/revoke?${query}`, {}, 405],
      [`/revoke?${query}`, { method: 'POST', headers: form, body: '' }, 400],
      [`/revoke?${query}`, { method: 'POST', headers: form, body: query }, 400],
      ['/revoke', { method: 'POST', headers: form, body: 'client_id=phone' }, 400],
      ['/revoke', { method: 'POST', headers: form, body: 'client_id=phone&token=' }, 400],
      ['/revoke', { method: 'POST', headers: form, body: `${query}&token=again` }, 400],
      ['/revoke', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }, 400],
    ]
    for (const [path, init, status] of attempts) {
      const response = await scene.stage.send(path, init)
      assert.equal(response.status, status, `${init.method ?? 'GET'} ${path} ${JSON.stringify(init.body)}`)
    }
    await assertUnchanged(scene.app, first)
  })

  it('RV-09 while the store is away is told so, never that it is done', async test => {
    const database = await databaseFor(test)
    const before = await openScene(test, { database })
    const { first } = await openFamilyOf(before)
    await before.stage.pawl.store.close()
    for (const token of [first.refreshToken, first.accessToken]) {
      const response = await before.app.revoke(token)
      assert.equal(response.status, 503)
      assert.match(response.headers.get('retry-after') ?? '', /^[1-9]\d?$/)
    }
    const after = await openStage({ database, keys: before.stage.keys, seed: 'after' })
    test.after(() => after.close())
    const app = after.app(before.registered)
    const second = await assertUnchanged(app, first)
    assert.equal((await app.revoke(second.refreshToken)).status, 200)
    await assertOver(app, second)
  })

  it('RV-09 while its commit fails is told so, and nothing has ended', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database })
    const { first, familyId } = await openFamilyOf(scene)
    const mend = await database.breakUpdates('families')
    const response = await scene.app.revoke(first.refreshToken)
    assert.ok(response.status >= 500, String(response.status))
    await mend()
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await assertUnchanged(scene.app, first)
  })

  it('RV-09 a second time is told so too: an end that was only read may be on no copy of the database', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database })
    const { first, familyId } = await openFamilyOf(scene)
    assert.equal((await scene.app.revoke(first.refreshToken)).status, 200)
    const mend = await database.breakUpdates('families')
    const response = await scene.app.revoke(first.refreshToken)
    assert.ok(response.status >= 500, String(response.status))
    const { workbench } = scene.stage
    await assert.rejects(carryOut(workbench, await planRevocation(workbench, { family: familyId })))
    await mend()
    assert.equal((await scene.app.revoke(first.refreshToken)).status, 200)
    assert.equal((await carryOut(workbench, await planRevocation(workbench, { family: familyId }))).families, 0)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'family_ended'])
    await assertOver(scene.app, first)
  })

  it('RV-11 a token spent long ago ends its family', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const third = await assertUnchanged(scene.app, await assertUnchanged(scene.app, first))
    assert.equal((await scene.app.revoke(first.refreshToken)).status, 200)
    await assertOver(scene.app, third)
    const [, ended, ...others] = await historyOf(scene.stage, familyId)
    assert.deepEqual([ended?.kind, ended?.detail['generation'], others.length], ['family_ended', 1, 0])
    assert.deepEqual([ended?.detail['reason'], ended?.detail['current']], ['revoked_by_client', 3])
  })

  it('RV-12 an access token ends that one alone: others and the refresh token live', async test => {
    const scene = await openScene(test, { client: shop })
    const { first, familyId } = await openFamilyOf(scene)
    const second = await scene.app.refresh(first.refreshToken)
    for (let times = 0; times < 3; times++) {
      const response = await scene.app.revoke(first.accessToken)
      assert.deepEqual([response.status, await response.text()], [200, ''])
    }
    assert.equal((await scene.app.userinfo(first.accessToken)).status, 401)
    assert.deepEqual(await scene.app.introspect(first.accessToken), { active: false })
    assert.equal((await scene.app.userinfo(second.accessToken)).status, 200)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened', 'access_token_revoked'])
    await assertUnchanged(scene.app, second)
  })
})

describe('an operator who revokes', () => {
  it('RV-04 user and client together ends that alone, and nothing where one of them is not there', async test => {
    const scene = await openScene(test)
    const { workbench } = scene.stage
    const mine = await openFamilyOf(scene)
    const other = await otherApp(scene, 'native')
    const elsewhere = await other.signIn(scene.browser)
    await addUser(workbench, { email: 'bob@example.com', password: 'another long passphrase' })
    for (const input of [
      { user: ada, client: 'nobody' },
      { user: 'nobody@example.com', client: 'phone' },
    ]) {
      await assert.rejects(planRevocation(workbench, input), AdminRefused)
    }
    const fits = await carryOut(
      workbench,
      await planRevocation(workbench, { user: 'bob@example.com', client: 'phone' }),
    )
    assert.equal(fits.families, 0, 'there are both, but nothing of bob at phone')
    const [first, second] = [await assertUnchanged(scene.app, mine.first), await assertUnchanged(other, elsewhere)]
    const done = await carryOut(workbench, await planRevocation(workbench, { user: ada, client: 'phone' }))
    assert.equal(done.families, 1)
    await assertOver(scene.app, first)
    await assertUnchanged(other, second)
  })

  it('RV-17 everything before T ends what was opened before, and nothing of T or later', async test => {
    const scene = await openScene(test)
    const { clock, workbench } = scene.stage
    const opened = []
    for (let at = 0; at < 3; at++) {
      opened.push(await openFamilyOf(scene))
      clock.advanceMs(1)
    }
    const [before, on, after] = await Promise.all(opened.map(({ familyId }) => rowOf(scene.stage, familyId)))
    assert.ok(before !== undefined && on !== undefined && after !== undefined)
    assert.deepEqual([on.createdAtMs - before.createdAtMs, after.createdAtMs - on.createdAtMs], [1, 1])
    const plan = await planRevocation(workbench, { all: true, before: String(on.createdAtMs) })
    assert.equal((await carryOut(workbench, plan)).families, 1)
    const [lost, first, second] = opened.map(each => each.first)
    assert.ok(lost !== undefined && first !== undefined && second !== undefined)
    await assertOver(scene.app, lost)
    await assertUnchanged(scene.app, first)
    await assertUnchanged(scene.app, second)
  })

  it('RV-17 everything up to now leaves no gap: opened in the same instant before is over, after lives', async test => {
    const scene = await openScene(test)
    const before = await openFamilyOf(scene)
    const plan = await planRevocation(scene.stage.workbench, { client: 'phone' })
    assert.equal((await carryOut(scene.stage.workbench, plan)).families, 1)
    const after = await openFamilyOf(scene)
    await assertOver(scene.app, before.first)
    await assertUnchanged(scene.app, after.first)
  })

  it('RV-17 in the future is refused', async test => {
    const scene = await openScene(test)
    const before = String(scene.stage.clock.nowMs() + 60_000)
    await assert.rejects(planRevocation(scene.stage.workbench, { all: true, before }))
    const { first } = await openFamilyOf(scene)
    await assertUnchanged(scene.app, first)
  })
})

describe('a page', () => {
  const spa = { id: 'page', kind: 'spa', redirectUris: ['https://page.example/cb'] }
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }

  it('RV-18 of a registered origin may revoke; of any other it gets no permission', async test => {
    const scene = await openScene(test, { client: spa })
    const preflight = (origin: string) =>
      scene.stage.send('/revoke', { method: 'OPTIONS', headers: { origin, ...asked } })
    const good = await preflight('https://page.example')
    assert.ok(good.status === 200 || good.status === 204, String(good.status))
    assert.equal(good.headers.get('access-control-allow-origin'), 'https://page.example')
    assert.match(good.headers.get('access-control-allow-methods') ?? '', /POST/)
    assert.equal(good.headers.get('access-control-allow-credentials'), null)
    const strangers = ['https://evil.example', 'https://page.example.evil.example', 'http://page.example', 'null']
    for (const origin of strangers) {
      const refused = await preflight(origin)
      assert.equal(refused.headers.get('access-control-allow-origin'), null, origin)
    }
  })

  it('RV-18 that revokes may read the answer, also when it is a refusal', async test => {
    const scene = await openScene(test, { client: spa })
    for (const [fields, status] of [
      [{ token: 'garbage' }, 200],
      [{}, 400],
    ] as const) {
      const response = await scene.app.post('/revoke', fields, { origin: 'https://page.example' })
      assert.equal(response.status, status)
      assert.equal(response.headers.get('access-control-allow-origin'), 'https://page.example')
    }
  })
})
