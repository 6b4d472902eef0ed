/** Opaque tokens at an API: who asks the server, how often, and what an answer is good for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientSecret, type GuardOptions } from '@pawl/verifier'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { openFamilyOf, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { openDatabase } from '../stage/database.ts'
import { type ApiScene, apiUrl, assertRefused, call, openApi, outcome } from '../verifier/api-ground.ts'

const opaque = { client: { ...shop, accessTokenFormat: 'opaque' } }

function introspected(scene: ApiScene): number {
  return scene.asked.filter(path => path === '/introspect').length
}

describe('an API that asks about its tokens', () => {
  it('IN-07 refuses a token that was revoked on another node a moment ago', async test => {
    const database = await openDatabase()
    test.after(() => database.drop())
    const scene = await openApi(test, { ...opaque, database })
    const node = await openStage({ database, keys: scene.stage.keys, seed: 'another node' })
    test.after(() => node.close())
    const guard = scene.guard()
    const { accessToken, refreshToken } = await scene.tokens()
    for (let at = 0; at < 3; at++) assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    assert.equal((await node.app(scene.registered).revoke(refreshToken)).status, 200)
    assertRefused(await guard.verify(call(accessToken)), '401 invalid_token', /not active/)
  })

  it('IN-07 takes no answer that was asked for before the request came', async test => {
    const scene = await openApi(test, opaque)
    const { accessToken, refreshToken } = await scene.tokens()
    const held = Promise.withResolvers<void>()
    let isHolding = false
    const answered = Promise.withResolvers<void>()
    const fetch = async (request: Request): Promise<Response> => {
      const answer = await scene.world.fetch(request)
      if (!isHolding || !request.url.endsWith('/introspect')) return answer
      isHolding = false
      answered.resolve()
      await held.promise
      return answer
    }
    const guard = scene.guard({ world: { ...scene.world, fetch } })
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    isHolding = true
    const first = guard.verify(call(accessToken))
    await answered.promise
    await scene.app.revoke(refreshToken)
    const later = Array.from({ length: 20 }, () => guard.verify(call(accessToken)))
    // Each of them hashes its token before it looks who else asks; hashes that are asked for later come later.
    for (let at = 0; at < 50; at++) await crypto.subtle.digest('SHA-256', new Uint8Array(at))
    held.resolve()
    assert.equal(outcome(await first), 'granted', 'it came before')
    for (const verdict of await Promise.all(later)) assertRefused(verdict, '401 invalid_token', /not active/)
    assert.equal(introspected(scene), 3, 'one ask for all who came later')
  })

  it('IN-08 holds a kept answer against scope, audience and time anew, and shares it with no other caller', async test => {
    const scene = await openApi(test, opaque)
    const { accessToken } = await scene.tokens({ scope: 'openid' })
    const guard = scene.guard({ introspectionSeconds: 60 })
    assert.equal(outcome(await guard.verify(call(accessToken), { scopes: ['openid'] })), 'granted')
    assertRefused(await guard.verify(call(accessToken), { scopes: ['email'] }), '403 insufficient_scope', /scope/)
    assert.equal(introspected(scene), 1)
    scene.stage.clock.advanceSeconds(59)
    const kept = await guard.verify(call(accessToken))
    assert.equal(kept.granted && kept.staleMs, 59_000)
    assert.equal(introspected(scene), 1)
    scene.stage.clock.advanceSeconds(1)
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    assert.equal(introspected(scene), 2)

    const stranger = await scene.stage.addClient({
      id: 'stranger',
      kind: 'service',
      audiences: ['https://other.example'],
    })
    const others: Partial<GuardOptions> = {
      introspectionSeconds: 60,
      credentials: clientSecret('stranger', stranger.secret ?? ''),
    }
    assertRefused(await scene.guard(others).verify(call(accessToken)), '401 invalid_token', /not active/)
    const elsewhere = scene.guard({ introspectionSeconds: 60, audience: 'https://other.example' })
    assertRefused(await elsewhere.verify(call(accessToken)), '401 invalid_token', /audience/)
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
  })

  it('IN-08 keeps no good answer beyond the end of the token, and a bad one only for a moment', async test => {
    const scene = await openApi(test, opaque)
    const guard = scene.guard({ introspectionSeconds: 300, clockSkewSeconds: 0 })
    const { accessToken } = await scene.tokens()
    scene.stage.clock.advanceSeconds(400)
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    scene.stage.clock.advanceSeconds(200)
    assertRefused(await guard.verify(call(accessToken)), '401 invalid_token', /over/)
    const before = introspected(scene)
    for (let at = 0; at < 10; at++)
      assert.equal(outcome(await guard.verify(call('pawl_at_unknown'))), '401 invalid_token')
    assert.equal(introspected(scene), before + 1)
    scene.stage.clock.advanceSeconds(10)
    assert.equal(outcome(await guard.verify(call('pawl_at_unknown'))), '401 invalid_token')
    assert.equal(introspected(scene), before + 2)
  })

  it('IN-01, IN-09 gets a signed answer where it asks for one, and puts off what is not for it', async test => {
    const scene = await openApi(test, opaque)
    const { accessToken } = await scene.tokens()
    const signed = { signedIntrospection: true }
    assertRefused(await scene.guard(signed).verify(call(accessToken)), '503 temporarily_unavailable', /406/)
    await changeClient(scene.stage.workbench, 'api', { introspectionSigned: 'ES256' })
    const verdict = await scene.guard(signed).verify(call(accessToken))
    assert.equal(verdict.granted && verdict.clientId, 'shop')
    assert.equal(verdict.granted && verdict.staleMs, 0)
    const wrong = scene.guard({ ...signed, credentials: clientSecret('api', 'guess') })
    assertRefused(await wrong.verify(call(accessToken)), '503 temporarily_unavailable', /401/)
    const answered = (text: string): Partial<GuardOptions> => ({
      ...signed,
      world: {
        ...scene.world,
        fetch: async request => (request.url.endsWith('/introspect') ? new Response(text) : scene.world.fetch(request)),
      },
    })
    const client = scene.stage.app(await scene.stage.addClient({ ...shop, id: 'jwt', introspectionSigned: 'ES256' }))
    const { first } = await openFamilyOf({ ...scene, app: client }, { resource: apiUrl })
    const accept = 'application/token-introspection+jwt'
    const theirs = await (await client.post('/introspect', { token: first.accessToken }, { accept })).text()
    for (const [text, reason] of [
      [first.accessToken, /typ/],
      [theirs, /somebody else/],
      ['{"active":true}', /no signed JWT/],
    ] as const) {
      const verdict = await scene.guard(answered(text)).verify(call(accessToken))
      assertRefused(verdict, '503 temporarily_unavailable', reason)
    }
  })

  it('asks about JWTs too where that is wanted, and about nothing where it is not', async test => {
    const scene = await openApi(test)
    const { accessToken, refreshToken } = await scene.tokens()
    const [every, none] = [scene.guard({ introspect: 'every' }), scene.guard({ introspect: 'none' })]
    assert.equal(outcome(await every.verify(call(accessToken))), 'granted')
    await scene.app.revoke(refreshToken)
    assertRefused(await every.verify(call(accessToken)), '401 invalid_token', /not active/)
    assert.equal(outcome(await none.verify(call(accessToken))), 'granted', 'nothing is followed')
    assertRefused(await none.verify(call('pawl_at_unknown')), '401 invalid_token', /no signed JWT/)
    scene.cutOff(true)
    assertRefused(await every.verify(call(accessToken + 'x')), '503 temporarily_unavailable', /reached/)
  })
})
