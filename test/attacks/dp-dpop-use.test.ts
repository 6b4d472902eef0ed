/** When and where a proof is good, and how often: time, nonces, marks, endpoints, codes (RFC 9449 §7 to §11). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { dpopKey } from '../stage/dpop.ts'
import { fieldsOf } from '../stage/requests.ts'
import { databaseFor, familyIdOf, openScene, rowOf, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import type { Tokens } from '../stage/app.ts'

const spa = { id: 'page', kind: 'spa', refresh: true, redirectUris: ['https://page.example/cb'] }

async function sceneWithKey(test: TestContext, options: Parameters<typeof openScene>[1] = {}) {
  const scene = await openScene(test, { client: spa, ...options })
  return { ...scene, key: await dpopKey(scene.stage) }
}

async function boundScene(test: TestContext, options: Parameters<typeof openScene>[1] = {}) {
  const scene = await sceneWithKey(test, options)
  const { app, browser, stage, key } = scene
  const authorization = await app.authorize(browser)
  const asked = await app.redeem(authorization, {}, await key.proof({}))
  const nonce = asked.headers.get('dpop-nonce')
  const first = nonce === null ? asked : await app.redeem(authorization, {}, await key.proof({ nonce }))
  assert.equal(first.status, 200)
  return { ...scene, first, familyId: familyIdOf(stage, first.refreshToken), refreshToken: first.refreshToken }
}

function errorOf({ status, body }: Tokens): readonly unknown[] {
  return [status, body['error']]
}

const invalidProof = [400, 'invalid_dpop_proof']

describe('the time of a proof', () => {
  it('DP-08 may be ten seconds off in both directions, and not an hour', async test => {
    const { app, key, refreshToken } = await boundScene(test)
    for (const aheadSeconds of [3600, -3600, 901, -901]) {
      assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, await key.proof({ aheadSeconds }))), invalidProof)
    }
    for (const aheadSeconds of [10, -10, 30, -60]) {
      assert.equal((await app.refresh(refreshToken, {}, await key.proof({ aheadSeconds }))).status, 200)
    }
  })

  it('DP-08 asks a clock that is minutes off for a nonce, and takes it then', async test => {
    const { app, key, refreshToken } = await boundScene(test)
    for (const aheadSeconds of [31, -61, 900, -900]) {
      const asked = await app.refresh(refreshToken, {}, await key.proof({ aheadSeconds }))
      assert.deepEqual(errorOf(asked), [400, 'use_dpop_nonce'])
      const nonce = asked.headers.get('dpop-nonce') ?? ''
      assert.equal((await app.refresh(refreshToken, {}, await key.proof({ aheadSeconds, nonce }))).status, 200)
    }
    const nonce = (await app.refresh(refreshToken, {}, await key.proof({ aheadSeconds: 31 }))).headers.get('dpop-nonce')
    const hourOff = await key.proof({ aheadSeconds: 3600, nonce: nonce ?? '' })
    assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, hourOff)), invalidProof)
  })

  it('DP-08 is never more than a minute ahead of a client that runs on a server, nonce or none', async test => {
    const scene = await openScene(test, { client: shop, settings: { dpopNonces: true } })
    const { app, browser, stage } = scene
    const key = await dpopKey(stage)
    const authorization = await app.authorize(browser)
    const asked = await app.redeem(authorization, {}, await key.proof({}))
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const late = await app.redeem(authorization, {}, await key.proof({ nonce, aheadSeconds: 61 }))
    assert.deepEqual(errorOf(late), invalidProof)
    assert.equal((await app.redeem(authorization, {}, await key.proof({ nonce, aheadSeconds: 60 }))).status, 200)
  })

  it('DP-08 is also what its exp and nbf say', async test => {
    const { stage, app, key, refreshToken } = await boundScene(test)
    const now = stage.clock.nowMs() / 1000
    for (const claims of [{ exp: now - 30 }, { nbf: now + 31 }, { exp: 'soon' }, { nbf: [] }]) {
      assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, await key.proof({ claims }))), invalidProof)
    }
    const good = await key.proof({ claims: { exp: now - 29, nbf: now + 30, iat: now + 0.5 } })
    assert.equal((await app.refresh(refreshToken, {}, good)).status, 200)
  })
})

describe('the mark of a proof', () => {
  it('DP-09 is taken once on a node, and by one of many at once', async test => {
    const { app, key, refreshToken } = await boundScene(test)
    const proof = await key.proof({})
    const all = await Promise.all(Array.from({ length: 8 }, () => app.refresh(refreshToken, {}, proof)))
    assert.equal(all.filter(({ status }) => status === 200).length, 1)
    for (const refused of all.filter(({ status }) => status !== 200)) assert.deepEqual(errorOf(refused), invalidProof)
    assert.equal((await app.refresh(refreshToken, {}, await key.proof({}))).status, 200, 'a repeat with a fresh proof')
  })

  it('DP-09 is taken on another node and after a restart too', async test => {
    const database = await databaseFor(test)
    const { stage, registered, app, key, refreshToken } = await boundScene(test, { database })
    const proof = await key.proof({})
    assert.equal((await app.refresh(refreshToken, {}, proof)).status, 200)
    const startsAtMs = stage.clock.nowMs()
    const other = await openStage({ database, keys: stage.keys, startsAtMs })
    const beside = other.app(registered)
    assert.deepEqual(errorOf(await beside.refresh(refreshToken, {}, proof)), invalidProof)
    await other.close()
    const later = await openStage({ database, keys: stage.keys, startsAtMs: startsAtMs + 59_000 })
    const after = later.app(registered)
    assert.deepEqual(errorOf(await after.refresh(refreshToken, {}, proof)), invalidProof)
    assert.equal((await after.refresh(refreshToken, {}, await key.proof({}))).status, 200)
    await later.close()
  })

  it('DP-09 is for its code too, and for client credentials', async test => {
    const { stage, app, browser, key } = await sceneWithKey(test)
    const proof = await key.proof({})
    const [one, other] = [await app.authorize(browser), await app.authorize(browser)]
    assert.equal((await app.redeem(one, {}, proof)).status, 200)
    assert.deepEqual(errorOf(await app.redeem(other, {}, proof)), invalidProof)
    assert.equal((await app.redeem(other, {}, await key.proof({}))).status, 200, 'the code was not spent')
    const robot = stage.app(await stage.addClient({ id: 'robot', kind: 'service', scopes: ['read'] }))
    const asked = await key.proof({})
    const twice = [1, 2].map(() => robot.post('/token', { grant_type: 'client_credentials' }, asked))
    const statuses = (await Promise.all(twice)).map(({ status }) => status)
    assert.deepEqual(new Set(statuses), new Set([200, 400]))
  })

  it('DP-12 is still there after a flood of others, for as long as its proof is good', async test => {
    const { stage, app, key, refreshToken } = await boundScene(test)
    const proof = await key.proof({})
    assert.equal((await app.refresh(refreshToken, {}, proof)).status, 200)
    const expiresAtMs = stage.clock.nowMs() + 60_000
    for (let from = 0; from < 20_000; from += 500) {
      const values = Array.from({ length: 500 }, (_, at) => `flood ${from + at}`)
      await Promise.all(values.map(value => stage.pawl.store.marks.take('dpop', value, expiresAtMs)))
    }
    stage.clock.advanceSeconds(60)
    assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, proof)), invalidProof)
    stage.clock.advanceMs(1)
    assert.deepEqual(
      errorOf(await app.refresh(refreshToken, {}, proof)),
      [400, 'use_dpop_nonce'],
      'refused by time now',
    )
  })
})

describe('a nonce', () => {
  const settings = { dpopNonces: true }

  it('DP-10 is asked for where there is none, and one retry with it is enough', async test => {
    const { app, browser, key } = await sceneWithKey(test, { settings })
    const authorization = await app.authorize(browser)
    const asked = await app.redeem(authorization, {}, await key.proof({}))
    assert.deepEqual(errorOf(asked), [400, 'use_dpop_nonce'])
    assert.equal(asked.headers.get('cache-control'), 'no-store')
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const first = await app.redeem(authorization, {}, await key.proof({ nonce }))
    assert.equal(first.status, 200)
    const next = first.headers.get('dpop-nonce') ?? ''
    assert.equal((await app.refresh(first.refreshToken, {}, await key.proof({ nonce: next }))).status, 200)
  })

  it('DP-10 is refused when it is guessed, another issuer’s, or too old', async test => {
    const { stage, app, browser, key } = await sceneWithKey(test, { settings })
    const asked = await app.redeem(await app.authorize(browser), {}, await key.proof({}))
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const others = await openStage({ seed: 'another', settings: { issuer: 'http://localhost:1', ...settings } })
    const foreign = others.app(await others.addClient(spa))
    await others.addUser()
    const theirKey = await dpopKey(others)
    const told = await foreign.redeem(await foreign.authorize(others.browser()), {}, await theirKey.proof({}))
    await others.close()
    const authorization = await app.authorize(browser)
    const wrong = ['guessed', '', nonce.slice(1), `${nonce}A`, told.headers.get('dpop-nonce') ?? '']
    for (const one of wrong) {
      const refused = await app.redeem(authorization, {}, await key.proof({ claims: { nonce: one } }))
      assert.equal(refused.status, 400, one)
      assert.match(String(refused.body['error']), /^(use_dpop_nonce|invalid_dpop_proof)$/)
    }
    stage.clock.advanceSeconds(120)
    const stale = await app.redeem(await app.authorize(browser), {}, await key.proof({ nonce }))
    assert.deepEqual(errorOf(stale), [400, 'use_dpop_nonce'])
    assert.notEqual(stale.headers.get('dpop-nonce'), nonce)
  })

  it('DP-11 is taken by two nodes in its own window and in the next, and in no later one', async test => {
    const database = await databaseFor(test)
    const { stage, registered, key, refreshToken, app } = await boundScene(test, { database, settings })
    const asked = await app.refresh(refreshToken, {}, await key.proof({}))
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const windowMs = 60_000
    const restMs = windowMs - (stage.clock.nowMs() % windowMs)
    const statusesAt = async (nowMs: number) => {
      const nodes = [1, 2].map(() => openStage({ database, keys: stage.keys, startsAtMs: nowMs, settings }))
      const statuses: number[] = []
      for (const node of await Promise.all(nodes)) {
        stage.clock.set(node.clock.nowMs())
        const answer = await node.app(registered).refresh(refreshToken, {}, await key.proof({ nonce }))
        statuses.push(answer.status)
        await node.close()
      }
      return statuses
    }
    const startMs = stage.clock.nowMs()
    assert.deepEqual(await statusesAt(startMs + restMs - 1), [200, 200])
    assert.deepEqual(await statusesAt(startMs + restMs), [200, 200])
    assert.deepEqual(await statusesAt(startMs + restMs + windowMs - 1), [200, 200])
    assert.deepEqual(await statusesAt(startMs + restMs + windowMs), [400, 400])
  })

  it('DP-17 is what makes proofs that were made ahead worthless', async test => {
    const { stage, app, key, refreshToken } = await boundScene(test, { settings })
    const asked = await app.refresh(refreshToken, {}, await key.proof({}))
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const ahead = await Promise.all([9, 60, 300].map(aheadSeconds => key.proof({ aheadSeconds, nonce })))
    stage.clock.advanceSeconds(180)
    for (const proof of ahead) {
      assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, proof)), [400, 'use_dpop_nonce'])
    }
  })
})

describe('a bound access token at userinfo', () => {
  it('DP-13 is refused as a bearer token, and without or with a wrong proof', async test => {
    const { stage, key, first } = await boundScene(test)
    const { accessToken } = first
    const other = await dpopKey(stage)
    const get = { path: '/userinfo', method: 'GET' } as const
    const ask = async (scheme: string, proof: { readonly dpop?: string }) => {
      const response = await stage.send('/userinfo', {
        headers: { authorization: `${scheme} ${accessToken}`, ...proof },
      })
      return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' }
    }
    const refusals = {
      'as a bearer token': ['Bearer', {}, 'invalid_token'],
      'as a bearer token with a proof': ['Bearer', await key.proof({ ...get, accessToken }), 'invalid_token'],
      'without a proof': ['DPoP', {}, 'invalid_token'],
      'without ath': ['DPoP', await key.proof(get), 'invalid_dpop_proof'],
      'with the ath of another token': ['DPoP', await key.proof({ ...get, accessToken: 'x' }), 'invalid_dpop_proof'],
      'with a proof for POST': ['DPoP', await key.proof({ path: '/userinfo', accessToken }), 'invalid_dpop_proof'],
      'with the key of another': ['DPoP', await other.proof({ ...get, accessToken }), 'invalid_token'],
    } as const
    for (const [about, [scheme, proof, code]] of Object.entries(refusals)) {
      const { status, challenge } = await ask(scheme, proof)
      assert.equal(status, 401, about)
      assert.match(challenge, new RegExp(`^DPoP error="${code}", algs="ES256 `), about)
    }
    const good = await key.proof({ ...get, accessToken })
    assert.equal((await ask('DPoP', good)).status, 200)
    assert.equal((await ask('DPoP', good)).status, 401, 'the same proof again')
    assert.equal((await ask('dpop', await key.proof({ ...get, accessToken }))).status, 200, 'a scheme has no case')
  })

  it('DP-13 asks for a nonce by 401, and a bearer token never comes as a DPoP token', async test => {
    const { stage, key, first } = await boundScene(test, { settings: { dpopNonces: true } })
    const { accessToken } = first
    const get = { path: '/userinfo', method: 'GET', accessToken } as const
    const ask = async (proof: HeadersInit) => {
      const headers = new Headers(proof)
      headers.set('authorization', `DPoP ${accessToken}`)
      return stage.send('/userinfo', { headers })
    }
    const asked = await ask(await key.proof(get))
    assert.equal(asked.status, 401)
    assert.match(asked.headers.get('www-authenticate') ?? '', /^DPoP error="use_dpop_nonce"/)
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const answered = await ask(await key.proof({ ...get, nonce }))
    assert.deepEqual([answered.status, answered.headers.get('dpop-nonce')], [200, nonce])
    const bare = stage.app(
      await stage.addClient({ id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }),
    )
    const bearer = await bare.signIn(stage.browser())
    const headers = { authorization: `DPoP ${bearer.accessToken}`, ...(await key.proof({ ...get, nonce })) }
    assert.equal((await stage.send('/userinfo', { headers })).status, 401)
  })
})

describe('a code', () => {
  it('DP-15 for a key is redeemed by that key alone', async test => {
    const { app, browser, key, stage } = await sceneWithKey(test, { client: { ...spa, id: 'app', kind: 'native' } })
    const other = await dpopKey(stage)
    const authorization = await app.authorize(browser, { dpop_jkt: key.thumbprint })
    assert.deepEqual(errorOf(await app.redeem(authorization)), [400, 'invalid_grant'])
    assert.deepEqual(errorOf(await app.redeem(authorization, {}, await other.proof({}))), [400, 'invalid_grant'])
    const first = await app.redeem(authorization, {}, await key.proof({}))
    assert.equal(first.status, 200, 'the others did not spend it')
    assert.equal(first.body['token_type'], 'DPoP')
  })

  it('DP-15 is for no key that is no thumbprint', async test => {
    const { app, browser } = await sceneWithKey(test)
    for (const dpop_jkt of ['short', 'x'.repeat(44), `${'x'.repeat(42)}=`]) {
      const left = (await browser.open(app.authorizePath({ dpop_jkt }).path)).leftTo
      assert.equal(left?.searchParams.get('error'), 'invalid_request', dpop_jkt)
    }
  })
})

describe('a proof for one endpoint', () => {
  it('DP-16 is good at no other, nor for another method or server', async test => {
    const { stage, app, key, refreshToken, familyId } = await boundScene(test)
    const before = await rowOf(stage, familyId)
    const wrong = {
      'for /revoke': { path: '/revoke' },
      'for /userinfo': { path: '/userinfo' },
      'for GET': { method: 'GET' },
      'for post': { method: 'post' },
      'for another host': { claims: { htu: 'https://evil.example/token' } },
      'for a path below': { path: '/token/x' },
      'for a slash more': { path: '/token/' },
      'for another port': { claims: { htu: stage.issuer.replace(/:\d+$/, ':1') } },
      'with a name in it': { claims: { htu: stage.issuer.replace('//', '//user@') } },
      'for no URL': { claims: { htu: '/token' } },
    }
    for (const [about, of] of Object.entries(wrong)) {
      assert.deepEqual(errorOf(await app.refresh(refreshToken, {}, await key.proof(of))), invalidProof, about)
    }
    assert.deepEqual(await rowOf(stage, familyId), before)
    const { fields } = fieldsOf(app)
    const pushed = await app.post('/par', fields, await key.proof({}))
    assert.deepEqual([pushed.status, ((await pushed.json()) as { error?: unknown }).error], invalidProof, 'at /par')
    assert.equal((await app.post('/par', fields, await key.proof({ path: '/par' }))).status, 201)
    for (const htu of [`${stage.issuer}/token?x=1`, `${stage.issuer}/token#y`, `${stage.issuer}/./token`]) {
      assert.equal((await app.refresh(refreshToken, {}, await key.proof({ claims: { htu } }))).status, 200, htu)
    }
  })
})
