/** Limits of our own that a client meets: it is told so in words it can act on, and nothing of its family moves. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { laneWaitersMax } from '../packages/server/src/domain/family/family-busy.ts'
import { accessTokenCharactersMax } from '../packages/server/src/domain/token/opaque-access-token.ts'
import { openFamilyOf, openScene, shop } from './stage/scene.ts'

describe('a family that more requests wait for than a process queues', () => {
  it('lets a refresh come back later, and a revocation too', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const flood = Array.from({ length: laneWaitersMax + 50 }, () => scene.app.refresh(first.refreshToken))
    const revocation = scene.app.post('/revoke', { token: first.refreshToken })
    const answers = await Promise.all(flood)
    const statuses = new Set(answers.map(answer => answer.status))
    assert.deepEqual(statuses, new Set([200, 429]))
    assert.equal(new Set(answers.filter(each => each.status === 200).map(each => each.refreshToken)).size, 1)
    const refused = await revocation
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.deepEqual(await refused.json(), { error: 'temporarily_unavailable' })
    assert.equal((await scene.app.post('/revoke', { token: first.refreshToken })).status, 200)
    assert.equal((await scene.app.refresh(first.refreshToken)).status, 400)
  })
})

describe('an access token', () => {
  it('is never longer than what introspection and revocation read', async test => {
    const robot = { id: 'robot', kind: 'service', scopes: ['read'] }
    for (const length of [50, 355, 360, 900]) {
      const scene = await openScene(test, { client: robot })
      const answer = await askFor(scene, length)
      if (answer.status === 200) {
        const { access_token: token } = (await answer.json()) as { readonly access_token: string }
        assert.ok(token.length <= accessTokenCharactersMax)
        assert.equal(await isActive(scene, token), true)
        await scene.app.post('/revoke', { token })
        assert.equal(await isActive(scene, token), false)
      } else {
        assert.equal(answer.status, 400)
        assert.equal(((await answer.json()) as { readonly error: string }).error, 'invalid_target')
        assert.equal((await scene.stage.pawl.store.families.list({}, 10)).length, 0)
      }
      assert.equal(answer.status, length < 360 ? 200 : 400, `${length} characters`)
    }
  })
})

type Scene = Awaited<ReturnType<typeof openScene>>

/** Sixteen resources of so many characters each, for a client that may name any. */
function askFor({ stage, registered }: Scene, length: number) {
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  for (let at = 0; at < 16; at++) body.append('resource', `https://api.example/${at}/`.padEnd(length, 'r'))
  const basic = Buffer.from(`${registered.client.id}:${registered.secret ?? ''}`).toString('base64')
  return stage.send('/token', { method: 'POST', body, headers: { authorization: `Basic ${basic}` } })
}

async function isActive({ app }: Scene, token: string): Promise<boolean> {
  const answer = (await (await app.post('/introspect', { token })).json()) as { readonly active: boolean }
  return answer.active
}
