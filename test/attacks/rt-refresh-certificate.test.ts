/** Tokens that are bound to a client certificate (RFC 8705 §3, §4). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { selfSigned } from '../network/client-certificates.ts'
import { type App, app as appOn, type Tokens } from '../stage/app.ts'
import { readCertificate, showing } from '../stage/certified.ts'
import { eventsOf } from '../stage/events.ts'
import { openFamilyOf, openScene, phone, rowOf, shop } from '../stage/scene.ts'

const bound = { tlsClientCertificateBoundAccessTokens: true }

/** The client with its own certificate, with another's, and with none. */
async function certifiedScene(test: TestContext, client: { readonly id: string; readonly kind: string }) {
  const scene = await openScene(test, { client: { ...client, ...bound } })
  const { stage, registered } = scene
  const [mine, others] = [await selfSigned(), await selfSigned()].map(({ der }) => readCertificate(stage, der))
  const appWith = (certificate: typeof mine | null): App => appOn(showing(stage, certificate ?? null), registered)
  const app = appWith(mine)
  const { first, familyId } = await openFamilyOf({ ...scene, app })
  return { ...scene, app, other: appWith(others), bare: appWith(null), mine, others, first, familyId }
}

function thumbprintIn(tokens: Tokens): unknown {
  return (decodeJwt(tokens.accessToken)['cnf'] as { readonly [name: string]: unknown } | undefined)?.['x5t#S256']
}

describe('a family that is bound to a certificate', () => {
  it('RT-30 is refreshed and repeated with that certificate alone', async test => {
    const { stage, app, other, bare, mine, first, familyId } = await certifiedScene(test, phone)
    assert.equal(thumbprintIn(first), mine?.thumbprint)
    const before = await rowOf(stage, familyId)
    assert.deepEqual(before.binding, { kind: 'certificate', thumbprint: mine?.thumbprint })
    const stolen = await other.refresh(first.refreshToken)
    assert.deepEqual([stolen.status, stolen.body['error']], [400, 'invalid_grant'])
    const without = await bare.refresh(first.refreshToken)
    assert.deepEqual([without.status, without.body['error']], [400, 'invalid_request'])
    assert.deepEqual(await rowOf(stage, familyId), before)
    assert.equal((await eventsOf(stage, 'binding_missing')).length, 1)
    const second = await app.refresh(first.refreshToken)
    assert.deepEqual(
      [second.status, second.body['token_type'], thumbprintIn(second)],
      [200, 'Bearer', mine?.thumbprint],
    )
    stage.clock.advanceSeconds(86_400)
    assert.equal((await app.refresh(first.refreshToken)).refreshToken, second.refreshToken)
    assert.equal((await other.refresh(first.refreshToken)).status, 400)
    assert.equal((await rowOf(stage, familyId)).end, null)
  })

  it('RT-30 is not opened without one', async test => {
    const { bare, app, browser } = await certifiedScene(test, phone)
    const authorization = await app.authorize(browser)
    const refused = await bare.redeem(authorization)
    assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_request'])
    assert.equal((await app.redeem(authorization)).status, 200, 'the code was not spent')
  })
})

describe('an access token that is bound to a certificate', () => {
  it('RT-30 is taken at userinfo with that certificate alone', async test => {
    const { app, other, bare, first } = await certifiedScene(test, phone)
    assert.equal((await app.userinfo(first.accessToken)).status, 200)
    for (const thief of [other, bare]) {
      const refused = await thief.userinfo(first.accessToken)
      assert.equal(refused.status, 401)
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
    }
  })

  it('RT-30 tells its certificate where it is introspected', async test => {
    const { app, mine, first } = await certifiedScene(test, shop)
    const { token_type, cnf } = await app.introspect(first.accessToken)
    assert.deepEqual([token_type, cnf], ['Bearer', { 'x5t#S256': mine?.thumbprint }])
  })

  it('RT-30 of a confidential client is bound to the certificate of each request', async test => {
    const { stage, other, others, first, familyId } = await certifiedScene(test, shop)
    assert.equal((await rowOf(stage, familyId)).binding, null)
    const renewed = await other.refresh(first.refreshToken)
    assert.deepEqual([renewed.status, thumbprintIn(renewed)], [200, others?.thumbprint])
  })
})

describe('a client that is not registered for it', () => {
  it('RT-30 gets bearer tokens, whatever certificate it shows', async test => {
    const { stage, registered, browser } = await openScene(test, { client: phone })
    const certificate = readCertificate(stage, (await selfSigned()).der)
    const app = appOn(showing(stage, certificate), registered)
    const first = await app.signIn(browser)
    assert.equal(thumbprintIn(first), undefined)
    assert.equal((await stage.app(registered).refresh(first.refreshToken)).status, 200)
  })
})
