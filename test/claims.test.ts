/** What ID tokens and userinfo tell of a person, and to whom (OIDC Core §2, §5.4, §5.5, §12.2). */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import { addUser } from '../packages/server/src/admin/users.ts'
import { passwordAcr } from '../packages/server/src/domain/session/acr.ts'
import { idTokenSeconds } from '../packages/server/src/domain/token/id-token.ts'
import { claimsCharactersMax } from '../packages/server/src/oauth/user-claims.ts'
import type { App, Tokens } from './stage/app.ts'
import { stagePassword } from './stage/browser.ts'
import { idTokenOf } from './stage/id-token.ts'
import { openStage, type Stage } from './stage/stage.ts'

const redirectUri = 'https://a.example/cb'

describe('an ID token', () => {
  it('tells of the sign-in, and nothing else unless asked', async () => {
    const { stage, app, subject } = await opened()
    const tokens = await app.signIn(stage.browser(), { scope: 'openid email profile', nonce: 'n' })
    const { sid, ...claims } = await idTokenOf(stage, tokens, 'shop')
    const nowSeconds = Math.floor(stage.clock.nowMs() / 1000)
    assert.deepEqual(claims, {
      iss: stage.issuer,
      sub: subject,
      aud: 'shop',
      azp: 'shop',
      exp: nowSeconds + idTokenSeconds,
      iat: nowSeconds,
      auth_time: nowSeconds,
      acr: passwordAcr,
      amr: ['pwd'],
      nonce: 'n',
      at_hash: atHash(tokens.accessToken),
    })
    assert.equal(typeof sid, 'string')
    await stage.close()
  })

  it('is signed in the algorithm the client registered', async () => {
    for (const algorithm of ['ES256', 'RS256']) {
      const { stage, app } = await opened({ idTokenAlgorithm: algorithm })
      const tokens = await app.signIn(stage.browser())
      await idTokenOf(stage, tokens, 'shop')
      const header: unknown = JSON.parse(
        Buffer.from(String(tokens.body['id_token']).split('.')[0] ?? '', 'base64url').toString(),
      )
      assert.ok(typeof header === 'object' && header !== null && 'alg' in header)
      assert.equal(header.alg, algorithm)
      await stage.close()
    }
  })

  it('tells no claim by name, here or at userinfo, whose scope the client has lost since', async () => {
    const { stage, app } = await opened()
    const claims = JSON.stringify({ id_token: { email: null }, userinfo: { email: null } })
    const first = await app.signIn(stage.browser(), { scope: 'openid', claims })
    assert.equal((await idTokenOf(stage, first, 'shop'))['email'], 'ada@example.com')
    await changeClient(stage.workbench, 'shop', { scopes: ['openid', 'profile'] })
    const second = await app.refresh(first.refreshToken)
    assert.equal((await idTokenOf(stage, second, 'shop'))['email'], undefined)
    for (const { accessToken } of [first, second]) {
      const answer = await stage.send('/userinfo', { headers: { authorization: `Bearer ${accessToken}` } })
      assert.equal(answer.status, 200)
      assert.deepEqual(Object.keys((await answer.json()) as object), ['sub'])
    }
    await stage.close()
  })

  it('RT-42 after a refresh tells of the same sign-in, without a nonce', async () => {
    const { stage, app } = await opened()
    const first = await app.signIn(stage.browser())
    const before = await idTokenOf(stage, first, 'shop')
    stage.clock.advanceSeconds(3600)
    const second = await app.refresh(first.refreshToken)
    const after = await idTokenOf(stage, second, 'shop')
    for (const name of ['iss', 'sub', 'aud', 'azp', 'auth_time', 'acr', 'amr', 'sid'])
      assert.deepEqual(after[name], before[name], name)
    assert.equal('nonce' in after, false)
    assert.equal(after.iat, Number(before.iat) + 3600)
    assert.equal(after['at_hash'], atHash(second.accessToken))
    assert.notEqual(second.accessToken, first.accessToken)
    const narrowed = await app.refresh(second.refreshToken, { scope: 'email' })
    assert.equal('id_token' in narrowed.body, false)
    await stage.close()
  })
})

describe('claims by scope', () => {
  it('come from userinfo, as far as the access token goes', async () => {
    const { stage, app, subject } = await opened()
    const tokens = await app.signIn(stage.browser(), { scope: 'openid profile email phone address offline_access' })
    assert.deepEqual(await toldBy(app, tokens), {
      sub: subject,
      name: 'Ada Lovelace',
      locale: 'en-GB',
      email: 'ada@example.com',
      email_verified: false,
      phone_number: '+44 20 7946 0000',
      address: { country: 'GB' },
    })
    const narrowed = await app.refresh(tokens.refreshToken, { scope: 'openid email' })
    assert.deepEqual(await toldBy(app, narrowed), { sub: subject, email: 'ada@example.com', email_verified: false })
    const without = await app.refresh(narrowed.refreshToken, { scope: 'email' })
    const refused = await app.userinfo(without.accessToken)
    assert.equal(refused.status, 403)
    assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope/)
    await stage.close()
  })

  it('never tell what no scope covers', async () => {
    const { stage, app } = await opened({ scopes: ['openid', 'salary', 'constructor', '__proto__'] })
    const claims = JSON.stringify({
      userinfo: { salary: null, ['constructor']: null },
      id_token: { salary: { essential: true } },
    })
    const tokens = await app.signIn(stage.browser(), { scope: 'openid salary constructor __proto__', claims })
    assert.deepEqual(Object.keys(await toldBy(app, tokens)), ['sub'])
    assert.equal('salary' in (await idTokenOf(stage, tokens, 'shop')), false)
    await stage.close()
  })
})

describe('claims by name', () => {
  it('come where they were asked for, without their scope, and the person is asked as for the scope', async () => {
    const { stage, app, subject } = await opened()
    const claims = JSON.stringify({
      id_token: { name: null, email: { essential: true } },
      userinfo: { phone_number: null },
    })
    const browser = stage.browser()
    const { path, verifier } = app.authorizePath({ scope: 'openid', claims })
    const page = await browser.signIn(await browser.open(path))
    for (const sentence of ['See your profile', 'See your e-mail address', 'See your telephone number']) {
      assert.ok(page.body.includes(sentence), sentence)
    }
    assert.equal(page.body.includes('postal address'), false)
    const { leftTo } = await browser.decide(page, 'allow')
    const parameters = leftTo?.searchParams ?? new URLSearchParams()
    const tokens = await app.redeem({ code: parameters.get('code') ?? '', verifier, parameters })
    assert.equal(tokens.body['scope'], 'openid')
    const { name, email, phone_number: phone } = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual([name, email, phone], ['Ada Lovelace', 'ada@example.com', undefined])
    assert.deepEqual(await toldBy(app, tokens), { sub: subject, phone_number: '+44 20 7946 0000' })
    const refreshed = await app.refresh(tokens.refreshToken)
    assert.equal((await idTokenOf(stage, refreshed, 'shop'))['name'], 'Ada Lovelace')
    await stage.close()
  })

  it('are ignored where no scope of the client covers them, and cannot forge what the server says', async () => {
    const { stage, app, subject } = await opened({ scopes: ['openid', 'email'] })
    const names = ['name', 'phone_number', 'email', 'iss', 'aud', 'exp', 'nonce', 'toString', '__proto__']
    const requests = `{${names.map(name => `"${name}":{"value":"x"}`).join(',')}}`
    const tokens = await app.signIn(stage.browser(), {
      scope: 'openid',
      nonce: 'n',
      claims: `{"id_token":${requests},"userinfo":${requests}}`,
    })
    const claims = await idTokenOf(stage, tokens, 'shop')
    assert.deepEqual(
      [claims['name'], claims['phone_number'], claims['email']],
      [undefined, undefined, 'ada@example.com'],
    )
    assert.deepEqual([claims.iss, claims.aud, claims['nonce']], [stage.issuer, 'shop', 'n'])
    assert.deepEqual(await toldBy(app, tokens), { sub: subject, email: 'ada@example.com' })
    await stage.close()
  })

  it('let only the person answer whose sub is asked for, and no two', async () => {
    const { stage, app, subject } = await opened()
    const browser = stage.browser()
    const hint = String((await app.signIn(browser)).body['id_token'])
    const outcome = async (fields: { readonly [name: string]: string }) => {
      const { leftTo } = await browser.open(app.authorizePath({ prompt: 'none', ...fields }).path)
      return leftTo?.searchParams.get('error') ?? null
    }
    const sub = (value: string) => JSON.stringify({ id_token: { sub: { value } } })
    assert.equal(await outcome({ claims: sub(subject) }), null)
    assert.equal(await outcome({ claims: sub('somebody-else') }), 'login_required')
    assert.equal(await outcome({ claims: sub(subject), id_token_hint: hint }), null)
    assert.equal(await outcome({ claims: sub('somebody-else'), id_token_hint: hint }), 'invalid_request')
    await stage.close()
  })

  it('fail where an essential acr cannot be met, and do as they can with a voluntary one', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser)
    const cases = [
      [{ essential: true, values: ['urn:other', 'phr'] }, 'unmet_authentication_requirements'],
      [{ essential: true, value: 'phr' }, 'unmet_authentication_requirements'],
      [{ essential: true, values: ['phr', passwordAcr] }, null],
      [{ essential: true }, null],
      [{ values: ['phr'] }, null],
      [null, null],
    ] as const
    for (const [acr, error] of cases) {
      const { leftTo } = await browser.open(
        app.authorizePath({ prompt: 'none', claims: JSON.stringify({ id_token: { acr } }) }).path,
      )
      assert.equal(leftTo?.searchParams.get('error') ?? null, error, JSON.stringify(acr))
    }
    await stage.close()
  })

  it('IJ-09 are refused in every shape that is no object of requests', async () => {
    const { stage, app } = await opened()
    const deep = '{"id_token":'.repeat(100)
    const shapes = [
      '[]',
      'null',
      '1',
      '"x"',
      '{',
      '{"id_token":[]}',
      '{"id_token":1}',
      '{"id_token":{"email":true}}',
      '{"id_token":{"email":[]}}',
      '{"userinfo":"x"}',
      deep,
      `{"userinfo":{${Array.from({ length: 51 }, (_, index) => `"c${index}":null`).join(',')}}}`,
      `{"x":"${'x'.repeat(claimsCharactersMax)}"}`,
      `{"userinfo":{"email":{"values":[${Array.from({ length: 500 }, () => '1e20').join(',')}]}}}`,
    ]
    for (const claims of shapes) {
      const { leftTo } = await stage.browser().open(app.authorizePath({ claims }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'invalid_request', claims.slice(0, 60))
    }
    const odd = ['{}', '{"id_token":null}', '{"id_token":{"x":null}}', '{"__proto__":{"id_token":{}}}', '{"other":[1]}']
    for (const claims of odd) assert.equal((await app.signIn(stage.browser(), { claims })).status, 200, claims)
    await stage.close()
  })
})

async function opened(
  registration: { readonly [name: string]: unknown } = {},
): Promise<{ readonly stage: Stage; readonly app: App; readonly subject: string }> {
  const stage = await openStage()
  const claims = {
    name: 'Ada Lovelace',
    locale: 'en-GB',
    phone_number: '+44 20 7946 0000',
    address: { country: 'GB' },
    salary: 1000,
  }
  const { subject } = await addUser(stage.workbench, { email: 'ada@example.com', password: stagePassword, claims })
  const app = stage.app(
    await stage.addClient({ id: 'shop', kind: 'web', redirectUris: [redirectUri], ...registration }),
  )
  return { stage, app, subject }
}

async function toldBy(app: App, tokens: Tokens): Promise<{ readonly [name: string]: unknown }> {
  const answer = await app.userinfo(tokens.accessToken)
  assert.equal(answer.status, 200)
  return (await answer.json()) as { readonly [name: string]: unknown }
}

function atHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')
}
