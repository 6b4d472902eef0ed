import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import { api, openBff, origin } from './bff-ground.ts'

interface Told {
  readonly signed_in: boolean
  readonly [name: string]: unknown
}

async function told(answer: Response | null): Promise<Told> {
  return (await answer?.json()) as Told
}

describe('a person of an application with a backend', () => {
  it('signs in, is known, uses the API and signs out', async test => {
    const { stage, visitor, reached, asked } = await openBff(test)
    const ada = visitor()
    assert.deepEqual(await told(await ada.send('/bff/session')), { signed_in: false })
    const page = await ada.signIn('/notes?a=1#top')
    assert.equal(page.status, 200)
    assert.match(await page.text(), /content="0;url=\/notes\?a=1#top"/)
    const session = await told(await ada.send('/bff/session'))
    assert.equal(session.signed_in, true)
    assert.deepEqual(session['claims'], { email: 'ada@example.com' })
    const answer = await ada.send('/api/notes?a=1', { headers: { accept: 'application/json' } })
    assert.deepEqual(await answer?.json(), { hello: 'world' })
    assert.equal(reached[0]?.url, `${api}/v1/notes?a=1`)
    assert.match(reached[0]?.headers.get('authorization') ?? '', /^Bearer ey/)
    assert.equal(reached[0]?.headers.get('cookie'), null)
    assert.equal(reached[0]?.headers.get('x-bff'), null)
    const out = await told(await ada.send('/bff/sign-out', { method: 'POST' }))
    const location = new URL(String(out['location']))
    assert.equal(location.origin + location.pathname, `${stage.issuer}/logout`)
    assert.equal(location.searchParams.get('post_logout_redirect_uri'), `${origin}/`)
    assert.equal((await ada.send('/api/notes'))?.status, 401)
    assert.deepEqual(asked, ['authorization_code'])
  })

  it('has one refresh for twenty requests to three processes, and the same cookie after it', async test => {
    const { stage, visitor, another, bff, asked, reached } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const cookies = [...ada.jar]
    stage.clock.advanceSeconds(3600)
    const processes = [bff, another(), another()]
    const cookie = cookies.map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, 'x-bff': '1', 'sec-fetch-site': 'same-origin' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, tab) =>
        processes[tab % 3]?.(new Request(`${origin}/api/notes`, { headers })),
      ),
    )
    assert.deepEqual(new Set(answers.map(answer => answer?.status)), new Set([200]))
    assert.deepEqual(
      answers.flatMap(answer => answer?.headers.getSetCookie() ?? []),
      [],
    )
    assert.deepEqual(asked, ['authorization_code', 'refresh_token'])
    assert.equal(new Set(reached.map(each => each.headers.get('authorization'))).size, 1)
  })

  it('is signed out everywhere when an operator says so, and seen in the list', async test => {
    const { visitor, bff, stage } = await openBff(test)
    const [one, two] = [visitor(), visitor()]
    await one.signIn()
    await two.signIn()
    const { sub } = await told(await one.send('/bff/session'))
    assert.equal((await bff.sessionsOf(String(sub))).length, 2)
    assert.equal(await bff.endSessionsOf(String(sub)), 2)
    for (const each of [one, two]) assert.deepEqual(await told(await each.send('/bff/session')), { signed_in: false })
    assert.deepEqual(await bff.sessionsOf(String(sub)), [])
    assert.ok(stage.clock.nowMs() > 0)
  })

  it('is signed out when the server has ended the grant', async test => {
    const { visitor, stage, events } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const { sub } = await told(await ada.send('/bff/session'))
    await carryOut(stage.workbench, await planRevocation(stage.workbench, { user: String(sub) }))
    stage.clock.advanceSeconds(3600)
    const answer = await ada.send('/api/notes')
    assert.equal(answer?.status, 401)
    assert.equal(answer?.headers.get('bff-session'), 'none')
    assert.deepEqual(await told(await ada.send('/bff/session')), { signed_in: false })
    assert.ok(events.some(event => event.kind === 'signed-out' && event.reason === 'refused'))
  })

  it('stays signed in while the server is away', async test => {
    const away = { now: false }
    const { visitor, stage } = await openBff(test, {}, {}, away)
    const ada = visitor()
    await ada.signIn()
    stage.clock.advanceSeconds(3600)
    away.now = true
    const answer = await ada.send('/api/notes')
    assert.equal(answer?.status, 503)
    assert.ok(Number(answer?.headers.get('retry-after')) > 0)
    away.now = false
    stage.clock.advanceSeconds(61)
    assert.equal((await ada.send('/api/notes'))?.status, 200)
  })

  it('loses a session that nobody uses, and one that is old', async test => {
    const { visitor, stage } = await openBff(test, { idleSeconds: 100, absoluteSeconds: 250 })
    const ada = visitor()
    await ada.signIn()
    for (const seconds of [90, 90]) {
      stage.clock.advanceSeconds(seconds)
      assert.equal((await told(await ada.send('/bff/session'))).signed_in, true)
    }
    stage.clock.advanceSeconds(69)
    assert.equal((await told(await ada.send('/bff/session'))).signed_in, true)
    stage.clock.advanceSeconds(1)
    assert.equal((await told(await ada.send('/bff/session'))).signed_in, false, 'absolute')
    await ada.signIn()
    stage.clock.advanceSeconds(100)
    assert.equal((await told(await ada.send('/bff/session'))).signed_in, false, 'idle')
  })

  it('has the application answer what is not the backend’s', async test => {
    const { visitor } = await openBff(test)
    assert.equal(await visitor().navigate('/notes'), null)
    assert.equal(await visitor().navigate('/apis'), null)
    assert.equal((await visitor().navigate('/bff/else'))?.status, 404)
  })

  it('is asked to come back when the store fails, and loses nothing', async test => {
    const { visitor, store, events } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const { load } = store
    Object.assign(store, { load: () => Promise.reject(new Error('the disk is gone')) })
    const answer = await ada.send('/api/notes')
    assert.equal(answer?.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.ok(events.some(event => event.kind === 'trouble'))
    Object.assign(store, { load })
    assert.equal((await ada.send('/api/notes'))?.status, 200)
  })

  it('has no session in an application that was given another client', async test => {
    const { visitor, another } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const other = visitor(another({ client: { client_id: 'other' } }))
    for (const [name, value] of ada.jar) other.jar.set(name, value)
    assert.deepEqual(await told(await other.send('/bff/session')), { signed_in: false })
  })

  it('is told why a sign-in failed, by a name', async test => {
    const { visitor } = await openBff(test)
    const ada = visitor()
    const answer = await ada.navigate('/bff/callback?error=access_denied&state=x', 'cross-site')
    assert.equal(answer?.headers.get('location'), '/?sign_in_error=failed', 'without a transaction nothing is believed')
  })
})

describe('an API behind a backend', () => {
  it('gets a new token after a 401, and the body again', async test => {
    const { visitor, answerApi, reached } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const blamed = { 'www-authenticate': 'Bearer error="invalid_token"' }
    answerApi((_, count) => new Response('done', count === 1 ? { status: 401, headers: blamed } : {}))
    const answer = await ada.send('/api/notes', { method: 'POST', body: 'text', headers: { 'content-length': '4' } })
    assert.equal(answer?.status, 200)
    const bodies = await Promise.all(reached.map(each => each.text()))
    assert.deepEqual(bodies, ['text', 'text'])
    assert.equal(new Set(reached.map(each => each.headers.get('authorization'))).size, 2)
  })

  it('binds its tokens to a key where it is told to', async test => {
    const { visitor, reached, stage } = await openBff(test, { useDpop: true })
    const ada = visitor()
    await ada.signIn()
    assert.equal((await ada.send('/api/notes', { method: 'DELETE' }))?.status, 200)
    stage.clock.advanceSeconds(3600)
    assert.equal((await ada.send('/api/notes'))?.status, 200)
    for (const request of reached) {
      assert.match(request.headers.get('authorization') ?? '', /^DPoP ey/)
      const [, claims = ''] = (request.headers.get('dpop') ?? '').split('.')
      const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly [name: string]: unknown }
      assert.deepEqual([said['htm'], said['htu']], [request.method, request.url])
    }
    assert.equal(new Set(reached.map(each => each.headers.get('authorization'))).size, 2)
  })

  it('streams events as they come', async test => {
    const { visitor, answerApi } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>()
    answerApi(() => new Response(readable, { headers: { 'content-type': 'text/event-stream' } }))
    const answer = await ada.send('/api/events')
    const writer = writable.getWriter()
    const reader = answer?.body?.getReader()
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      const written = writer.write(new TextEncoder().encode(text))
      assert.equal(new TextDecoder().decode((await reader?.read())?.value), text)
      await written
    }
    await writer.close()
  })

  it('sets no cookie and no policy of the application', async test => {
    const { visitor, answerApi } = await openBff(test)
    const ada = visitor()
    await ada.signIn()
    answerApi(() => {
      const headers = new Headers({
        'clear-site-data': '"*"',
        'access-control-allow-origin': '*',
        'content-type': 'text/html',
      })
      headers.append('set-cookie', 'a=b')
      return new Response('<script>alert(1)</script>', { headers })
    })
    const answer = await ada.send('/api/page')
    for (const name of ['set-cookie', 'clear-site-data', 'access-control-allow-origin'])
      assert.equal(answer?.headers.get(name), null)
    assert.equal(answer?.headers.get('content-security-policy'), "default-src 'none'; sandbox")
    assert.equal(answer?.headers.get('x-content-type-options'), 'nosniff')
  })
})
