/** Pushed authorization requests (RFC 9126): one request, one client, one minute, one answer. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { interactionSeconds } from '../../packages/server/src/oauth/authorize/interaction.ts'
import {
  anonymousPushesPerMinuteMax,
  longRequestsPerHourMax,
  pushedRequestBytesMax,
  requestUriSeconds,
} from '../../packages/server/src/oauth/authorize/pushed-requests.ts'
import { type App, agree, type Fields } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { dpopKey } from '../stage/dpop.ts'
import { eventsOf } from '../stage/events.ts'
import { fieldsOf, pathTo, push } from '../stage/requests.ts'
import { openStage, type Stage } from '../stage/stage.ts'

describe('a pushed request', () => {
  it('PR-01 is answered once: followed again afterwards it is refused, and what was granted stands', async () => {
    const { stage, app } = await opened()
    const { path, verifier } = await push(app)
    const browser = stage.browser()
    const left = await agree(browser, await browser.open(path))
    await isRefused(browser, path)
    await isRefused(stage.browser(), path)
    const tokens = await app.redeem({
      code: left.searchParams.get('code') ?? '',
      verifier,
      parameters: left.searchParams,
    })
    assert.equal(tokens.status, 200)
    await isRefused(browser, path)
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
    assert.equal((await eventsOf(stage, 'family_opened')).length, 1)
    await stage.close()
  })

  it('PR-01 is over after a refusal too: by the person, or because nobody may be asked', async () => {
    const { stage, app } = await opened()
    const { path } = await push(app)
    const browser = stage.browser()
    const denied = await browser.decide(await browser.signIn(await browser.open(path)), 'deny')
    assert.equal(denied.leftTo?.searchParams.get('error'), 'access_denied')
    await isRefused(browser, path)
    const silent = await push(app, { prompt: 'none' })
    assert.equal((await stage.browser().open(silent.path)).leftTo?.searchParams.get('error'), 'login_required')
    await isRefused(stage.browser(), silent.path)
    await stage.close()
  })

  it('PR-01 is worth nothing to another client, and stays good for its own', async () => {
    const { stage, app } = await opened()
    await stage.addClient({ id: 'other', kind: 'web', redirectUris: ['https://a.example/cb'] })
    const { path, requestUri } = await push(app)
    await isRefused(stage.browser(), pathTo('other', requestUri))
    const browser = stage.browser()
    assert.ok((await agree(browser, await browser.open(path))).searchParams.has('code'))
    await stage.close()
  })

  it('PR-01 is over after its minute, to the millisecond', async () => {
    const { stage, app } = await opened()
    const { path } = await push(app)
    stage.clock.advanceMs(requestUriSeconds * 1000 - 1)
    assert.match((await stage.browser().open(path)).body, /name="password"/)
    stage.clock.advanceMs(1)
    await isRefused(stage.browser(), path)
    await stage.close()
  })

  it('PR-01 is not guessed: what was never given out, or changed by a character, is nobody', async () => {
    const { stage, app } = await opened()
    const { requestUri } = await push(app)
    const prefix = 'urn:ietf:params:oauth:request_uri:'
    assert.ok(requestUri.startsWith(prefix) && requestUri.length === prefix.length + 43)
    const last = requestUri.endsWith('A') ? 'B' : 'A'
    const guesses = [prefix, `${prefix}x`, `${requestUri}A`, requestUri.slice(0, -1) + last]
    for (const guess of guesses) await isRefused(stage.browser(), pathTo('shop', guess))
    await stage.close()
  })

  it('PR-01 counts alone: nothing that stands beside it in the query is looked at', async () => {
    const { stage, app } = await opened()
    const { path } = await push(app, { state: 'pushed', scope: 'openid' })
    const beside = {
      state: 'other',
      scope: 'openid email',
      redirect_uri: 'https://evil.example/cb',
      response_type: 'token',
    }
    const browser = stage.browser()
    const left = await agree(browser, await browser.open(`${path}&${new URLSearchParams(beside).toString()}`))
    assert.equal(left.origin, 'https://a.example')
    assert.equal(left.searchParams.get('state'), 'pushed')
    const [family] = await stage.pawl.store.families.list({}, 2)
    assert.deepEqual(family?.family.grant.scopes, ['openid'])
    await stage.close()
  })

  it('AC-15 opens one grant, whoever answers it first and however many tabs it stands in', async () => {
    const { stage, app } = await opened()
    await stage.addUser('bob@example.com')
    const { path, verifier } = await push(app)
    const browser = stage.browser()
    const others = stage.browser()
    const [first, second] = [await browser.open(path), await browser.open(path)]
    const theirs = await others.open(path)
    const answer = await browser.decide(await browser.signIn(first), 'allow')
    const code = answer.leftTo?.searchParams.get('code') ?? ''
    const parameters = new URLSearchParams()
    // The same person in another tab gets the same code, which is still good once; somebody else gets nothing.
    const again = await browser.signIn(second)
    assert.equal(again.leftTo?.searchParams.get('code'), code)
    const refusedTab = await others.decide(await others.signIn(theirs, 'bob@example.com'), 'allow')
    assert.deepEqual([refusedTab.status, refusedTab.leftTo], [409, null])
    const tokens = await app.redeem({ code, verifier, parameters })
    assert.equal(tokens.status, 200)
    const late = await browser.signIn(second)
    assert.deepEqual([late.status, late.leftTo], [409, null])
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
    assert.equal((await stage.pawl.store.families.list({}, 3)).length, 1)
    await stage.close()
  })

  it('PR-02 cannot name another request, and is neither taken by GET nor from just anybody', async () => {
    const { stage, app } = await opened()
    const { requestUri } = await push(app)
    const { fields } = fieldsOf(app)
    const nested = await app.post('/par', { ...fields, request_uri: requestUri })
    assert.deepEqual([nested.status, await errorOf(nested)], [400, 'invalid_request'])
    const got = await stage.send(`/par?${new URLSearchParams(fields as { [name: string]: string }).toString()}`)
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST, OPTIONS'])
    for (const authorization of [undefined, 'Basic c2hvcDp3cm9uZw==']) {
      const response = await postBare(stage, fields, authorization)
      assert.deepEqual([response.status, await errorOf(response)], [401, 'invalid_client'])
      assert.ok(response.headers.has('www-authenticate'))
    }
    await stage.close()
  })

  it('PR-02 is refused by itself, before anybody is sent anywhere, for all that is wrong with it', async () => {
    const { stage, app } = await opened()
    const wrong: readonly (readonly [Fields, string])[] = [
      [{ redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
      [{ redirect_uri: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_mode: 'fragment' }, 'invalid_request'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ scope: 'openid admin' }, 'invalid_scope'],
      [{ resource: 'not a uri' }, 'invalid_target'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ claims: '{' }, 'invalid_request'],
    ]
    for (const [fields, code] of wrong) {
      const response = await app.post('/par', fieldsOf(app, fields).fields)
      assert.deepEqual([response.status, await errorOf(response)], [400, code], JSON.stringify(fields))
      assert.equal(response.headers.get('cache-control'), 'no-store')
    }
    const other = await app.post('/par', { ...fieldsOf(app).fields, client_id: 'other' })
    assert.deepEqual([other.status, await errorOf(other)], [400, 'invalid_request'])
    await stage.close()
  })

  it('PR-02 may come from a public client, which has nothing to show, and no more often than a network may', async () => {
    const stage = await openStage()
    await stage.addUser()
    const registered = await stage.addClient({ id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] })
    const app = stage.app(registered)
    const { path } = await push(app)
    const browser = stage.browser()
    assert.ok((await agree(browser, await browser.open(path))).searchParams.has('code'))
    for (let pushes = 1; pushes < anonymousPushesPerMinuteMax; pushes++) await push(app)
    const key = await dpopKey(stage)
    const proof = await key.proof({ path: '/par' })
    const over = await app.post('/par', fieldsOf(app).fields, proof)
    assert.deepEqual([over.status, over.headers.get('retry-after')], [429, '60'])
    const elsewhere = stage.app(registered, { address: '192.0.2.1' })
    const unmarked = await elsewhere.post('/par', fieldsOf(app).fields, proof)
    assert.equal(unmarked.status, 201, 'nothing was written for the one that was too many')
    stage.clock.advanceSeconds(61)
    assert.ok((await push(app)).requestUri)
    await stage.close()
  })

  it('PR-02 is bounded where a request is kept because it is long, and anybody may send it', async () => {
    const { stage, app } = await opened()
    const claims = JSON.stringify({ userinfo: { email: { values: ['v'.repeat(3000)] } } })
    const { path } = app.authorizePath({ state: 's'.repeat(4000), claims })
    for (let count = 0; count < longRequestsPerHourMax; count++) await stage.send(path)
    const over = await stage.send(path)
    assert.deepEqual([over.status, over.headers.get('retry-after')], [429, '3600'])
    assert.equal((await stage.send(path, {}, '192.0.2.1')).status, 200)
    assert.equal((await stage.send(app.authorizePath().path)).status, 200)
    stage.clock.advanceSeconds(3601)
    assert.equal((await stage.send(path)).status, 200)
    await stage.close()
  })

  it('PR-02 has a size that is not passed', async () => {
    const { stage, app } = await opened()
    const value = 'v'.repeat(3900)
    const long = {
      state: '\u0001'.repeat(4096),
      nonce: '\u0001'.repeat(1024),
      claims: JSON.stringify({ userinfo: { email: { value } } }),
    }
    const response = await app.post('/par', fieldsOf(app, long).fields)
    assert.deepEqual([response.status, await errorOf(response)], [400, 'invalid_request'])
    assert.ok(pushedRequestBytesMax < 6 * (4096 + 1024) + 3900)
    await stage.close()
  })

  it('PR-02 binds its code to the key of the proof it came with, as dpop_jkt would', async () => {
    const { stage, app } = await opened()
    const [key, other] = [await dpopKey(stage), await dpopKey(stage)]
    const { fields, verifier } = fieldsOf(app)
    const refusedPush = await app.post(
      '/par',
      { ...fields, dpop_jkt: other.thumbprint },
      await key.proof({ path: '/par' }),
    )
    assert.deepEqual([refusedPush.status, await errorOf(refusedPush)], [400, 'invalid_request'])
    const foreign = await app.post('/par', fields, await key.proof({ path: '/token' }))
    assert.deepEqual([foreign.status, await errorOf(foreign)], [400, 'invalid_dpop_proof'])
    const proof = await key.proof({ path: '/par' })
    const pushed = await app.post('/par', fields, proof)
    assert.equal(pushed.status, 201)
    assert.equal(await errorOf(await app.post('/par', fields, proof)), 'invalid_dpop_proof')
    const { request_uri } = (await pushed.json()) as { readonly request_uri: string }
    const browser = stage.browser()
    const left = await agree(browser, await browser.open(pathTo('shop', request_uri)))
    const authorization = { code: left.searchParams.get('code') ?? '', verifier, parameters: left.searchParams }
    assert.equal((await app.redeem(authorization)).status, 400)
    assert.equal((await app.redeem(authorization, {}, await other.proof({}))).status, 400)
    assert.equal((await app.redeem(authorization, {}, await key.proof({}))).body['token_type'], 'DPoP')
    await stage.close()
  })

  it('PR-04 is all that a client registered for it may send, and all that anybody may where the server says so', async () => {
    const { stage, app } = await opened({ requirePushedRequests: true })
    await refusesUnpushed(stage, app)
    const { stage: strict, app: other } = await opened({}, { requirePushedRequests: true })
    await refusesUnpushed(strict, other)
    const metadata = (await (await strict.send('/.well-known/openid-configuration')).json()) as {
      [name: string]: unknown
    }
    assert.equal(metadata['require_pushed_authorization_requests'], true)
    await stage.close()
    await strict.close()
  })

  it('PR-06 may be answered half an hour later by whoever began in time, and after the hour the page says so', async () => {
    const { stage, app } = await opened()
    const { path, verifier } = await push(app)
    const browser = stage.browser()
    const page = await browser.open(path)
    stage.clock.advanceSeconds(30 * 60)
    const reloaded = await browser.submit(page, { decision: 'sign_in', username: 'ada@example.com', password: 'wrong' })
    assert.match(reloaded.body, /do not go together/)
    const left = await agree(browser, reloaded)
    const code = left.searchParams.get('code') ?? ''
    assert.equal((await app.redeem({ code, verifier, parameters: left.searchParams })).status, 200)
    const late = await push(app, { prompt: 'login' })
    stage.clock.advanceSeconds(1)
    const asked = await browser.open(late.path)
    stage.clock.advanceSeconds(interactionSeconds)
    assert.equal((await browser.signIn(asked)).status, 400)
    await stage.close()
  })

  it('PR-06 does not live longer because a person begins anew: an hour after its minute it is over', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    let page = await browser.signIn(await browser.open((await push(app)).path))
    for (let quarter = 0; quarter < 4; quarter++) {
      stage.clock.advanceSeconds(15 * 60)
      page = await switchAccount(browser, page)
      assert.equal(page.status, 200)
      page = await browser.signIn(page)
    }
    stage.clock.advanceSeconds(requestUriSeconds)
    assert.equal((await browser.decide(page, 'allow')).status, 400)
    await stage.close()
  })

  it('PR-06 is refused once its client has lost the redirect URI, or itself', async () => {
    const { stage, app } = await opened()
    const [before, after] = [await push(app), await push(app)]
    const browser = stage.browser()
    const page = await browser.open(before.path)
    await changeClient(stage.workbench, 'shop', { redirectUris: ['https://a.example/new'] })
    assert.equal((await browser.signIn(page)).status, 400)
    await isRefused(stage.browser(), after.path)
    await changeClient(stage.workbench, 'shop', { disabled: true })
    assert.equal((await stage.browser().open(after.path)).status, 400)
    await stage.close()
  })
})

async function opened(client: object = {}, settings: { readonly [name: string]: unknown } = {}) {
  const stage = await openStage({ settings })
  await stage.addUser()
  const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], ...client }
  return { stage, app: stage.app(await stage.addClient(shop)) }
}

/** Our own page says so: where the answer would go is in the request that is not there. */
async function isRefused(browser: Browser, path: string): Promise<void> {
  const page = await browser.open(path)
  assert.deepEqual([page.status, page.leftTo], [400, null])
  assert.match(page.body, /run out or was answered before/)
}

async function refusesUnpushed(stage: Stage, app: App): Promise<void> {
  const plain = await stage.browser().open(app.authorizePath().path)
  assert.equal(plain.leftTo?.searchParams.get('error'), 'invalid_request')
  assert.equal(plain.leftTo?.searchParams.get('iss'), stage.issuer)
  const { path } = await push(app)
  const browser = stage.browser()
  assert.ok((await agree(browser, await browser.open(path))).searchParams.has('code'))
}

function postBare(stage: Stage, fields: Fields, authorization: string | undefined): Promise<Response> {
  const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' })
  if (authorization !== undefined) headers.set('authorization', authorization)
  const body = new URLSearchParams(fields as { [name: string]: string }).toString()
  return stage.send('/par', { method: 'POST', headers, body })
}

async function errorOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { readonly error?: unknown }).error
}

/** The second form of the consent page. */
function switchAccount(browser: Browser, page: Awaited<ReturnType<Browser['open']>>) {
  const body = page.body.replace(/<form method="post" action="\/consent">[\s\S]*?<\/form>/, '')
  return browser.submit({ ...page, body }, { decision: 'switch_account' })
}
