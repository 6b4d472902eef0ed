/** FAPI 2.0 Security Profile §5.3.2.1 and §5.4: what is signed with what, for whom, and by whose clock. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addResource } from '../packages/server/src/admin/resources.ts'
import { dpopKey } from './stage/dpop.ts'
import { type Fapi2Scene, openFapi2 } from './stage/fapi2.ts'
import { openKeyServer } from './stage/key-server.ts'
import { fieldsOf } from './stage/requests.ts'
import { assertionClaims, assertionFields, type Json, newSigner } from './stage/signer.ts'

/** Pushes with this assertion, which the rest of the request gives no reason to refuse. */
async function pushWith(scene: Fapi2Scene, claims: Json, header: Json = {}) {
  const assertion = await scene.signer.sign({ ...assertionClaims(scene.stage, 'bank'), ...claims }, header)
  return scene.push(assertionFields(assertion))
}

describe('an assertion of a client of the profile', () => {
  it('is for the issuer, as a text: not as a list, and for no endpoint', async test => {
    const scene = await openFapi2(test)
    const { issuer } = scene.stage
    assert.equal((await pushWith(scene, { aud: issuer })).status, 201)
    for (const aud of [[issuer], [issuer, 'https://other.example'], `${issuer}/token`, `${issuer}/par`, `${issuer}/`]) {
      const { status, body } = await pushWith(scene, { aud })
      assert.deepEqual([status, body['error']], [401, 'invalid_client'], JSON.stringify(aud))
    }
  })

  it('names its client in iss and sub, ends, and is over five minutes after that', async test => {
    const scene = await openFapi2(test)
    const nowSeconds = Math.floor(scene.stage.clock.nowMs() / 1000)
    for (const claims of [
      { sub: undefined },
      { iss: undefined },
      { iss: 'other' },
      { exp: undefined },
      { exp: nowSeconds - 300 },
      { jti: undefined },
    ]) {
      const { status, body } = await pushWith(scene, claims)
      assert.deepEqual([status, body['error']], [401, 'invalid_client'], JSON.stringify(claims))
    }
  })

  for (const algorithm of ['PS256', 'ES256', 'EdDSA'] as const) {
    it(`is signed with ${algorithm}`, async test => {
      const scene = await openFapi2(test, { signer: newSigner(algorithm) })
      assert.equal((await scene.redeem(await scene.authorize())).status, 200)
    })
  }

  for (const algorithm of ['RS256', 'ES384'] as const) {
    it(`is not signed with ${algorithm}, though its client has a key for that`, async test => {
      const [signer, other] = [newSigner(algorithm), newSigner('ES256', 'other')]
      const jwks = { keys: [signer.publicJwk, other.publicJwk] }
      const { status, body } = await (await openFapi2(test, { signer, client: { jwks } })).push()
      assert.deepEqual([status, body['error']], [401, 'invalid_client'])
    })
  }
})

describe('a key of a client of the profile', () => {
  it('verifies with the key that fits where a client publishes two of one name', async test => {
    const [elliptic, rsa] = [newSigner('ES256', 'same'), newSigner('PS256', 'same')]
    const keys = await openKeyServer(test, [elliptic.publicJwk, rsa.publicJwk])
    for (const signer of [elliptic, rsa]) {
      const scene = await openFapi2(test, { signer, client: { jwks: undefined, jwksUri: keys.url } })
      assert.equal((await scene.push()).status, 201, signer.algorithm)
    }
  })
})

describe('a clock of a client of the profile', () => {
  it('takes what is ten seconds ahead, and nothing that is more than a minute ahead', async test => {
    const scene = await openFapi2(test)
    const nowSeconds = Math.floor(scene.stage.clock.nowMs() / 1000)
    for (const claim of ['iat', 'nbf']) {
      for (const [seconds, status] of ahead) {
        const asserted = await pushWith(scene, { [claim]: nowSeconds + seconds, exp: nowSeconds + 300 })
        assert.equal(asserted.status, status === 200 ? 201 : 401, `${claim} of an assertion, ${seconds} s ahead`)
        const request = await signedRequest(scene, { [claim]: nowSeconds + seconds })
        const asked = await scene.push({ request })
        assert.equal(asked.status, status === 200 ? 201 : 400, `${claim} of a request object, ${seconds} s ahead`)
      }
    }
    for (const [seconds, status] of ahead) {
      const authorization = await scene.authorize()
      const answer = await scene.app.redeem(authorization, {}, await scene.proof({ aheadSeconds: seconds }))
      assert.equal(answer.status, status, `a proof ${seconds} s ahead`)
    }
  })

  it('is no better with a nonce: a proof more than a minute ahead is refused at each endpoint', async test => {
    const scene = await openFapi2(test, { settings: { dpopNonces: true } })
    const authorization = await scene.authorize()
    const nonce = (await scene.redeem(authorization)).headers.get('dpop-nonce') ?? ''
    const early = await scene.app.redeem(authorization, {}, await scene.proof({ nonce, aheadSeconds: 61 }))
    assert.equal(early.body['error'], 'invalid_dpop_proof')
    const { accessToken } = await scene.app.redeem(authorization, {}, await scene.proof({ nonce, aheadSeconds: 60 }))
    for (const [aheadSeconds, status] of [
      [61, 401],
      [10, 200],
    ] as const) {
      const of = { path: '/userinfo', method: 'GET', accessToken, nonce, aheadSeconds }
      const headers = { ...(await scene.proof(of)), authorization: `DPoP ${accessToken}` }
      assert.equal((await scene.stage.send('/userinfo', { headers })).status, status, `${aheadSeconds} s ahead`)
    }
  })
})

describe('a DPoP proof of a client of the profile', () => {
  for (const [algorithm, status] of [
    ['PS256', 200],
    ['ES256', 200],
    ['EdDSA', 200],
    ['RS256', 400],
    ['ES384', 400],
  ] as const) {
    it(`is ${status === 200 ? 'taken' : 'refused'} when it is signed with ${algorithm}`, async test => {
      const scene = await openFapi2(test)
      const key = await dpopKey(scene.stage, algorithm)
      const answer = await scene.app.redeem(await scene.authorize(), {}, await key.proof({}))
      assert.equal(answer.status, status)
      if (status === 400) assert.equal(answer.body['error'], 'invalid_dpop_proof')
    })
  }

  it('is refused in a push and at userinfo too when it is signed with RS256', async test => {
    const scene = await openFapi2(test)
    const key = await dpopKey(scene.stage, 'RS256')
    const { status, body } = await scene.push({}, await key.proof({ path: '/par' }))
    assert.deepEqual([status, body['error']], [400, 'invalid_dpop_proof'])
    const { accessToken } = await scene.redeem(await scene.authorize())
    const proof = await key.proof({ path: '/userinfo', method: 'GET', accessToken })
    const headers = { ...proof, authorization: `DPoP ${accessToken}` }
    const answer = await scene.stage.send('/userinfo', { headers })
    assert.equal(answer.status, 401)
    assert.match(answer.headers.get('www-authenticate') ?? '', /error="invalid_dpop_proof"/)
  })
})

describe('an access token of a client of the profile', () => {
  it('is for no resource whose tokens are signed with RS256', async test => {
    const scene = await openFapi2(test)
    const [good, bad] = ['https://good.example', 'https://bad.example']
    await addResource(scene.stage.workbench, { indicator: good, signingAlgorithm: 'PS256' })
    await addResource(scene.stage.workbench, { indicator: bad, signingAlgorithm: 'RS256' })
    assert.equal((await scene.push({ resource: good })).status, 201)
    const { status, body } = await scene.push({ resource: bad })
    assert.deepEqual([status, body['error']], [400, 'invalid_target'])
  })
})

const ahead = [
  [8, 200],
  [10, 200],
  [61, 400],
] as const

/** A request object for the moment, with these claims in it. */
function signedRequest(scene: Fapi2Scene, claims: Json): Promise<string> {
  const seconds = Math.floor(scene.stage.clock.nowMs() / 1000)
  const { fields } = fieldsOf(scene.app)
  const about = { ...fields, iss: 'bank', aud: scene.stage.issuer, nbf: seconds, exp: seconds + 300 }
  return scene.signer.sign({ ...about, ...claims }, { typ: 'oauth-authz-req+jwt' })
}
