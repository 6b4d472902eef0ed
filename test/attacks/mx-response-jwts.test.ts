/** Authorization responses as JWTs (JARM): for one client, by us, for a few minutes, and nothing beside them. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  compactDecrypt,
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import { registerClient } from '../../packages/server/src/admin/clients.ts'
import { publishSecondsMin } from '../../packages/server/src/domain/keys/signing-keys.ts'
import { responseJwtSeconds } from '../../packages/server/src/oauth/authorize/deliver.ts'
import type { App } from '../stage/app.ts'
import { type BrowserPage, formOf } from '../stage/browser.ts'
import { fieldsOf, newClientKey, push, requestObject } from '../stage/requests.ts'
import { openStage, type Stage } from '../stage/stage.ts'

describe('an answer as a JWT', () => {
  it('AC-13 carries all that a plain one does, signed, in every mode that has it', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    for (const [mode, by] of [
      ['jwt', 'query'],
      ['query.jwt', 'query'],
      ['form_post.jwt', 'form_post'],
    ] as const) {
      const { path, verifier } = app.authorizePath({ response_mode: mode, prompt: 'consent', state: 's<"&' })
      const { response, page } = await answered(stage, path)
      assert.equal(page.leftTo === null ? 'form_post' : 'query', by)
      const claims = await verified(stage, response)
      assert.deepEqual(Object.keys(claims).toSorted(), ['aud', 'code', 'exp', 'iss', 'state'])
      assert.equal(claims['state'], 's<"&')
      const code = String(claims['code'])
      assert.equal((await app.redeem({ code, verifier, parameters: new URLSearchParams() })).status, 200, mode)
    }
    for (const mode of ['fragment.jwt', 'JWT', 'query.jwt form_post', 'jwt ']) {
      const { leftTo } = await browser.open(app.authorizePath({ response_mode: mode }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'invalid_request', mode)
    }
    await stage.close()
  })

  it('MX-01 names us inside, in success and in error, and has nothing outside', async () => {
    const { stage, app } = await opened()
    const cases = [
      { prompt: 'none' },
      { scope: 'openid admin' },
      { response_type: 'token' },
      { max_age: '-1' },
      { resource: 'x' },
    ]
    for (const fields of cases) {
      const { leftTo } = await stage.browser().open(app.authorizePath({ response_mode: 'jwt', ...fields }).path)
      assert.ok(leftTo !== null)
      const claims = await verified(stage, only(leftTo.searchParams))
      assert.equal(claims.iss, stage.issuer)
      assert.ok(typeof claims['error'] === 'string' && typeof claims['state'] === 'string', JSON.stringify(fields))
      assert.equal(claims['code'], undefined)
    }
    const browser = stage.browser()
    const { path } = await push(app, { response_mode: 'jwt' })
    const denied = await browser.decide(await browser.signIn(await browser.open(path)), 'deny')
    assert.equal((await verified(stage, only(denied.leftTo?.searchParams)))['error'], 'access_denied')
    await stage.close()
  })

  it('MX-01 is for one client and for a few minutes', async () => {
    const { stage, app } = await opened()
    const { response } = await answered(stage, app.authorizePath({ response_mode: 'jwt' }).path)
    const { aud, exp } = await verified(stage, response)
    assert.deepEqual([aud, exp], ['shop', Math.floor(stage.clock.nowMs() / 1000) + responseJwtSeconds])
    assert.ok(responseJwtSeconds <= 600)
    await stage.close()
  })

  it('MX-01 passes for no ID token and no access token of ours', async () => {
    const { stage, app } = await opened()
    const { response } = await answered(stage, app.authorizePath({ response_mode: 'jwt' }).path)
    const hinted = await stage.browser().open(app.authorizePath({ id_token_hint: response }).path)
    assert.equal(hinted.leftTo?.searchParams.get('error'), 'invalid_request')
    assert.equal((await app.userinfo(response)).status, 401)
    assert.deepEqual(await app.introspect(response), { active: false })
    await stage.close()
  })

  it('MX-01 that nobody could verify yet is promised to nobody: the request waits at the door', async () => {
    const stage = await openStage({ settings: { issuer: 'https://id.example' } })
    await stage.addUser()
    const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], responseAlgorithm: 'PS256' }
    const app = stage.app(await registerClient(stage.pawl.workbench('the test'), shop))
    const { path } = app.authorizePath({ response_mode: 'jwt' })
    const early = await stage.browser().open(path)
    assert.deepEqual([early.status, early.leftTo, early.headers.has('retry-after')], [503, null, true])
    assert.equal((await app.post('/par', fieldsOf(app, { response_mode: 'jwt' }).fields)).status, 503)
    assert.equal((await stage.pawl.store.families.list({}, 1)).length, 0)
    stage.clock.advanceSeconds(publishSecondsMin)
    const { response } = await answered(stage, path)
    assert.equal(decodeProtectedHeader(response).alg, 'PS256')
    await stage.close()
  })

  it('MX-01 is encrypted to the key of the client where it is registered so, and signed inside', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'enc', alg: 'RSA-OAEP-256', kid: 'e1' }] }
    const responseEncrypted = { algorithm: 'RSA-OAEP-256', content: 'A256GCM' }
    const { stage, app } = await opened({ jwks, responseEncrypted })
    const { path, verifier } = app.authorizePath({ response_mode: 'jwt' })
    const { response } = await answered(stage, path)
    const { plaintext, protectedHeader } = await compactDecrypt(response, privateKey)
    assert.deepEqual(protectedHeader, { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'e1', typ: 'JWT', cty: 'JWT' })
    const claims = await verified(stage, new TextDecoder().decode(plaintext))
    const tokens = await app.redeem({ code: String(claims['code']), verifier, parameters: new URLSearchParams() })
    assert.equal(tokens.status, 200)
    const wrong = await stage.browser().open(app.authorizePath({ response_mode: 'jwt', scope: 'openid admin' }).path)
    const refusal = await compactDecrypt(only(wrong.leftTo?.searchParams), privateKey)
    assert.equal((await verified(stage, new TextDecoder().decode(refusal.plaintext)))['error'], 'invalid_scope')
    await stage.close()
  })

  it('MX-01 is never sent in the clear because the key of the client cannot be had', async () => {
    const { stage, app } = await opened({
      jwks: newClientKey().jwks,
      responseEncrypted: { algorithm: 'RSA-OAEP-256' },
    })
    const { path } = app.authorizePath({ response_mode: 'jwt' })
    const page = await stage.browser().open(path)
    assert.deepEqual([page.status, page.leftTo], [503, null])
    assert.equal((await stage.pawl.store.families.list({}, 1)).length, 0)
    await stage.close()
  })

  it('MX-01 is signed as the client is registered, and may answer a signed request', async () => {
    const { privateKey, jwks } = newClientKey()
    const { stage, app } = await opened({ responseAlgorithm: 'RS256', jwks })
    const object = requestObject(stage, fieldsOf(app, { response_mode: 'jwt' }).fields, privateKey)
    const query = new URLSearchParams({ client_id: 'shop', request: object }).toString()
    const { response } = await answered(stage, `/authorize?${query}`)
    assert.equal(decodeProtectedHeader(response).alg, 'RS256')
    assert.ok((await verified(stage, response))['code'])
    await stage.close()
  })
})

async function opened(client: object = {}): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage()
  await stage.addUser()
  const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], ...client }
  return { stage, app: stage.app(await stage.addClient(shop)) }
}

/** The one parameter that comes back, by redirect or in the form that posts itself. */
async function answered(
  stage: Stage,
  path: string,
): Promise<{ readonly response: string; readonly page: BrowserPage }> {
  const browser = stage.browser()
  const asked = await browser.signIn(await browser.open(path))
  const page = await browser.decide(asked, 'allow')
  if (page.leftTo !== null) return { response: only(page.leftTo.searchParams), page }
  const { action, body } = formOf(page, {})
  assert.equal(action, 'https://a.example/cb')
  return { response: only(new URLSearchParams(body)), page }
}

function only(parameters: URLSearchParams | undefined): string {
  assert.deepEqual([...(parameters ?? new URLSearchParams()).keys()], ['response'])
  return parameters?.get('response') ?? ''
}

async function verified(stage: Stage, response: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet((await (await stage.send('/jwks')).json()) as JSONWebKeySet)
  const currentDate = new Date(stage.clock.nowMs())
  return (await jwtVerify(response, keys, { issuer: stage.issuer, audience: 'shop', currentDate })).payload
}
