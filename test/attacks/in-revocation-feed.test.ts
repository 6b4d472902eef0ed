/** The revocation feed under attack: who may read it, what a cursor is worth, and how many may wait. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { addResource } from '../../packages/server/src/admin/resources.ts'
import { feedReadersPerClientMax } from '../../packages/server/src/domain/revocation/reader-seats.ts'
import { lookEveryMs } from '../../packages/server/src/domain/revocation/watched-line.ts'
import type { FeedDocument } from '../../packages/server/src/oauth/revocation-feed.ts'
import { type App, basic, type Fields } from '../stage/app.ts'
import { feedReader, readFeed } from '../stage/feed-reader.ts'
import { databaseFor, openFamilyOf, openScene, phone, type Scene, settle, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { notedTimers } from '../stage/timers.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const path = '/revocation-feed'

async function apiOf(scene: Scene, id = 'api'): Promise<App> {
  return scene.stage.app(await scene.stage.addClient({ id, kind: 'service', audiences: [`https://${id}.example/`] }))
}

async function pageOf(app: App, fields: Fields): Promise<FeedDocument> {
  const response = await readFeed(app, { wait_seconds: '0', ...fields })
  assert.equal(response.status, 200)
  return (await response.json()) as FeedDocument
}

/** One revoked family, told to the API that reads. */
async function revoked(test: TestContext) {
  const scene = await openScene(test, { client: shop })
  const { first } = await openFamilyOf(scene)
  const api = await apiOf(scene)
  const before = await pageOf(api, {})
  await scene.app.revoke(first.refreshToken)
  scene.stage.clock.advanceMs(lookEveryMs)
  return { ...scene, api, before, token: first.accessToken }
}

describe('the revocation feed', () => {
  it('IN-11 without authentication, with bad, or by a public client is a 401 without data', async test => {
    const { stage, api, app } = await revoked(test)
    await stage.addClient(phone)
    const attempts: readonly (readonly [string, string | null, { readonly client_id?: string }])[] = [
      ['nobody', null, {}],
      ['an id alone', null, { client_id: 'api' }],
      ['a public client', null, { client_id: 'phone' }],
      ['a made-up secret', basic('api', 'guess'), {}],
      ['an unknown client', basic('nobody', 'guess'), {}],
      ['an access token', `Bearer ${'x'.repeat(40)}`, {}],
    ]
    for (const [name, authorization, fields] of attempts) {
      const body = new URLSearchParams({ wait_seconds: '0', ...fields }).toString()
      const headers = authorization === null ? form : { ...form, authorization }
      const response = await stage.send(path, { method: 'POST', headers, body })
      assert.equal(response.status, 401, name)
      assert.deepEqual(Object.keys((await response.json()) as object).toSorted(), ['error', 'error_description'], name)
    }
    assert.equal((await pageOf(api, {})).entries.length, 1)
    assert.equal((await readFeed(app, {})).status, 403)
  })

  it('IN-11 is told to clients that are a resource server alone, and no longer once they are none', async test => {
    const { stage, api, app } = await revoked(test)
    const refused = await readFeed(app, { wait_seconds: '0' })
    assert.equal(refused.status, 403)
    assert.equal(((await refused.json()) as { readonly error: string }).error, 'unauthorized_client')
    await addResource(stage.workbench, { indicator: 'https://files.example/', introspectors: ['shop'] })
    assert.equal((await pageOf(app, {})).entries.length, 1)
    await changeClient(stage.workbench, 'api', { audiences: [] })
    assert.equal((await readFeed(api, { wait_seconds: '0' })).status, 403)
    await changeClient(stage.workbench, 'api', { disabled: true })
    assert.equal((await readFeed(api, { wait_seconds: '0' })).status, 401)
  })

  it('IN-11 is a form post and nothing else, and told to no page of another origin', async test => {
    const { stage, before } = await revoked(test)
    assert.equal((await stage.send(path)).status, 405)
    assert.equal((await stage.send(`${path}?cursor=${before.cursor}`, { method: 'POST', headers: form })).status, 400)
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    assert.equal((await stage.send(path, json)).status, 400)
    const headers = { ...form, origin: 'https://shop.example' }
    const answer = await stage.send(path, { method: 'POST', headers, body: '' })
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
  })

  it('IN-12 a cursor that was edited, made up, or made for another client leads nobody past what is new', async test => {
    const scene = await revoked(test)
    const other = await apiOf(scene, 'other')
    const theirs = (await pageOf(other, {})).cursor
    const { cursor } = await pageOf(scene.api, { cursor: scene.before.cursor })
    const [head, tail] = [cursor.slice(0, 8), cursor.slice(8)]
    const edited = `${head}${tail.startsWith('A') ? 'B' : 'A'}${tail.slice(1)}`
    for (const [name, sent] of Object.entries({ theirs, edited, random: 'x'.repeat(34), long: 'y'.repeat(8000) })) {
      const page = await pageOf(scene.api, { cursor: sent })
      assert.deepEqual([page.reset, page.entries.length, page.cursor], [true, 1, cursor], name)
    }
    const page = await pageOf(scene.api, { cursor })
    assert.deepEqual([page.reset, page.entries], [false, []])
    const twice = `cursor=${cursor}&cursor=${theirs}`
    const { client, secret } = await scene.stage.addClient({ id: 'third', kind: 'service', audiences: ['https://t/'] })
    const headers = { ...form, authorization: basic(client.id, secret ?? '') }
    assert.equal((await scene.stage.send(path, { method: 'POST', headers, body: twice })).status, 400)
  })

  it('IN-12 waits no longer than it may be asked to, and says so of anything else', async test => {
    const { api } = await revoked(test)
    for (const wait of ['31', '99', '100', '-1', '1.5', '1e1', ' 1', '0x1', 'forever']) {
      const response = await readFeed(api, { wait_seconds: wait })
      assert.equal(response.status, 400, wait)
      assert.equal(((await response.json()) as { readonly error: string }).error, 'invalid_request')
    }
  })

  it('IN-13 a flood of readers is told to wait, and holds up nobody else', async test => {
    const timers = notedTimers()
    const scene = await openScene(test, { client: shop, startTimer: timers.startTimer })
    const { first } = await openFamilyOf(scene)
    const [api, other] = [await apiOf(scene), await apiOf(scene, 'other')]
    const { cursor } = await pageOf(api, {})
    timers.hold()
    const refused: Response[] = []
    const waiting = Array.from({ length: feedReadersPerClientMax + 50 }, async () => {
      const response = await readFeed(api, { cursor, wait_seconds: '30' })
      if (response.status !== 200) refused.push(response)
      return response
    })
    while (refused.length < 50) await settle(scene.stage)
    for (const { status, headers } of refused) {
      assert.equal(status, 429)
      assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    }
    assert.equal((await pageOf(other, {})).reset, true)
    assert.equal((await scene.app.refresh(first.refreshToken)).status, 200)
    scene.stage.pawl.answerWaiting()
    const answered = await Promise.all(waiting)
    assert.deepEqual(
      [answered.filter(({ status }) => status === 200).length, refused.length],
      [feedReadersPerClientMax, 50],
    )
    assert.equal((await pageOf(api, { cursor })).entries.length, 0)
  })

  it('IN-07 tells at one node what another has just acknowledged, and takes its cursor', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { client: shop, database })
    const { first } = await openFamilyOf(scene)
    const registered = await scene.stage.addClient({ id: 'api', kind: 'service', audiences: ['https://a.example/'] })
    const settings = { database, keys: scene.stage.keys, seed: 'second' }
    const second = await openStage(settings)
    test.after(() => second.close())
    const reader = feedReader(scene.stage.app(registered), second.app(registered))
    await reader.readOn()
    await reader.readOn()
    await scene.app.revoke(first.refreshToken)
    scene.stage.clock.advanceMs(lookEveryMs)
    second.clock.advanceMs(lookEveryMs)
    await reader.readOn()
    assert.equal(reader.isDead(first.accessToken), true)
    const last = await reader.readOn()
    assert.deepEqual([last.entries, last.reset], [[], false])
  })
})
