/** Attacks on the authorization code: generation 0 of a family. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../../packages/server/src/admin/revoke.ts'
import { disableUser, enableUser } from '../../packages/server/src/admin/users.ts'
import { failureDelayMsMax, failuresPerMinuteMax } from '../../packages/server/src/http/failure-delay.ts'
import { type App, basic, type Tokens } from '../stage/app.ts'
import { eventsOf } from '../stage/events.ts'
import { openFapi2 } from '../stage/fapi2.ts'
import { databaseFor } from '../stage/scene.ts'
import { openStage, type Stage, type StageOptions } from '../stage/stage.ts'
import { notedTimers } from '../stage/timers.ts'

const redirectUri = 'https://a.example/cb'
const codeSeconds = 60

describe('attacks on the authorization code', () => {
  it('AC-01 ends the grant when a code is redeemed twice', async () => {
    for (const kind of ['web', 'native']) {
      const { stage, app } = await opened(kind)
      const authorization = await app.authorize(stage.browser())
      const first = await app.redeem(authorization)
      assert.equal(first.status, 200)
      refused(await app.redeem(authorization))
      await isOver(app, first)
      assert.equal((await eventsOf(stage, 'token_reused')).length, 1)
      refused(await app.redeem(authorization))
      assert.equal((await eventsOf(stage, 'token_reused')).length, 1, 'what has ended does not end again')
      await stage.close()
    }
  })

  it('AC-01 ends the grant when a code is redeemed twice, also after its tokens were refreshed', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser())
    const second = await app.refresh((await app.redeem(authorization)).refreshToken)
    assert.equal(second.status, 200)
    refused(await app.redeem(authorization))
    await isOver(app, second)
    assert.equal((await eventsOf(stage, 'token_reused')).length, 1)
    await stage.close()
  })

  it('AC-01 answers one of two redemptions that come at once', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser())
    const answers = await Promise.all([app.redeem(authorization), app.redeem(authorization)])
    assert.deepEqual(
      answers.map(answer => answer.status).sort((a, b) => a - b),
      [200, 400],
    )
    const won = answers.find(answer => answer.status === 200)
    assert.ok(won)
    await isOver(app, won)
    await stage.close()
  })

  it('AC-02 ends the grant when a code is redeemed again half a minute, or an hour, later', async () => {
    for (const seconds of [30, 3600]) {
      const { stage, app } = await opened('web')
      const authorization = await app.authorize(stage.browser())
      const first = await app.redeem(authorization)
      stage.clock.advanceSeconds(seconds)
      refused(await app.redeem(authorization))
      await isOver(app, first)
      assert.equal((await eventsOf(stage, 'token_reused')).length, 1)
      await stage.close()
    }
  })

  it('AC-02 ends the grant when a code is redeemed again after a restart', async test => {
    const database = await databaseFor(test)
    const before = await openStage({ database })
    await before.addUser()
    const registered = await before.addClient({ id: 'shop', kind: 'web', redirectUris: [redirectUri] })
    const authorization = await before.app(registered).authorize(before.browser())
    const first = await before.app(registered).redeem(authorization)
    await before.close()
    const startsAtMs = before.clock.nowMs() + 30_000
    const after = await openStage({ database, keys: before.keys, startsAtMs, seed: 'after the restart' })
    const app = after.app(registered)
    refused(await app.redeem(authorization))
    await isOver(app, first)
    assert.equal((await eventsOf(after, 'token_reused')).length, 1)
    await after.close()
  })

  it('AC-04 ends nothing when a used code comes back without the proof that goes with it', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser())
    const first = await app.redeem(authorization)
    refused(await app.redeem(authorization, { code_verifier: 'w'.repeat(43) }))
    refused(await app.redeem(authorization, { code_verifier: undefined }))
    refused(await app.redeem(authorization, { redirect_uri: 'https://a.example/other' }))
    const wrong = await app.redeem(authorization, {}, { authorization: basic('shop', 'w'.repeat(43)) })
    assert.equal(wrong.status, 401)
    assert.equal(wrong.body['error'], 'invalid_client')
    const fields = { grant_type: 'authorization_code', code: authorization.code, code_verifier: authorization.verifier }
    const none = await stage.send('/token', {
      method: 'POST',
      body: form({ ...fields, client_id: 'shop', redirect_uri: redirectUri }),
    })
    assert.equal(none.status, 401)
    assert.deepEqual(await eventsOf(stage, 'token_reused'), [])
    assert.equal((await app.introspect(first.accessToken)).active, true)
    assert.equal((await app.refresh(first.refreshToken)).status, 200)
    await stage.close()
  })

  it('AC-05 refuses the code of another client, and leaves it to its own', async () => {
    for (const kind of ['web', 'native']) {
      const { stage, app } = await opened(kind)
      const others = [
        stage.app(await stage.addClient({ id: 'other-web', kind: 'web', redirectUris: [redirectUri] })),
        stage.app(await stage.addClient({ id: 'other-phone', kind: 'native', redirectUris: [redirectUri] })),
      ]
      const authorization = await app.authorize(stage.browser())
      for (const other of others) refused(await other.redeem(authorization))
      const [event, ...more] = await eventsOf(stage, 'wrong_client')
      assert.deepEqual(more, [], 'counted, not repeated')
      assert.equal(event?.count, 2)
      const first = await app.redeem(authorization)
      assert.equal(first.status, 200)
      for (const other of others) refused(await other.redeem(authorization))
      assert.equal((await app.refresh(first.refreshToken)).status, 200, 'unchanged')
      await stage.close()
    }
  })

  it('AC-06 takes a code in its last millisecond and refuses it in the next', async () => {
    for (const [lateMs, status] of [
      [-1, 200],
      [0, 400],
    ] as const) {
      const { stage, app } = await opened('web')
      const authorization = await app.authorize(stage.browser())
      stage.clock.advanceMs(codeSeconds * 1000 + lateMs)
      const answer = await app.redeem(authorization)
      assert.equal(answer.status, status)
      const ended = await eventsOf(stage, 'family_ended')
      assert.deepEqual(
        ended.map(event => event.detail['reason']),
        status === 200 ? [] : ['code_expired'],
      )
      stage.clock.set(stage.clock.nowMs() - 30_000)
      if (status === 400) refused(await app.redeem(authorization))
      await stage.close()
    }
  })

  it('AC-06 gives a client of the profile fapi2 a minute, however long others may wait', async test => {
    const scene = await openFapi2(test, { settings: { codeSeconds: 600 } })
    const { stage } = scene
    const other = stage.app(await stage.addClient({ id: 'shop', kind: 'web', redirectUris: [redirectUri] }))
    for (const [waitsMs, status] of [
      [59_999, 200],
      [60_000, 400],
      [61_000, 400],
    ] as const) {
      const [hasty, patient] = [await scene.authorize(), await other.authorize(stage.browser())]
      stage.clock.advanceMs(waitsMs)
      assert.equal((await scene.redeem(hasty)).status, status, `after ${waitsMs} ms`)
      assert.equal((await other.redeem(patient)).status, 200)
    }
  })

  it('AC-07 refuses another redirect URI, or none where one was sent, and does not use the code up', async () => {
    const { stage, app } = await opened('web', { redirectUris: [redirectUri, 'https://a.example/second'] })
    const authorization = await app.authorize(stage.browser())
    for (const wrong of [
      'https://a.example/second',
      'https://a.example/cb/',
      'https://evil.example/cb',
      '',
      undefined,
    ]) {
      refused(await app.redeem(authorization, { redirect_uri: wrong }))
    }
    assert.equal((await app.redeem(authorization)).status, 200)
    await stage.close()
  })

  it('AC-07 lets loopback differ in nothing between authorization and redemption', async () => {
    const { stage, app } = await opened('native', { redirectUris: ['http://127.0.0.1/cb'] })
    const authorization = await app.authorize(stage.browser(), { redirect_uri: 'http://127.0.0.1:5001/cb' })
    refused(await app.redeem(authorization, { redirect_uri: 'http://127.0.0.1:5002/cb' }))
    refused(await app.redeem(authorization, { redirect_uri: 'http://127.0.0.1/cb' }))
    assert.equal((await app.redeem(authorization, { redirect_uri: 'http://127.0.0.1:5001/cb' })).status, 200)
    await stage.close()
  })

  it('AC-07 asks for no redirect URI where none was sent', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser(), { redirect_uri: undefined, scope: 'email' })
    refused(await app.redeem(authorization, { redirect_uri: 'https://evil.example/cb' }))
    assert.equal((await app.redeem(authorization, { redirect_uri: undefined })).status, 200)
    await stage.close()
  })

  it('AC-08 refuses guessed codes alike, and each later than the last', async () => {
    const timers = notedTimers()
    const { stage, app } = await opened('native', {}, { startTimer: timers.startTimer })
    const { code } = await app.authorize(stage.browser())
    const body = await (await app.post('/token', guess('pawl_ac_nothing'))).text()
    for (let at = 1; at < failuresPerMinuteMax; at++) {
      const answer = await app.post('/token', guess(at % 2 === 0 ? madeUp(stage) : altered(code, at)))
      assert.equal(answer.status, 400)
      assert.equal(await answer.text(), body)
    }
    assert.deepEqual(timers.delaysMs, [], 'so many mistakes are made honestly')
    const guesses = 2 * failureDelayMsMax
    for (let at = 0; at < guesses; at++) assert.equal((await app.post('/token', guess(madeUp(stage)))).status, 400)
    const expected = Array.from({ length: guesses }, (_, at) => Math.min(at + 1, failureDelayMsMax))
    assert.deepEqual(timers.delaysMs, expected, 'a millisecond more each, up to a tenth of a second')
    await stage.close()
  })

  it('AC-10 refuses a code after what it stands on was withdrawn', async () => {
    const ways: readonly RevocationInput[] = [
      { user: 'ada@example.com' },
      { client: 'shop' },
      { user: 'ada@example.com', client: 'shop' },
      { all: true },
    ]
    for (const way of ways) {
      const { stage, app } = await opened('web')
      const authorization = await app.authorize(stage.browser())
      await carryOut(stage.workbench, await planRevocation(stage.workbench, way))
      refused(await app.redeem(authorization))
      await stage.close()
    }
  })

  it('AC-10 refuses a code whose family was revoked, or whose session was', async () => {
    for (const way of ['family', 'session'] as const) {
      const { stage, app } = await opened('web')
      const authorization = await app.authorize(stage.browser())
      const [event] = await eventsOf(stage, 'family_opened')
      const named = way === 'family' ? { family: event?.familyId ?? '' } : { session: event?.sessionId ?? '' }
      await carryOut(stage.workbench, await planRevocation(stage.workbench, named))
      refused(await app.redeem(authorization))
      await stage.close()
    }
  })

  it('AC-10 refuses a code of a user disabled since, also when enabled again', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser())
    const second = await app.authorize(stage.browser())
    await disableUser(stage.workbench, 'ada@example.com')
    refused(await app.redeem(authorization))
    await enableUser(stage.workbench, 'ada@example.com')
    refused(await app.redeem(authorization))
    refused(await app.redeem(second))
    await stage.close()
  })

  it('AC-10 refuses a code of a client disabled since, also when enabled again', async () => {
    const { stage, app } = await opened('web')
    const authorization = await app.authorize(stage.browser())
    const second = await app.authorize(stage.browser())
    await changeClient(stage.workbench, 'shop', { disabled: true })
    assert.equal((await app.redeem(authorization)).status, 401)
    await changeClient(stage.workbench, 'shop', { disabled: false })
    refused(await app.redeem(authorization))
    refused(await app.redeem(second))
    await stage.close()
  })

  it('AC-11 refuses GET, JSON and multipart, and does not use the code up', async () => {
    const { stage, app } = await opened('native')
    const authorization = await app.authorize(stage.browser())
    const fields = {
      grant_type: 'authorization_code',
      client_id: 'shop',
      code: authorization.code,
      code_verifier: authorization.verifier,
      redirect_uri: app.redirectUri,
    }
    const got = await stage.send(`/token?${form(fields).toString()}`)
    assert.equal(got.status, 405)
    assert.equal(got.headers.get('allow')?.includes('POST'), true)
    const multipart = new FormData()
    for (const [name, value] of Object.entries(fields)) multipart.set(name, value)
    const wrong: readonly RequestInit[] = [
      { body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } },
      { body: form(fields).toString(), headers: { 'content-type': 'text/plain' } },
      { body: multipart },
    ]
    for (const init of wrong) {
      const answer = await stage.send('/token', { method: 'POST', ...init })
      assert.equal(answer.status, 400)
      assert.equal(errorOf(await answer.json()), 'invalid_request')
    }
    const queried = await stage.send(`/token?${form(fields).toString()}`, {
      method: 'POST',
      body: form({ client_id: 'shop' }),
    })
    assert.equal(queried.status, 400)
    assert.equal((await app.redeem(authorization)).status, 200)
    await stage.close()
  })

  it('AC-12 puts no token in the front channel, whatever response type asks for it', async () => {
    const { stage, app } = await opened('web')
    const browser = stage.browser()
    await app.signIn(browser)
    for (const type of [
      'token',
      'id_token',
      'id_token token',
      'none',
      'code token',
      'code id_token',
      'CODE',
      'code code',
      'x',
    ]) {
      const { path } = app.authorizePath({ response_type: type })
      const { leftTo } = await browser.open(path)
      assert.equal(leftTo?.searchParams.get('error'), 'unsupported_response_type', type)
      assert.deepEqual([...leftTo.searchParams.keys()].sort(), ['error', 'error_description', 'iss', 'state'])
      assert.equal(leftTo.hash, '')
    }
    const { leftTo } = await browser.open(app.authorizePath({ response_type: undefined }).path)
    assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    await stage.close()
  })

  it('AC-13 answers by query or by an escaped form, and in no other mode', async () => {
    const { stage, app } = await opened('web')
    const browser = stage.browser()
    await app.signIn(browser)
    for (const mode of ['fragment', 'web_message', 'QUERY', 'query form_post']) {
      const { leftTo } = await browser.open(app.authorizePath({ response_mode: mode }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'invalid_request', mode)
      assert.equal(leftTo.hash, '', mode)
    }
    const asked = await browser.open(app.authorizePath({ response_mode: 'query' }).path)
    assert.ok(asked.leftTo?.searchParams.has('code'))
    const state = '"><script>alert(1)</script>\'&amp;'
    const page = await browser.open(app.authorizePath({ response_mode: 'form_post', state }).path)
    assert.equal(page.status, 200)
    assert.equal(page.leftTo, null)
    assert.equal(page.body.includes('<script>alert'), false)
    assert.ok(page.body.includes('name="state" value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;amp;"'))
    await stage.close()
  })

  it('AC-15 keeps each of two codes good once, and brings none back', async () => {
    const { stage, app } = await opened('web')
    const browser = stage.browser()
    const older = await app.authorize(browser)
    const newer = await app.authorize(browser)
    assert.notEqual(older.code, newer.code)
    refused(await app.redeem({ ...older, verifier: newer.verifier }))
    const tokens = await app.redeem(newer)
    assert.equal(tokens.status, 200)
    stage.clock.advanceSeconds(codeSeconds)
    refused(await app.redeem(older))
    await app.authorize(browser)
    refused(await app.redeem(older))
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200, 'unchanged')
    await stage.close()
  })

  it('AC-16 leaves the code unused when scope or resource of its redemption is wrong', async () => {
    const { stage, app } = await opened('web', { resources: ['https://api.example', 'https://other.example'] })
    const authorization = await app.authorize(stage.browser(), { resource: 'https://api.example' })
    for (const resource of ['https://other.example', 'https://evil.example', 'https://api.example/#x', 'api']) {
      const answer = await app.redeem(authorization, { resource })
      assert.equal(answer.status, 400)
      assert.equal(answer.body['error'], 'invalid_target', resource)
    }
    for (const scope of ['openid profile', 'openid  email', '*']) {
      assert.equal((await app.redeem(authorization, { scope })).body['error'], 'invalid_scope', scope)
    }
    const good = await app.redeem(authorization, { resource: 'https://api.example' })
    assert.equal(good.status, 200)
    assert.equal((await app.refresh(good.refreshToken)).status, 200)
    await stage.close()
  })
})

async function opened(
  kind: string,
  registration: { readonly [name: string]: unknown } = {},
  options: StageOptions = {},
): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage(options)
  await stage.addUser()
  const app = stage.app(await stage.addClient({ id: 'shop', kind, redirectUris: [redirectUri], ...registration }))
  return { stage, app }
}

/** The one answer to every code that is not good (I10). */
function refused(answer: Tokens): void {
  assert.equal(answer.status, 400)
  assert.equal(answer.body['error'], 'invalid_grant')
  assert.deepEqual(Object.keys(answer.body).sort(), ['error', 'error_description'])
  assert.equal(answer.headers.get('cache-control'), 'no-store')
}

async function isOver(app: App, tokens: Tokens): Promise<void> {
  assert.equal((await app.refresh(tokens.refreshToken)).body['error'], 'invalid_grant')
  assert.equal((await app.userinfo(tokens.accessToken)).status, 401)
}

function guess(code: string) {
  return { grant_type: 'authorization_code', code, code_verifier: 'v'.repeat(43), redirect_uri: redirectUri }
}

/** A code in form, and garbage by its tag. */
function madeUp(stage: Stage): string {
  return `pawl_ac_${Buffer.from(stage.entropy.bytes(57)).toString('base64url')}`
}

function altered(code: string, at: number): string {
  const index = 'pawl_ac_'.length + (at % (code.length - 'pawl_ac_'.length))
  return code.slice(0, index) + (code[index] === 'A' ? 'B' : 'A') + code.slice(index + 1)
}

function form(fields: { readonly [name: string]: string }): URLSearchParams {
  return new URLSearchParams(fields)
}

function errorOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'error' in body ? body.error : null
}
