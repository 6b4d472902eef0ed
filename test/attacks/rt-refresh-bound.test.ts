/** Refresh tokens and the keys they are bound to, and are not (RFC 9449 §5, §5.2). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import type { Tokens } from '../stage/app.ts'
import { dpopKey } from '../stage/dpop.ts'
import { eventsOf } from '../stage/events.ts'
import { openFamilyOf, openScene, phone, rowOf, shop } from '../stage/scene.ts'

const boundShop = { ...shop, dpopBoundAccessTokens: true }
const spa = { id: 'page', kind: 'spa', refresh: true, redirectUris: ['https://page.example/cb'] }

async function sceneOf(test: TestContext, client: { readonly id: string; readonly kind: string }) {
  const scene = await openScene(test, { client })
  const [mine, thiefs] = [await dpopKey(scene.stage), await dpopKey(scene.stage)]
  return { ...scene, mine, thiefs }
}

function thumbprintIn(tokens: Tokens): unknown {
  return (decodeJwt(tokens.accessToken)['cnf'] as { jkt?: unknown } | undefined)?.jkt
}

describe('a family that is bound to a key', () => {
  it('RT-29 is a public client’s whose first refresh token was asked for with a proof, or every spa’s', async test => {
    for (const client of [phone, spa]) {
      const scene = await sceneOf(test, client)
      const { first, familyId } = await openFamilyOf(scene, {}, await scene.mine.proof({}))
      assert.deepEqual([first.body['token_type'], thumbprintIn(first)], ['DPoP', scene.mine.thumbprint])
      const { binding } = await rowOf(scene.stage, familyId)
      assert.deepEqual(binding, { kind: 'dpop', thumbprint: scene.mine.thumbprint })
    }
  })

  it('RT-29 is refreshed by its key alone, and no other try moves or ends it', async test => {
    const scene = await sceneOf(test, phone)
    const { stage, app, mine, thiefs } = scene
    const { first, familyId } = await openFamilyOf(scene, {}, await mine.proof({}))
    const before = await rowOf(stage, familyId)
    for (const headers of [{}, await thiefs.proof({}), await thiefs.proof({})]) {
      const refused = await app.refresh(first.refreshToken, {}, headers)
      assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_grant'])
    }
    assert.deepEqual(await rowOf(stage, familyId), before)
    const [event, ...more] = await eventsOf(stage, 'binding_missing')
    assert.deepEqual([event?.count, more.length], [3, 0])
    assert.equal((await app.refresh(first.refreshToken, {}, await mine.proof({}))).status, 200)
  })

  it('RT-29 is repeated for its key at any time, and older tokens end nothing', async test => {
    const scene = await sceneOf(test, phone)
    const { stage, app, mine, thiefs } = scene
    const { first, familyId } = await openFamilyOf(scene, {}, await mine.proof({}))
    const second = await app.refresh(first.refreshToken, {}, await mine.proof({}))
    stage.clock.advanceSeconds(10 * 86_400)
    const again = await app.refresh(first.refreshToken, {}, await mine.proof({}))
    assert.deepEqual([again.status, again.refreshToken], [200, second.refreshToken])
    assert.equal((await app.refresh(first.refreshToken, {}, await thiefs.proof({}))).status, 400)
    const third = await app.refresh(second.refreshToken, {}, await mine.proof({}))
    assert.equal((await app.refresh(first.refreshToken, {}, await mine.proof({}))).status, 400, 'older')
    assert.equal((await app.refresh(third.refreshToken, {}, await mine.proof({}))).status, 200)
    assert.equal((await rowOf(stage, familyId)).end, null)
    assert.equal((await eventsOf(stage, 'token_reused')).length, 0)
    assert.equal((await eventsOf(stage, 'token_stale'))[0]?.count, 1)
  })

  it('RT-29 answers one of two proofs that race, and repeats to the other', async test => {
    const scene = await sceneOf(test, phone)
    const { app, mine } = scene
    const { first } = await openFamilyOf(scene, {}, await mine.proof({}))
    const proofs = await Promise.all(Array.from({ length: 6 }, () => mine.proof({})))
    const all = await Promise.all(proofs.map(proof => app.refresh(first.refreshToken, {}, proof)))
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(all.map(({ refreshToken }) => refreshToken)).size, 1)
  })

  it('RT-29 of an spa is refreshed by a proof or not at all', async test => {
    const scene = await sceneOf(test, spa)
    const authorization = await scene.app.authorize(scene.browser)
    const refused = await scene.app.redeem(authorization)
    assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_dpop_proof'])
    const first = await scene.app.redeem(authorization, {}, await scene.mine.proof({}))
    assert.equal(first.status, 200, 'the code was not spent')
    const bare = await scene.app.refresh(first.refreshToken)
    assert.deepEqual([bare.status, bare.body['error']], [400, 'invalid_dpop_proof'])
  })
})

describe('a family that is bound to no key', () => {
  it('RT-29 stays unbound whoever shows a proof, and only that access token is bound', async test => {
    const scene = await sceneOf(test, phone)
    const { stage, app, mine, thiefs } = scene
    const { first, familyId } = await openFamilyOf(scene)
    assert.deepEqual([first.body['token_type'], thumbprintIn(first)], ['Bearer', undefined])
    let token = first.refreshToken
    for (const key of [mine, thiefs]) {
      const bound = await app.refresh(token, {}, await key.proof({}))
      assert.deepEqual([bound.status, bound.body['token_type']], [200, 'DPoP'])
      assert.equal(thumbprintIn(bound), key.thumbprint)
      assert.equal((await rowOf(stage, familyId)).binding, null)
      token = bound.refreshToken
    }
    const bare = await app.refresh(token)
    assert.deepEqual([bare.status, bare.body['token_type'], thumbprintIn(bare)], [200, 'Bearer', undefined])
  })

  it('RT-29 is judged by the repeat window, whatever key is shown', async test => {
    const scene = await sceneOf(test, phone)
    const { stage, app, mine } = scene
    const { first, familyId } = await openFamilyOf(scene)
    await app.refresh(first.refreshToken, {}, await mine.proof({}))
    stage.clock.advanceSeconds(61)
    const late = await app.refresh(first.refreshToken, {}, await mine.proof({}))
    assert.deepEqual([late.status, late.body['error']], [400, 'invalid_grant'])
    assert.equal((await rowOf(stage, familyId)).end?.reason, 'reuse')
    assert.equal((await eventsOf(stage, 'token_reused')).length, 1)
  })
})

describe('a confidential client', () => {
  it('RT-28 of kind integration keeps its refresh token where every request shows a key', async test => {
    const client = { ...boundShop, id: 'ledger', kind: 'integration' }
    const scene = await sceneOf(test, client)
    const { stage, app, mine, thiefs: renewed } = scene
    const { first, familyId } = await openFamilyOf(scene, {}, await mine.proof({}))
    for (const key of [mine, renewed, mine]) {
      stage.clock.advanceSeconds(86_400)
      const answer = await app.refresh(first.refreshToken, {}, await key.proof({}))
      assert.deepEqual([answer.status, answer.refreshToken], [200, first.refreshToken])
      assert.deepEqual([thumbprintIn(answer), answer.body['refresh_token_timeout']], [key.thumbprint, 90 * 86_400])
    }
    const { generation, usedAtMs } = await rowOf(stage, familyId)
    assert.deepEqual([generation, usedAtMs], [1, stage.clock.nowMs()])
    const proof = await mine.proof({})
    assert.equal((await app.refresh(first.refreshToken, {}, proof)).status, 200)
    assert.equal((await app.refresh(first.refreshToken, {}, proof)).status, 400, 'a proof is good once all the same')
  })

  it('RT-28 refreshes with a new DPoP key, and the access token is bound to the new one', async test => {
    const scene = await sceneOf(test, shop)
    const { stage, app, mine, thiefs: renewed } = scene
    const { first, familyId } = await openFamilyOf(scene, {}, await mine.proof({}))
    assert.equal(thumbprintIn(first), mine.thumbprint)
    assert.equal((await rowOf(stage, familyId)).binding, null, 'the family is bound to the client')
    const second = await app.refresh(first.refreshToken, {}, await renewed.proof({}))
    assert.deepEqual([second.status, thumbprintIn(second)], [200, renewed.thumbprint])
    assert.deepEqual(await app.introspect(second.accessToken).then(({ token_type, cnf }) => [token_type, cnf]), [
      'DPoP',
      { jkt: renewed.thumbprint },
    ])
    const third = await app.refresh(second.refreshToken)
    assert.deepEqual([third.status, third.body['token_type'], thumbprintIn(third)], [200, 'Bearer', undefined])
    assert.equal((await app.introspect(third.accessToken))['token_type'], 'Bearer')
  })

  it('RT-28 is held to proofs where it is registered for them', async test => {
    const scene = await sceneOf(test, boundShop)
    const { app, mine } = scene
    const { first } = await openFamilyOf(scene, {}, await mine.proof({}))
    const bare = await app.refresh(first.refreshToken)
    assert.deepEqual([bare.status, bare.body['error']], [400, 'invalid_dpop_proof'])
    assert.equal((await app.refresh(first.refreshToken, {}, await mine.proof({}))).status, 200)
  })
})
