import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openBff, origin, type Visitor } from '../bff/bff-ground.ts'
import { openLogoutReceiver } from '../stage/logout-receiver.ts'
import { settle } from '../stage/scene.ts'

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  const answer = await visitor.send('/bff/session')
  const told = (await answer?.json()) as { readonly signed_in: boolean } | undefined
  return told?.signed_in === true
}

const sessionName = '__Host-Http-pawl-session'

describe('a backend for frontend', () => {
  it('BF-01 gives the browser a cookie and never a token', async test => {
    const { visitor, reached, store, stage } = await openBff(test)
    const ada = visitor()
    const signedIn = await ada.signIn()
    const cookie = signedIn.headers.getSetCookie().find(each => each.startsWith(sessionName)) ?? ''
    assert.match(
      cookie,
      /^__Host-Http-pawl-session=[\w-]{64}; Max-Age=\d+; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    )
    await ada.send('/api/notes')
    stage.clock.advanceSeconds(3600)
    await ada.send('/api/notes')
    await isSignedIn(ada)
    await ada.send('/bff/sign-out', { method: 'POST' })
    const sent = reached.map(each => each.headers.get('authorization')?.split(' ')[1] ?? 'none')
    assert.equal(new Set(sent).size, 2)
    const seen = ada.received.map(({ response, text }) => JSON.stringify([...response.headers]) + text).join('\n')
    for (const token of sent) assert.ok(!seen.includes(token))
    assert.doesNotMatch(seen, /eyJ[\w-]{10,}\.|pawl_rt_|pawl_at_|access_token|refresh_token|id_token/)
    assert.ok(ada.received.every(({ response }) => response.headers.get('cache-control') === 'no-store'))
    assert.equal(await store.load('bff-session:x'), null)
  })

  it('BF-01 keeps nothing that the database alone could open', async test => {
    const { visitor, store } = await openBff(test)
    const saved: string[] = []
    const { save } = store
    Object.assign(store, {
      save: (...given: Parameters<typeof save>) => {
        saved.push(JSON.stringify(given))
        return save(...given)
      },
    })
    const ada = visitor()
    await ada.signIn()
    const cookie = ada.jar.get(sessionName) ?? 'none'
    assert.ok(saved.length >= 3)
    for (const text of saved) {
      assert.ok(!text.includes(cookie))
      assert.doesNotMatch(text, /eyJ[\w-]{10,}\.|pawl_rt_|ada@example/)
    }
  })

  it('BF-02 refuses what another site, a sibling or a form sends', async test => {
    const { visitor, reached, events } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const strangers: readonly { readonly [name: string]: string }[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.app.example' },
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
      { 'sec-fetch-site': 'same-origin', 'x-bff': '' },
      { 'sec-fetch-site': 'same-origin', 'x-bff': '2' },
    ]
    for (const headers of strangers) {
      for (const [path, method] of [
        ['/api/notes', 'GET'],
        ['/api/notes', 'POST'],
        ['/bff/session', 'GET'],
        ['/bff/sign-out', 'POST'],
      ] as const) {
        const answer = await ada.send(path, { method, headers })
        assert.equal(answer?.status, 403, `${path} ${JSON.stringify(headers)}`)
        assert.equal(answer?.headers.get('access-control-allow-origin'), null)
      }
    }
    assert.equal(reached.length, 0)
    assert.ok(events.some(event => event.kind === 'refused'))
    assert.equal(await isSignedIn(ada), true)
  })

  it('BF-02 takes the word of an older browser’s Origin', async test => {
    const { bff, visitor } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const cookie = `${sessionName}=${ada.jar.get(sessionName)}`
    const ask = (from: string) =>
      bff(new Request(`${origin}/api/notes`, { method: 'POST', headers: { cookie, origin: from, 'x-bff': '1' } }))
    assert.equal((await ask(origin))?.status, 200)
    assert.equal((await ask('https://evil.example'))?.status, 403)
  })

  it('BF-03 reaches no address that the table of routes does not name', async test => {
    const { visitor, reached } = await openBff(test, {
      routes: {
        '/api/': { upstream: 'https://api.example/v1/' },
        '/one': { upstream: 'https://api.example/one', methods: ['GET'] },
      },
    })
    const ada = visitor()
    await ada.signIn()
    const paths = [
      '/api/%2e%2e/admin',
      '/api/a/%2E%2e/%2e%2e/admin',
      '/api/..%2fadmin',
      '/api/%252e%252e/admin',
      '/api/a%5c..%5cb',
    ]
    for (const path of [...paths, '/api//evil.example/', '/api/a;/b', '/api/..;/admin', '/api/%00']) {
      const answer = await ada.send(path)
      assert.ok(answer === null || answer.status === 403, `${path}: ${answer?.status}`)
    }
    for (const path of ['/api/../admin', '/apis', '/api', '/one/two', '/ONE'])
      assert.equal(await ada.send(path), null, path)
    assert.equal((await ada.send('/one', { method: 'POST' }))?.status, 405)
    assert.equal(reached.length, 0)
    await ada.send('/api/@evil.example/', { headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } })
    assert.equal(reached[0]?.url, 'https://api.example/v1/@evil.example/')
    assert.equal(reached[0]?.headers.get('x-forwarded-host'), null)
  })

  it('BF-08 takes a cookie for nothing once its session was signed out', async test => {
    const { visitor } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const stolen = ada.jar.get(sessionName) ?? ''
    await ada.send('/bff/sign-out', { method: 'POST' })
    const thief = visitor()
    thief.jar.set(sessionName, stolen)
    assert.equal(await isSignedIn(thief), false)
    thief.jar.set(sessionName, stolen)
    assert.equal((await thief.send('/api/notes'))?.status, 401)
  })

  it('BF-10 gives a new cookie at each sign-in, and ends the session before', async test => {
    const { visitor } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const first = ada.jar.get(sessionName) ?? ''
    await ada.signIn()
    assert.notEqual(ada.jar.get(sessionName), first)
    const thief = visitor()
    thief.jar.set(sessionName, first)
    assert.equal(await isSignedIn(thief), false)
    const fixed = visitor()
    fixed.jar.set(sessionName, 'A'.repeat(64))
    await fixed.signIn()
    assert.notEqual(fixed.jar.get(sessionName), 'A'.repeat(64))
  })

  it('BF-11 sends nobody elsewhere after a sign-in', async test => {
    const { visitor } = await openBff(test)
    for (const target of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '\\\\evil',
      'javascript:alert(1)',
      '/a\\b',
      '',
    ]) {
      const answer = await visitor().navigate(`/bff/sign-in?return_to=${encodeURIComponent(target)}`)
      assert.equal(answer?.status, 400, target)
      assert.equal(answer?.headers.get('location'), null)
    }
    const ada = visitor()
    const page = await (await ada.signIn('/a?b="><script>alert(1)</script>')).text()
    assert.doesNotMatch(page, /<script>/)
  })

  it('BF-12 takes no answer to a sign-in that another browser began', async test => {
    const { visitor, asked } = await openBff(test)
    const mallory = visitor()
    const begun = await mallory.navigate('/bff/sign-in')
    const address = new URL(begun?.headers.get('location') ?? '')
    const page = await mallory.server.signIn(await mallory.server.open(address.pathname + address.search))
    const back = (page.leftTo === null ? await mallory.server.decide(page, 'allow') : page).leftTo
    const ada = visitor()
    const answer = await ada.navigate(`${back?.pathname}${back?.search}`, 'cross-site')
    assert.equal(answer?.headers.get('location'), '/?sign_in_error=failed')
    assert.equal(ada.jar.has(sessionName), false)
    assert.deepEqual(asked, [])
  })
})

describe('a logout token at a backend', () => {
  async function openTold(test: Parameters<typeof openBff>[0]) {
    const receiver = await openLogoutReceiver(test)
    const ground = await openBff(test, {}, { backchannelLogoutUri: receiver.url })
    const tell = (body: string, type = 'application/x-www-form-urlencoded') =>
      ground.bff(
        new Request(`${origin}/bff/back-channel-logout`, { method: 'POST', body, headers: { 'content-type': type } }),
      )
    return { ...ground, receiver, tell }
  }

  it('CK-15 ends the session it names, once, and no other', async test => {
    const { visitor, receiver, tell, stage } = await openTold(test)
    const [ada, other] = [visitor(), visitor()]
    await ada.signIn()
    await other.signIn()
    let page = await ada.server.open('/logout')
    page = await ada.server.submit(page, { decision: 'sign_out' })
    await settle(stage)
    const [heard] = receiver.heard
    assert.ok(heard, page.body.slice(0, 200))
    const body = new URLSearchParams({ logout_token: heard.token }).toString()
    assert.equal((await tell(body))?.status, 200)
    assert.equal(await isSignedIn(ada), false)
    assert.equal(await isSignedIn(other), true)
    assert.equal((await tell(body))?.status, 400, 'obeyed once')
  })

  it('CK-15 is refused when it is stale, for another, changed, or something else', async test => {
    const { visitor, receiver, tell, stage, reached } = await openTold(test)
    const ada = visitor()
    await ada.signIn()
    await ada.send('/api/notes')
    const accessToken = reached[0]?.headers.get('authorization')?.split(' ')[1] ?? ''
    await ada.server.submit(await ada.server.open('/logout'), { decision: 'sign_out' })
    await settle(stage)
    const token = receiver.heard[0]?.token ?? ''
    const [header = '', claims = '', signature = ''] = token.split('.')
    const changed = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: 'x' }
    const forged = `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`
    const unsigned = `${Buffer.from('{"alg":"none","typ":"logout+jwt"}').toString('base64url')}.${claims}.`
    for (const wrong of [forged, unsigned, accessToken, '', 'a.b.c', `${token}x`, 'x'.repeat(9000)]) {
      assert.equal((await tell(new URLSearchParams({ logout_token: wrong }).toString()))?.status, 400)
    }
    assert.equal((await tell(`logout_token=${token}&logout_token=${token}`))?.status, 400)
    assert.equal((await tell(JSON.stringify({ logout_token: token }), 'application/json'))?.status, 400)
    stage.clock.advanceSeconds(600)
    assert.equal((await tell(`logout_token=${token}`))?.status, 400, 'too old')
    assert.equal(await isSignedIn(ada), true)
  })
})
