/** Introspection answered as a JWT (RFC 9701): for whom, about whom, and how it cannot be taken for anything else. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import type { App } from '../stage/app.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'

const accept = 'application/token-introspection+jwt'
const client = { ...shop, introspectionSigned: 'ES256' }

function ask(app: App, token: string, header = accept): Promise<Response> {
  return app.post('/introspect', { token }, { accept: header })
}

async function verified(scene: Scene, text: string, audience: string) {
  const keys = createLocalJWKSet((await (await scene.stage.send('/jwks')).json()) as JSONWebKeySet)
  const currentDate = new Date(scene.stage.clock.nowMs())
  const { payload, protectedHeader } = await jwtVerify(text, keys, {
    issuer: scene.stage.issuer,
    audience,
    currentDate,
  })
  return { payload, protectedHeader }
}

describe('introspection as a JWT', () => {
  it('IN-09 is signed for the one who asks, and says of the token what JSON says', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const answer = await ask(scene.app, first.accessToken)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), accept)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    const { payload, protectedHeader } = await verified(scene, await answer.text(), 'shop')
    assert.deepEqual([protectedHeader.typ, protectedHeader.alg], ['token-introspection+jwt', 'ES256'])
    assert.deepEqual(Object.keys(payload).toSorted(), ['aud', 'iat', 'iss', 'token_introspection'])
    assert.deepEqual(payload['token_introspection'], await scene.app.introspect(first.accessToken))
  })

  it('IN-09 is no access token, no ID token hint and no other JWT of ours', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const text = await (await ask(scene.app, first.accessToken)).text()
    assert.equal((await scene.app.userinfo(text)).status, 401)
    assert.deepEqual(await scene.app.introspect(text), { active: false })
    const logout = await scene.stage.send(`/logout?id_token_hint=${text}`)
    assert.equal(logout.status, 400)
    await assertUnchanged(scene.app, first)
  })

  it('IN-09 says inactive, and no more, of what is not its business, and of another typ or audience', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const other = { id: 'api', kind: 'service', introspectionSigned: 'RS256' }
    const stranger = scene.stage.app(await scene.stage.addClient(other))
    for (const token of [first.accessToken, first.refreshToken, 'garbage']) {
      const { payload, protectedHeader } = await verified(scene, await (await ask(stranger, token)).text(), 'api')
      assert.equal(protectedHeader.alg, 'RS256')
      assert.deepEqual(payload['token_introspection'], { active: false })
    }
  })

  it('IN-09 is refused to a client that is not registered for it, which gets JSON when it asks for that', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const answer = await ask(scene.app, first.accessToken)
    assert.equal(answer.status, 406)
    assert.doesNotMatch(await answer.text(), /active/)
    assert.equal((await scene.app.introspect(first.accessToken)).active, true)
    await changeClient(scene.stage.workbench, 'shop', { introspectionSigned: 'ES256' })
    assert.equal((await ask(scene.app, first.accessToken)).status, 200)
  })

  it('IN-09 is given where the header names it, and nowhere else', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene)
    const cases = [
      [accept, true],
      [`application/json, ${accept};q=0.1`, true],
      [accept.toUpperCase(), true],
      [`${accept};q=0`, false],
      [`${accept};q=0.000`, false],
      ['application/json', false],
      ['application/*', false],
      ['*/*', false],
      ['application/jwt', false],
      [`x${accept}`, false],
    ] as const
    for (const [header, isJwt] of cases) {
      const type = (await ask(scene.app, first.accessToken, header)).headers.get('content-type')
      assert.equal(type, isJwt ? accept : 'application/json', header)
    }
  })

  it('IN-08 answers each who asks for themselves: nothing is kept from one to the next', async test => {
    const scene = await openScene(test, { client })
    const { first } = await openFamilyOf(scene, { resource: 'https://api.example' })
    const meant = { id: 'api', kind: 'service', audiences: ['https://api.example'], introspectionSigned: 'ES256' }
    const [api, stranger] = [
      scene.stage.app(await scene.stage.addClient(meant)),
      scene.stage.app(await scene.stage.addClient({ ...meant, id: 'stranger', audiences: [] })),
    ]
    const told = async (app: App) =>
      decodeJwt(await (await ask(app, first.accessToken)).text())['token_introspection'] as { active: boolean }
    assert.deepEqual([(await told(api)).active, (await told(stranger)).active], [true, false])
    assert.deepEqual([(await told(stranger)).active, (await told(api)).active], [false, true])
    await scene.app.revoke(first.accessToken)
    assert.deepEqual(await told(api), { active: false })
  })
})
