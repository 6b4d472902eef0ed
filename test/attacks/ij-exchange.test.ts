/** Attacks on token exchange: credentials that are there and cannot be read are never left out. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { dpopKey } from '../stage/dpop.ts'
import { branch, handOn } from '../stage/exchange.ts'
import { accessTokenType, refreshTokenType } from '../../packages/server/src/oauth/grants/token-types.ts'
import { assertUnchanged, openScene, shop } from '../stage/scene.ts'

const api = 'https://orders.example/'
const unreadable = ['', 'x', 'a.b.c', 'pawl_rt_x', '{}', 'x'.repeat(9000), '\u00e9', 'null']

async function sent(test: TestContext) {
  const client = { ...shop, scopes: ['openid', 'email', 'offline_access', 'read'], exchange: 'impersonation' }
  const scene = await openScene(test, { client })
  const tokens = await scene.app.signIn(scene.browser, { scope: 'openid offline_access read', resource: api })
  return { ...scene, tokens }
}

describe('token exchange with a credential that cannot be read', () => {
  it('IJ-12 refuses the subject token, whatever else is good', async test => {
    const { app, tokens } = await sent(test)
    for (const subject of unreadable) {
      const answer = await handOn(app, subject, { resource: api })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'], subject.slice(0, 20))
      const branched = await branch(app, subject)
      assert.deepEqual([branched.status, branched.body['error']], [400, 'invalid_request'], subject.slice(0, 20))
    }
    await assertUnchanged(app, tokens)
  })

  it('IJ-12 refuses the actor token instead of impersonating without one', async test => {
    const { app, tokens } = await sent(test)
    assert.equal((await handOn(app, tokens.accessToken, { resource: api })).status, 200)
    for (const actor_token of unreadable) {
      const actor = { actor_token, actor_token_type: accessTokenType }
      const answer = await handOn(app, tokens.accessToken, { resource: api, ...actor })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_request'], actor_token.slice(0, 20))
    }
  })

  it('IJ-12 refuses half an actor: a token without its type, a type without its token, an unknown type', async test => {
    const { app, tokens } = await sent(test)
    const whole = { actor_token: tokens.accessToken, actor_token_type: accessTokenType }
    assert.equal((await branch(app, tokens.refreshToken, whole)).status, 400, 'nobody acts in a branch')
    const halves = [
      { actor_token: tokens.accessToken },
      { actor_token_type: accessTokenType },
      { actor_token: tokens.accessToken, actor_token_type: '' },
      { actor_token: tokens.accessToken, actor_token_type: refreshTokenType },
    ]
    for (const half of halves) {
      const exchanged = await handOn(app, tokens.accessToken, { resource: api, ...half })
      assert.deepEqual([exchanged.status, exchanged.body['error']], [400, 'invalid_request'], JSON.stringify(half))
      const branched = await branch(app, tokens.refreshToken, half)
      assert.deepEqual([branched.status, branched.body['error']], [400, 'invalid_request'])
    }
    await assertUnchanged(app, tokens)
  })

  it('IJ-12 refuses an unreadable DPoP proof instead of answering with bearer tokens', async test => {
    const { app, stage, tokens } = await sent(test)
    const key = await dpopKey(stage)
    for (const dpop of ['x', 'a.b.c', `${(await key.proof({})).dpop}x`]) {
      const answer = await handOn(app, tokens.accessToken, { resource: api }, { dpop })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_dpop_proof'])
      assert.equal((await branch(app, tokens.refreshToken, {}, { dpop })).body['error'], 'invalid_dpop_proof')
    }
    const bound = await handOn(app, tokens.accessToken, { resource: api }, await key.proof({}))
    assert.deepEqual([bound.status, bound.body['token_type']], [200, 'DPoP'])
    await assertUnchanged(app, tokens)
  })
})
