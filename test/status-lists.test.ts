/** Token Status List: who follows the lists learns within seconds what has ended, without asking about any token. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { disableUser } from '../packages/server/src/admin/users.ts'
import {
  statusListFamilies,
  statusListGoodSeconds,
  statusListSeconds,
} from '../packages/server/src/domain/status/status-lists.ts'
import type { Tokens } from './stage/app.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from './stage/scene.ts'

const settings = { statusLists: true }
const path = '/status-lists'

interface Place {
  readonly idx: number
  readonly uri: string
}

function placeOf(tokens: Tokens): Place {
  const { status_list } = decodeJwt(tokens.accessToken)['status'] as { status_list: Place }
  return status_list
}

async function fetchList(scene: Scene, uri: string) {
  const { pathname, search } = new URL(uri)
  const answer = await scene.stage.send(pathname + search)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/statuslist+jwt')
  assert.equal(answer.headers.get('cache-control'), `public, max-age=${statusListSeconds}`)
  const keys = createLocalJWKSet((await (await scene.stage.send('/jwks')).json()) as JSONWebKeySet)
  const currentDate = new Date(scene.stage.clock.nowMs())
  const { payload } = await jwtVerify(await answer.text(), keys, { typ: 'statuslist+jwt', currentDate })
  const list = payload['status_list'] as { readonly bits: number; readonly lst: string }
  return { payload, list, bytes: inflateSync(Buffer.from(list.lst, 'base64url')) }
}

/** As draft-ietf-oauth-status-list §8.3 tells a resource server to look: 0 is valid, 1 is not. */
async function statusOf(scene: Scene, { idx, uri }: Place): Promise<number> {
  const { payload, bytes } = await fetchList(scene, uri)
  assert.equal(payload.sub, uri)
  return ((bytes[idx >> 3] ?? 0) >> (idx & 7)) & 1
}

describe('a list of status', () => {
  it('is signed, fresh for seconds, and of one bit for each place', async test => {
    const scene = await openScene(test, { client: shop, settings })
    const { first } = await openFamilyOf(scene)
    const { payload, list, bytes } = await fetchList(scene, placeOf(first).uri)
    const now = scene.stage.clock.nowMs() / 1000
    assert.deepEqual([payload.iat, payload.exp, payload['ttl']], [now, now + statusListGoodSeconds, statusListSeconds])
    assert.equal(list.bits, 1)
    assert.equal(bytes.length, statusListFamilies / 8)
    assert.deepEqual(Object.keys(payload).toSorted(), ['exp', 'iat', 'status_list', 'sub', 'ttl'])
  })

  it('says within seconds that a family has ended, and nothing of any other', async test => {
    const scene = await openScene(test, { client: shop, settings })
    const [one, other] = [await openFamilyOf(scene), await openFamilyOf(scene)]
    const places = [placeOf(one.first), placeOf(other.first)] as const
    assert.notDeepEqual(places[0], places[1])
    assert.deepEqual([await statusOf(scene, places[0]), await statusOf(scene, places[1])], [0, 0])
    await scene.app.revoke(one.first.refreshToken)
    scene.stage.clock.advanceSeconds(statusListSeconds)
    assert.deepEqual([await statusOf(scene, places[0]), await statusOf(scene, places[1])], [1, 0])
    assert.equal((await scene.app.introspect(one.first.accessToken)).active, false)
    await assertUnchanged(scene.app, other.first)
  })

  it('follows a cut-off and a reuse, and names the same place after a refresh', async test => {
    const scene = await openScene(test, { client: shop, settings })
    const { first } = await openFamilyOf(scene)
    const second = await assertUnchanged(scene.app, first)
    const third = await assertUnchanged(scene.app, second)
    assert.deepEqual(placeOf(third), placeOf(first))
    const kept = await openFamilyOf(scene)
    assert.equal((await scene.app.refresh(first.refreshToken)).status, 400, 'a reuse')
    scene.stage.clock.advanceSeconds(statusListSeconds)
    const places = [placeOf(third), placeOf(kept.first)] as const
    assert.deepEqual([await statusOf(scene, places[0]), await statusOf(scene, places[1])], [1, 0])
    await disableUser(scene.stage.workbench, 'ada@example.com')
    scene.stage.clock.advanceSeconds(statusListSeconds)
    assert.deepEqual([await statusOf(scene, places[0]), await statusOf(scene, places[1])], [1, 1])
  })

  it('forgets what no access token can be alive of', async test => {
    const scene = await openScene(test, { client: shop, settings })
    const { first } = await openFamilyOf(scene)
    await scene.app.revoke(first.refreshToken)
    scene.stage.clock.advanceSeconds(3600 + 599)
    assert.equal(await statusOf(scene, placeOf(first)), 1)
    scene.stage.clock.advanceSeconds(60)
    assert.equal(await statusOf(scene, placeOf(first)), 0)
  })

  it('is found through the metadata, and there are no others', async test => {
    const scene = await openScene(test, { client: shop, settings })
    const metadata = (await (await scene.stage.send('/.well-known/openid-configuration')).json()) as object
    assert.equal('status_list_aggregation_endpoint' in metadata, true)
    const named = async () => (await (await scene.stage.send(path)).json()) as object
    assert.deepEqual(await named(), { status_lists: [] })
    const { first } = await openFamilyOf(scene)
    assert.deepEqual(await named(), { status_lists: [placeOf(first).uri] })
    for (const query of [
      '?list=1',
      '?list=-1',
      '?list=',
      '?list=00',
      '?list=0&list=0',
      '?other=0',
      '?list=99999999999',
    ]) {
      assert.equal((await scene.stage.send(path + query)).status, 404, query)
    }
  })

  it('is not spoken of by an opaque token, and by none where there are no lists', async test => {
    const scene = await openScene(test, { client: { ...shop, accessTokenFormat: 'opaque' }, settings })
    const { first } = await openFamilyOf(scene)
    assert.equal('status' in (await scene.app.introspect(first.accessToken)), false)
    const without = await openScene(test, { client: shop })
    const plain = await openFamilyOf(without)
    assert.equal('status' in decodeJwt(plain.first.accessToken), false)
    assert.equal((await without.stage.send(path)).status, 404)
    const metadata = (await (await without.stage.send('/.well-known/openid-configuration')).json()) as object
    assert.equal('status_list_aggregation_endpoint' in metadata, false)
  })
})
