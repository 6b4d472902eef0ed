/** Signing out at one place and being signed out at the others: requests that are not right, applications that are away. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { listDeliveries } from '../../packages/server/src/admin/deliveries.ts'
import { attemptSecondsMax } from '../../packages/server/src/domain/outbox/courier.ts'
import { type Delivery, deliveryAttemptsMax } from '../../packages/server/src/domain/outbox/outbox.ts'
import type { BrowserPage } from '../stage/browser.ts'
import { dpopKey } from '../stage/dpop.ts'
import { eventsOf } from '../stage/events.ts'
import { type LogoutReceiver, openLogoutReceiver } from '../stage/logout-receiver.ts'
import { databaseFor, openFamilyOf, openScene, type Scene, settle, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { notedTimers } from '../stage/timers.ts'

const bye = 'https://shop.example/bye'
const leavingShop = { ...shop, postLogoutRedirectUris: [bye] }
const sessionOnly = { scope: 'openid email' }

interface Hinted extends Scene {
  readonly hint: string
}

async function openHinted(test: TestContext): Promise<Hinted> {
  const scene = await openScene(test, { client: leavingShop })
  const tokens = await scene.app.signIn(scene.browser, sessionOnly)
  return { ...scene, hint: String(tokens.body['id_token']) }
}

function logOut({ browser }: Scene, fields: { readonly [name: string]: string }): Promise<BrowserPage> {
  return browser.open(`/logout?${new URLSearchParams(fields).toString()}`)
}

async function isSignedIn({ app, browser }: Scene): Promise<boolean> {
  const { leftTo } = await browser.open(app.authorizePath({ prompt: 'none', ...sessionOnly }).path)
  const error = leftTo?.searchParams.get('error') ?? null
  assert.ok(error === null || error === 'login_required', String(error))
  return error === null
}

/** The modules of the OpenID Foundation's plan for RP-initiated logout, by what each expects of the provider. */
describe('a request to sign out', () => {
  it('LO-01 finds the endpoint in the metadata', async test => {
    const { stage } = await openHinted(test)
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as {
      readonly [name: string]: unknown
    }
    assert.equal(metadata['end_session_endpoint'], `${stage.issuer}/logout`)
  })

  it('LO-01 that is whole ends the session and comes back with its state', async test => {
    const scene = await openHinted(test)
    const page = await logOut(scene, { id_token_hint: scene.hint, post_logout_redirect_uri: bye, state: 's 1' })
    assert.equal(page.leftTo?.href, `${bye}?state=s+1`)
    assert.equal(await isSignedIn(scene), false)
  })

  it('LO-01 without a state comes back without one', async test => {
    const scene = await openHinted(test)
    const page = await logOut(scene, { id_token_hint: scene.hint, post_logout_redirect_uri: bye })
    assert.equal(page.leftTo?.href, bye)
    assert.equal(await isSignedIn(scene), false)
  })

  it('LO-01 without an address to return to ends on a page that says so', async test => {
    const scene = await openHinted(test)
    const page = await logOut(scene, { id_token_hint: scene.hint })
    assert.deepEqual([page.status, page.leftTo], [200, null])
    assert.match(page.body, /You are signed out/)
    assert.equal(await isSignedIn(scene), false)
  })

  const asked: { readonly [what: string]: { readonly [name: string]: string } } = {
    'with no parameters': {},
    'with nothing but a state': { state: 's' },
    'with hints that prove nothing': { logout_hint: 'ada@example.com', ui_locales: 'de en', client_id: 'shop' },
  }
  for (const [what, fields] of Object.entries(asked)) {
    it(`LO-01 ${what} asks the person, and goes nowhere`, async test => {
      const scene = await openHinted(test)
      const page = await logOut(scene, fields)
      assert.deepEqual([page.status, page.leftTo], [200, null])
      assert.match(page.body, /Sign out\?/)
      assert.equal(await isSignedIn(scene), true)
      const done = await scene.browser.submit(page, { decision: 'sign_out' })
      assert.deepEqual([done.status, done.leftTo], [200, null])
      assert.equal(await isSignedIn(scene), false)
    })
  }

  const refused: { readonly [what: string]: (hint: string) => { readonly [name: string]: string } } = {
    'a hint that is none': () => ({ id_token_hint: 'bad', post_logout_redirect_uri: bye }),
    'a hint that was changed': hint => ({
      id_token_hint: `${hint.slice(0, -2)}${hint.endsWith('AA') ? 'BB' : 'AA'}`,
      post_logout_redirect_uri: bye,
    }),
    'an address and no hint': () => ({ post_logout_redirect_uri: bye, state: 's' }),
    'an address that is not registered': hint => ({
      id_token_hint: hint,
      post_logout_redirect_uri: 'https://shop.example/elsewhere',
    }),
    'a query added to the address': hint => ({ id_token_hint: hint, post_logout_redirect_uri: `${bye}?foo=bar` }),
  }
  for (const [what, fieldsOf] of Object.entries(refused)) {
    it(`LO-01 with ${what} is refused on our page, and ends nothing`, async test => {
      const scene = await openHinted(test)
      const page = await logOut(scene, fieldsOf(scene.hint))
      assert.deepEqual([page.status, page.leftTo], [400, null])
      assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
      assert.equal(await isSignedIn(scene), true)
    })
  }
})

interface Told extends Scene {
  readonly receiver: LogoutReceiver
  readonly logOut: () => Promise<BrowserPage>
  readonly deliveries: () => Promise<readonly Delivery[]>
}

async function openTold(test: TestContext, options: Parameters<typeof openScene>[1] = {}): Promise<Told> {
  const receiver = await openLogoutReceiver(test)
  const client = { ...leavingShop, backchannelLogoutUri: receiver.url }
  const scene = await openScene(test, { client, ...options })
  const tokens = await scene.app.signIn(scene.browser, sessionOnly)
  const fields = { id_token_hint: String(tokens.body['id_token']), post_logout_redirect_uri: bye }
  return {
    ...scene,
    receiver,
    logOut: () => logOut(scene, fields),
    deliveries: () => listDeliveries(scene.stage.workbench, null, 100),
  }
}

/** Long enough for the next attempt, whatever chance made of the pause. */
async function tryAgain({ stage, deliveries }: Told): Promise<void> {
  const [delivery] = await deliveries()
  assert.equal(delivery?.state, 'pending')
  stage.clock.set(Math.max(delivery?.nextAtMs ?? 0, stage.clock.nowMs() + 300_000))
  await stage.pawl.tellOthers()
}

describe('an application that must hear of it', () => {
  it('LO-02 and answers an error, a redirect or nothing that we take is told again, until it hears', async test => {
    const told = await openTold(test)
    const { stage, receiver } = told
    const inside = await openLogoutReceiver(test)
    receiver.answer(500)
    assert.equal((await told.logOut()).leftTo?.href, bye)
    await settle(stage)
    const results = [(await told.deliveries())[0]?.lastResult]
    const wrong: readonly Parameters<LogoutReceiver['answer']>[0][] = [
      400,
      202,
      response => response.writeHead(302, { location: inside.url }).end(),
      response => response.writeHead(200).end('x'.repeat(100_000)),
      response => response.destroy(),
    ]
    for (const how of wrong) {
      receiver.answer(how)
      await tryAgain(told)
      results.push((await told.deliveries())[0]?.lastResult)
    }
    assert.deepEqual(results, ['500', '400', '202', 'refused_redirect', 'refused_size', 'unreachable'])
    assert.deepEqual(inside.heard, [], 'a redirect is not followed')
    receiver.answer(204)
    await tryAgain(told)
    const [delivery] = await told.deliveries()
    assert.deepEqual([delivery?.state, delivery?.attempts, delivery?.lastResult], ['delivered', 7, '204'])
    await stage.pawl.tellOthers()
    assert.equal(receiver.heard.length, 7)
    assert.deepEqual(await eventsOf(stage, 'delivery_failed'), [])
  })

  it('LO-02 and never answers keeps nobody waiting', async test => {
    const timers = notedTimers()
    timers.hold()
    const told = await openTold(test, { outbound: { startTimer: timers.startTimer } })
    told.receiver.answer(() => {})
    assert.equal((await told.logOut()).leftTo?.href, bye, 'answered while the application is not')
    assert.equal(await isSignedIn(told), false)
    timers.letGo()
    await settle(told.stage)
    assert.deepEqual(timers.delaysMs, [attemptSecondsMax * 1000])
    const [delivery] = await told.deliveries()
    assert.deepEqual([delivery?.state, delivery?.lastResult], ['pending', 'refused_time'])
  })

  it('LO-02 and stays away is given up after so many attempts, on record, with one event', async test => {
    const told = await openTold(test)
    told.receiver.answer(503)
    await told.logOut()
    await settle(told.stage)
    for (let attempt = 1; attempt < deliveryAttemptsMax; attempt++) await tryAgain(told)
    assert.equal(told.receiver.heard.length, deliveryAttemptsMax)
    const [delivery, ...others] = await listDeliveries(told.stage.workbench, 'failed', 100)
    assert.deepEqual(others, [])
    assert.deepEqual([delivery?.attempts, delivery?.lastResult], [deliveryAttemptsMax, '503'])
    const [event, ...more] = await eventsOf(told.stage, 'delivery_failed')
    assert.deepEqual(more, [])
    assert.deepEqual([event?.clientId, event?.detail['result']], ['shop', '503'])
    told.stage.clock.advanceSeconds(86_400)
    await told.stage.pawl.tellOthers()
    assert.equal(told.receiver.heard.length, deliveryAttemptsMax)
  })

  it('LO-02 is told by whoever comes next when the server stops in between', async test => {
    const database = await databaseFor(test)
    const told = await openTold(test, { database })
    const { stage, receiver } = told
    receiver.answer(500)
    await told.logOut()
    await settle(stage)
    const heard = receiver.heard.length
    receiver.answer(200)
    const next = await openStage({ database, keys: stage.keys, seed: 'next', startsAtMs: stage.clock.nowMs() + 60_000 })
    test.after(() => next.close())
    await next.pawl.tellOthers()
    assert.deepEqual([heard, receiver.heard.length], [1, 2])
  })
})

describe('an address to hear of it at', () => {
  it('SF-03 that leads inside is sent nothing', async test => {
    const told = await openTold(test, {
      client: { ...leavingShop, backchannelLogoutUri: 'https://rp.example/logged-out' },
      outbound: { resolveHost: async () => ['10.0.0.7', '203.0.113.9'] },
    })
    await told.logOut()
    await settle(told.stage)
    const [delivery] = await told.deliveries()
    assert.deepEqual([delivery?.state, delivery?.lastResult], ['pending', 'refused_address'])
  })

  it('SF-03 is refused where it is registered: another scheme, a fragment, somebody else’s origin', async test => {
    const { stage } = await openScene(test)
    const wrong = [
      { backchannelLogoutUri: 'http://rp.example/x' },
      { backchannelLogoutUri: 'https://rp.example/x#y' },
      { backchannelLogoutUri: 'https://user:secret@rp.example/x' },
      { backchannelLogoutUri: 'file:///etc/passwd' },
      { backchannelLogoutUri: 'no url' },
      { frontchannelLogoutUri: 'https://elsewhere.example/x' },
      { frontchannelLogoutUri: 'http://shop.example/x' },
      { frontchannelLogoutUri: 'javascript:alert(1)' },
    ]
    for (const uris of wrong) await assert.rejects(stage.addClient({ ...shop, ...uris }), JSON.stringify(uris))
    const right = { backchannelLogoutUri: 'https://rp.example/x?y', frontchannelLogoutUri: 'https://shop.example/x' }
    assert.equal(
      (await stage.addClient({ ...shop, ...right })).client.logout.backChannelUri,
      right.backchannelLogoutUri,
    )
  })
})

describe('a client that registers itself', () => {
  it('SF-03 gives addresses on the public internet only, and is told what became of them', async test => {
    const { stage } = await openScene(test)
    const register = async (members: object): Promise<readonly [number, { readonly [name: string]: unknown }]> => {
      const body = JSON.stringify({ redirect_uris: ['https://app.example/cb'], ...members })
      const headers = { 'content-type': 'application/json' }
      const response = await stage.send('/register', { method: 'POST', headers, body })
      return [response.status, (await response.json()) as { readonly [name: string]: unknown }]
    }
    const inside = ['https://10.0.0.1/x', 'https://169.254.169.254/', 'http://app.example/x', 'x:y', 7]
    for (const address of inside) {
      for (const member of ['backchannel_logout_uri', 'frontchannel_logout_uri']) {
        const [status, body] = await register({ [member]: address })
        assert.deepEqual([status, body['error']], [400, 'invalid_client_metadata'], `${member} ${address}`)
      }
    }
    const members = {
      backchannel_logout_uri: 'https://app.example/back',
      backchannel_logout_session_required: true,
      frontchannel_logout_uri: 'https://app.example/front',
      frontchannel_logout_session_required: true,
    }
    const [status, body] = await register(members)
    assert.deepEqual([status, body], [201, { ...body, ...members }])
  })
})

describe('a logout token', () => {
  it('JW-07 is no hint, and no access token', async test => {
    const told = await openTold(test)
    await told.logOut()
    await settle(told.stage)
    const token = told.receiver.heard[0]?.token ?? ''
    assert.match(token, /^ey/)
    assert.equal((await told.app.userinfo(token)).status, 401)
    assert.deepEqual(await told.app.introspect(token), { active: false })
    await told.app.signIn(told.browser, sessionOnly)
    assert.equal((await logOut(told, { id_token_hint: token })).status, 400)
    assert.equal(await isSignedIn(told), true)
  })
})

describe('a page that keeps a refresh token', () => {
  it('LO-03 loses it when its user signs out, on every node', async test => {
    const database = await databaseFor(test)
    const page = {
      id: 'page',
      kind: 'spa',
      refresh: true,
      redirectUris: ['https://page.example/cb'],
      postLogoutRedirectUris: ['https://page.example/bye'],
    }
    const scene = await openScene(test, { database, client: page })
    const key = await dpopKey(scene.stage)
    const { first } = await openFamilyOf(scene, sessionOnly, await key.proof({}))
    const elsewhere = await openStage({ database, keys: scene.stage.keys, seed: 'elsewhere' })
    test.after(() => elsewhere.close())
    const there = elsewhere.app(scene.registered)
    const second = await there.refresh(first.refreshToken, {}, await key.proof({}))
    assert.equal(second.status, 200)
    await logOut(scene, { id_token_hint: String(first.body['id_token']) })
    for (const app of [there, scene.app]) {
      const answer = await app.refresh(second.refreshToken, {}, await key.proof({}))
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_grant'])
    }
  })
})

describe('a page that tells applications in frames', () => {
  it('CK-04 names their origins in its policy, and cannot be framed itself', async test => {
    const frame = 'https://shop.example/logged-out?a=b'
    const scene = await openScene(test, { client: { ...leavingShop, frontchannelLogoutUri: frame } })
    const { app, browser, stage } = scene
    const office = await stage.addClient({
      ...shop,
      id: 'office',
      redirectUris: ['https://office.example/cb'],
      frontchannelLogoutUri: 'https://office.example/out',
    })
    const tokens = await app.signIn(browser, sessionOnly)
    await stage.app(office).signIn(browser, sessionOnly)
    const hint = String(tokens.body['id_token'])
    const page = await logOut(scene, { id_token_hint: hint, post_logout_redirect_uri: bye, state: '"><script>' })
    assert.deepEqual([page.status, page.leftTo], [200, null])
    const policy = page.headers.get('content-security-policy') ?? ''
    const framed = /frame-src ([^;]*);/.exec(policy)?.[1]?.split(' ') ?? []
    assert.deepEqual(framed.toSorted(), ['https://office.example', 'https://shop.example'])
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.equal(page.headers.get('x-frame-options'), 'DENY')
    const sources = [...page.body.matchAll(/<iframe [^>]*src="([^"]*)"/g)].map(
      ([, src = '']) => new URL(src.replaceAll('&amp;', '&')),
    )
    assert.deepEqual(sources.map(({ origin, pathname }) => origin + pathname).toSorted(), [
      'https://office.example/out',
      'https://shop.example/logged-out',
    ])
    const own = sources.find(({ origin }) => origin === 'https://shop.example')
    const { sid, iss, a } = Object.fromEntries(own?.searchParams ?? [])
    assert.deepEqual([iss, a, typeof sid], [stage.issuer, 'b', 'string'])
    assert.doesNotMatch(page.body, /<script>/)
    assert.match(page.body, /<meta http-equiv="refresh" content="3; url=https:\/\/shop\.example\/bye\?state=/)
    const again = await logOut(scene, { id_token_hint: hint, post_logout_redirect_uri: bye })
    assert.equal(again.leftTo?.href, bye, 'there is nobody left to tell')
  })
})
