/** Consent, what is remembered of it, and the grants that come of it (OIDC Core §3.1.2.4, §11). */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sessionSecondsDefault } from '../packages/server/src/domain/session/sessions.ts'
import { grantsEndedAtOnceMax } from '../packages/server/src/oauth/authorize/cap-grants.ts'
import { interactionSeconds } from '../packages/server/src/oauth/authorize/interaction.ts'
import type { App, Fields, Tokens } from './stage/app.ts'
import { type Browser, type BrowserPage, formOf } from './stage/browser.ts'
import { eventsOf } from './stage/events.ts'
import { databaseFor } from './stage/scene.ts'
import { openStage, type Stage } from './stage/stage.ts'

const redirectUri = 'https://a.example/cb'
const day = 86_400

describe('consent', () => {
  it('is remembered for a confidential client, scope by scope', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser, { scope: 'openid email' })
    assert.equal(await isAsked(browser, app, { scope: 'openid email' }), false)
    assert.equal(await isAsked(browser, app, { scope: 'email' }), false)
    assert.equal(await isAsked(browser, app, { scope: 'openid email profile' }), true)
    await app.signIn(browser, { scope: 'profile' })
    assert.equal(await isAsked(browser, app, { scope: 'openid email profile' }), false)
    assert.equal(await isAsked(stage.browser(), app, {}), true, 'another browser has to sign in first')
    await stage.close()
  })

  it('is asked for offline_access until this person gave it to this confidential client', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    await app.signIn(browser, { scope: 'openid' })
    assert.equal(await isAsked(browser, app, { scope: 'openid offline_access' }), true)
    await app.signIn(browser, { scope: 'openid offline_access' })
    assert.equal(await isAsked(browser, app, { scope: 'openid offline_access' }), false)
    assert.equal(await isAsked(browser, app, { scope: 'openid offline_access', prompt: 'consent' }), true)
    await stage.close()
  })

  it('is asked of a public client every time', async () => {
    const { stage, app } = await opened({ kind: 'native' })
    const browser = stage.browser()
    await app.signIn(browser)
    await app.signIn(browser)
    assert.equal(await isAsked(browser, app, { scope: 'openid' }), true)
    await stage.close()
  })

  it('is not asked of a first-party client where its identity is certain, but always by prompt=consent', async () => {
    const cases = [
      ['web', redirectUri, false],
      ['native', redirectUri, false],
      ['native', 'http://127.0.0.1/cb', true],
      ['native', 'com.example.app:/cb', true],
    ] as const
    for (const [kind, uri, asked] of cases) {
      const { stage, app } = await opened({ kind, redirectUris: [uri], firstParty: true })
      const browser = stage.browser()
      await app.signIn(browser)
      assert.equal(await isAsked(browser, app, {}), asked, `${kind} ${uri}`)
      assert.equal(await isAsked(browser, app, { prompt: 'consent' }), true)
      await stage.close()
    }
  })

  it('is asked for each resource that the operator did not register', async () => {
    const { stage, app } = await opened()
    const api = 'https://api.example'
    const known = stage.app(
      await stage.addClient({ id: 'known', kind: 'web', redirectUris: [redirectUri], resources: [api] }),
    )
    const browser = stage.browser()
    for (const [each, asked] of [
      [app, true],
      [known, false],
    ] as const) {
      await each.signIn(browser, { resource: api })
      assert.equal(await isAsked(browser, each, { resource: api }), asked)
    }
    const page = await browser.open(app.authorizePath({ resource: api }).path)
    assert.ok(page.body.includes(api))
    await stage.close()
  })

  it('says for how long, as it will be', async () => {
    const { stage, app } = await opened({ idleSeconds: 2 * day, absoluteSeconds: 20 * day })
    const browser = stage.browser()
    await app.signIn(browser)
    const shown = async (fields: Fields) =>
      (await browser.open(app.authorizePath({ prompt: 'consent', ...fields }).path)).body
    assert.match(await shown({}), /For up to 20 days, or 2 days without use\. Signing out here does not end it/)
    assert.match(await shown({ scope: 'openid' }), /Until you sign out here: for up to 7 days, or 2 days without use/)
    const once = stage.app(await stage.addClient({ id: 'once', kind: 'spa', redirectUris: [redirectUri] }))
    assert.match(
      (await browser.open(once.authorizePath({ scope: 'openid' }).path)).body,
      /For up to 10 minutes\. After that/,
    )
    await stage.close()
  })

  it('denied, sends access_denied and opens nothing', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const page = await browser.signIn(await browser.open(app.authorizePath({ state: 'st' }).path))
    const { leftTo } = await browser.decide(page, 'deny')
    assert.deepEqual([leftTo?.searchParams.get('error'), leftTo?.searchParams.get('state')], ['access_denied', 'st'])
    assert.deepEqual(await eventsOf(stage, 'family_opened'), [])
    assert.equal(await isAsked(browser, app, {}), true)
    await stage.close()
  })
})

describe('the last click, made twice', () => {
  it('opens one grant and answers one code, one after the other or at once', async () => {
    for (const isAtOnce of [false, true]) {
      const { stage, app } = await opened()
      const browser = stage.browser()
      const { page, verifier } = await consentPageOf(browser, app)
      const answers = isAtOnce
        ? await Promise.all([browser.decide(page, 'allow'), browser.decide(page, 'allow')])
        : [await browser.decide(page, 'allow'), await browser.decide(page, 'allow')]
      const codes = answers.map(({ leftTo }) => leftTo?.searchParams.get('code'))
      assert.ok(codes[0])
      assert.equal(codes[1], codes[0])
      assert.equal((await eventsOf(stage, 'family_opened')).length, 1)
      assert.equal((await redeem(app, answers[0], verifier)).status, 200)
      await stage.close()
    }
  })

  it('shows that it is done once the code was redeemed, and the family lives on', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const { page, verifier } = await consentPageOf(browser, app)
    const tokens = await redeem(app, await browser.decide(page, 'allow'), verifier)
    const again = await browser.decide(page, 'allow')
    assert.deepEqual([again.status, again.leftTo], [409, null])
    assert.match(again.body, /This step is done/)
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
    assert.equal((await eventsOf(stage, 'family_opened')).length, 1)
    assert.deepEqual(await eventsOf(stage, 'token_reused'), [])
    await stage.close()
  })

  it('brings no code back that has run out, nor one that another person asked for', async () => {
    const { stage, app } = await opened()
    await stage.addUser('bob@example.com')
    const browser = stage.browser()
    const { page } = await consentPageOf(browser, app)
    await browser.decide(page, 'allow')
    stage.clock.advanceSeconds(60)
    assert.equal((await browser.decide(page, 'allow')).status, 409)
    const second = await consentPageOf(browser, app, { prompt: 'consent' })
    await browser.decide(second.page, 'allow')
    await browser.signIn(await browser.open(app.authorizePath({ prompt: 'login' }).path), 'bob@example.com')
    const asBob = await browser.decide(second.page, 'allow')
    assert.match(asBob.body, /value="allow"/, 'the answer was for another session, so bob is asked')
    assert.equal((await browser.decide(asBob, 'allow')).status, 409)
    await stage.close()
  })

  it('does not bring a consent back that was withdrawn since', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const { page, verifier } = await consentPageOf(browser, app)
    const tokens = await redeem(app, await browser.decide(page, 'allow'), verifier)
    const [event] = await eventsOf(stage, 'consent_given')
    assert.ok(event?.subject && event.clientId)
    const { consents } = stage.pawl.store
    await consents.withdraw(event.subject, event.clientId, 'ada', [])
    assert.equal((await app.refresh(tokens.refreshToken)).status, 400)
    assert.equal((await browser.decide(page, 'allow')).status, 409)
    assert.equal(await consents.read(event.subject, event.clientId), null)
    assert.equal(await isAsked(browser, app, {}), true)
    await stage.close()
  })

  it('counts for nothing in another browser, or after an hour', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const { page } = await consentPageOf(browser, app)
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: formOf(page, { decision: 'allow' }).body,
    }
    const stranger = stage.browser()
    await app.signIn(stranger)
    assert.equal((await stranger.send('/consent', form)).status, 400)
    stage.clock.advanceSeconds(interactionSeconds)
    assert.equal((await browser.send('/consent', form)).status, 400)
    assert.equal((await eventsOf(stage, 'family_opened')).length, 1, 'only the one of the stranger')
    await stage.close()
  })
})

describe('the lifetime of a grant', () => {
  it("with offline_access is the client's, and counts down exactly", async () => {
    const { stage, app } = await opened({ idleSeconds: 7 * day, absoluteSeconds: 10 * day })
    const first = await app.signIn(stage.browser())
    assert.deepEqual(lifetimes(first), [7 * day, 10 * day])
    stage.clock.advanceSeconds(2 * day)
    const second = await app.refresh(first.refreshToken)
    assert.deepEqual(lifetimes(second), [7 * day, 8 * day])
    stage.clock.advanceSeconds(5 * day)
    const third = await app.refresh(second.refreshToken)
    assert.deepEqual(lifetimes(third), [3 * day, 3 * day])
    stage.clock.advanceSeconds(3 * day - 1)
    const last = await app.refresh(third.refreshToken)
    assert.deepEqual(lifetimes(last), [1, 1])
    assert.equal(last.body['expires_in'], 1, 'no access token outlives the grant')
    stage.clock.advanceSeconds(1)
    assert.equal((await app.refresh(last.refreshToken)).status, 400)
    await stage.close()
  })

  it('without offline_access is that of the session, which no use prolongs', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const first = await app.signIn(browser, { scope: 'openid' })
    assert.deepEqual(lifetimes(first), [sessionSecondsDefault, sessionSecondsDefault])
    stage.clock.advanceSeconds(day)
    const later = await app.signIn(browser, { scope: 'openid' })
    assert.deepEqual(lifetimes(later), [sessionSecondsDefault - day, sessionSecondsDefault - day])
    await browser.signIn(await browser.open(app.authorizePath({ prompt: 'login' }).path))
    const refreshed = await app.refresh(later.refreshToken)
    assert.equal(refreshed.body['authorization_expires_in'], sessionSecondsDefault - day, 'nor does a new sign-in')
    stage.clock.advanceSeconds(sessionSecondsDefault - day)
    assert.equal((await app.refresh(refreshed.refreshToken)).status, 400)
    await stage.close()
  })

  it('is told in no answer without a refresh token', async () => {
    const { stage, app } = await opened({ kind: 'spa' })
    const tokens = await app.signIn(stage.browser(), { scope: 'openid offline_access' })
    assert.deepEqual(Object.keys(tokens.body).sort(), ['access_token', 'expires_in', 'id_token', 'scope', 'token_type'])
    assert.equal(tokens.body['scope'], 'openid', 'what cannot be given is not granted')
    await stage.close()
  })

  it('without a scope is what the client is registered for, less openid and offline_access', async () => {
    const { stage, app } = await opened()
    const tokens = await app.signIn(stage.browser(), { scope: undefined })
    assert.equal(tokens.body['scope'], 'profile email phone address')
    assert.equal('id_token' in tokens.body, false)
    assert.deepEqual(lifetimes(tokens), [sessionSecondsDefault, sessionSecondsDefault])
    await stage.close()
  })
})

describe('the cap on grants', () => {
  it('ends the oldest beyond it, with one event, and spares the one just opened', async () => {
    const { stage, app } = await opened({}, { grantsPerUserAndClientMax: 3 })
    const browser = stage.browser()
    const early = await consentPageOf(browser, app)
    const held: Tokens[] = []
    for (let count = 0; count < 3; count++) {
      stage.clock.advanceSeconds(1)
      held.push(await app.signIn(browser))
    }
    assert.deepEqual(await eventsOf(stage, 'family_ended'), [])
    const late = await redeem(app, await browser.decide(early.page, 'allow'), early.verifier)
    assert.equal(late.status, 200, 'its id is older than the others, and it is the newest')
    const statuses = await Promise.all(held.map(async tokens => (await app.refresh(tokens.refreshToken)).status))
    assert.deepEqual(statuses, [400, 200, 200])
    const ended = await eventsOf(stage, 'family_ended')
    assert.deepEqual(
      ended.map(({ detail }) => detail['reason']),
      ['too_many_grants'],
    )
    await stage.close()
  })

  it('counts each user and client for itself, and only what lives', async () => {
    const { stage, app } = await opened({}, { grantsPerUserAndClientMax: 1 })
    await stage.addUser('bob@example.com')
    const other = stage.app(await stage.addClient({ id: 'other', kind: 'web', redirectUris: [redirectUri] }))
    const first = await app.signIn(stage.browser())
    await other.signIn(stage.browser())
    const bob = stage.browser()
    await bob.signIn(await bob.open(app.authorizePath().path), 'bob@example.com')
    await app.signIn(bob)
    assert.equal((await app.refresh(first.refreshToken)).status, 200)
    await app.revoke(first.refreshToken)
    await app.signIn(stage.browser())
    assert.deepEqual(
      (await eventsOf(stage, 'family_ended')).map(({ detail }) => detail['reason']),
      ['revoked_by_client'],
    )
    await stage.close()
  })

  it('is 100 unless set otherwise', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    for (let count = 0; count < 100; count++) await app.authorize(browser, { state: String(count) })
    assert.deepEqual(await eventsOf(stage, 'family_ended'), [])
    await app.authorize(browser)
    assert.equal((await eventsOf(stage, 'family_ended')).length, 1)
    await stage.close()
  })

  it('is reached step by step where it was lowered, so that no request pays for all', async test => {
    const database = await databaseFor(test)
    const before = await openStage({ database })
    await before.addUser()
    const registered = await before.addClient({ id: 'shop', kind: 'web', redirectUris: [redirectUri] })
    const browser = before.browser()
    for (let count = 0; count <= grantsEndedAtOnceMax + 1; count++) await before.app(registered).authorize(browser)
    await before.close()
    const startsAtMs = before.clock.nowMs() + 1
    const settings = { grantsPerUserAndClientMax: 1 }
    const after = await openStage({ database, keys: before.keys, seed: 'lowered', startsAtMs, settings })
    const next = after.browser()
    await after.app(registered).authorize(next)
    assert.equal((await eventsOf(after, 'family_ended')).length, grantsEndedAtOnceMax)
    const tokens = await after.app(registered).signIn(next)
    assert.equal((await after.app(registered).refresh(tokens.refreshToken)).status, 200)
    assert.equal((await eventsOf(after, 'family_ended')).length, grantsEndedAtOnceMax + 3)
    await after.close()
  })
})

async function opened(
  registration: { readonly kind?: string; readonly [name: string]: unknown } = {},
  settings: { readonly [name: string]: unknown } = {},
): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage({ settings })
  await stage.addUser()
  const client = { id: 'shop', kind: 'web', redirectUris: [redirectUri], ...registration }
  return { stage, app: stage.app(await stage.addClient(client)) }
}

async function isAsked(browser: Browser, app: App, fields: Fields): Promise<boolean> {
  const page = await browser.open(app.authorizePath(fields).path)
  if (page.leftTo === null) return true
  assert.ok(page.leftTo.searchParams.has('code'), page.leftTo.href)
  return false
}

async function consentPageOf(
  browser: Browser,
  app: App,
  fields: Fields = {},
): Promise<{ readonly page: BrowserPage; readonly verifier: string }> {
  const { path, verifier } = app.authorizePath(fields)
  const first = await browser.open(path)
  const page = first.body.includes('name="password"') ? await browser.signIn(first) : first
  assert.match(page.body, /value="allow"/)
  return { page, verifier }
}

function redeem(app: App, answer: BrowserPage | undefined, verifier: string): Promise<Tokens> {
  const parameters = answer?.leftTo?.searchParams ?? new URLSearchParams()
  return app.redeem({ code: parameters.get('code') ?? '', verifier, parameters })
}

function lifetimes(tokens: Tokens): unknown[] {
  return [tokens.body['refresh_token_timeout'], tokens.body['authorization_expires_in']]
}
