import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateDpopKey } from './dpop-key.ts'
import { expiredGround, grant, ground, outcomeOf } from './ground.test.ts'
import type { Fetch } from './holder.ts'

const api = 'https://api.example'

/** An API that answers what a test says, before everything else goes to the server. */
function apiBefore(
  fetch: Fetch,
  answer: (init: RequestInit, count: number) => Response | Promise<Response>,
): { fetch: Fetch; seen: RequestInit[] } {
  const seen: RequestInit[] = []
  return {
    seen,
    fetch: (url, init) => {
      if (new URL(url).origin !== api) return fetch(url, init)
      seen.push(init)
      return Promise.resolve(answer(init, seen.length))
    },
  }
}

const blamed = () =>
  new Response('no', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })

describe('fetchAs', () => {
  it('sends the access token, and what else the caller says', async () => {
    const { clock, server, holder } = ground()
    const { fetch, seen } = apiBefore(server.fetch, () => new Response('hello'))
    const held = holder({ fetch })
    const tokens = server.signIn()
    await clock.run(held.keep(grant, { tokens, resource: api }))
    const send = held.fetchAs(grant, { resource: api })
    const answer = await clock.run(
      send(`${api}/notes`, { method: 'PUT', body: 'text', headers: { accept: 'text/plain' } }),
    )
    assert.equal(await answer.text(), 'hello')
    const headers = new Headers(seen[0]?.headers)
    assert.equal(headers.get('authorization'), `Bearer ${tokens.access_token}`)
    assert.equal(headers.get('accept'), 'text/plain')
    assert.equal(seen[0]?.body, 'text')
    assert.equal(seen[0]?.redirect, 'manual')
  })

  it('asks once more after a 401 that blames the token, with a new one', async () => {
    const { clock, server, holder } = ground()
    const { fetch, seen } = apiBefore(server.fetch, (_, count) => (count === 1 ? blamed() : new Response('hello')))
    const held = holder({ fetch })
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }), resource: api }))
    const answer = await clock.run(held.fetchAs(grant, { resource: api })(`${api}/notes`))
    assert.equal(answer.status, 200)
    const sent = seen.map(({ headers }) => new Headers(headers).get('authorization'))
    assert.notEqual(sent[0], sent[1])
    assert.equal(server.refreshes(), 1)
  })

  it('gives the second 401 to its caller', async () => {
    const { clock, server, holder } = ground()
    const { fetch, seen } = apiBefore(server.fetch, blamed)
    const held = holder({ fetch })
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }), resource: api }))
    assert.equal((await clock.run(held.fetchAs(grant, { resource: api })(`${api}/notes`))).status, 401)
    assert.equal(seen.length, 2)
  })

  it('does not refresh for what no new token mends', async () => {
    for (const error of ['insufficient_scope', 'insufficient_user_authentication', 'invalid_request']) {
      const { clock, server, holder } = ground()
      const header = { 'www-authenticate': `Bearer error="${error}"` }
      const { fetch, seen } = apiBefore(server.fetch, () => new Response(null, { status: 401, headers: header }))
      const held = holder({ fetch })
      await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }), resource: api }))
      const answer = await clock.run(held.fetchAs(grant, { resource: api })(`${api}/notes`))
      assert.equal(answer.headers.get('www-authenticate'), header['www-authenticate'])
      assert.equal(seen.length, 1)
      assert.equal(server.refreshes(), 0)
    }
  })

  it('does not send a stream twice', async () => {
    const { clock, server, holder } = ground()
    const { fetch, seen } = apiBefore(server.fetch, blamed)
    const held = holder({ fetch })
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }), resource: api }))
    const body = new Blob(['text']).stream()
    const answer = await clock.run(held.fetchAs(grant, { resource: api })(`${api}/notes`, { method: 'POST', body }))
    assert.equal(answer.status, 401)
    assert.equal(seen.length, 1)
  })

  it('sends no token to another origin', async () => {
    const { clock, server, first } = await expiredGround()
    const send = first.fetchAs(grant, { resource: api })
    for (const url of [
      'https://api.example.evil',
      'http://api.example/',
      'https://api.example:8443/',
      'https://a@evil.example/',
    ]) {
      assert.equal(await outcomeOf(clock.run(send(url))), 'TypeError', url)
    }
    assert.equal(await outcomeOf(Promise.resolve().then(() => first.fetchAs(grant, {}))), 'TypeError')
    assert.equal(server.refreshes(), 0)
  })

  it('proves the key the token is bound to, with the nonce the API asks for', async () => {
    const { clock, server, holder, store } = ground('dpop-nonce')
    const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'of the api' }
    const { fetch, seen } = apiBefore(server.fetch, (_, count) =>
      count === 1 ? new Response(null, { status: 401, headers: challenge }) : new Response('hello'),
    )
    const held = holder({ fetch })
    const dpopKey = await generateDpopKey(store)
    const tokens = { ...server.signIn({ keyThumbprint: 'any' }), token_type: 'DPoP' }
    await clock.run(held.keep(grant, { tokens, dpopKey, resource: api }))
    const answer = await clock.run(
      held.fetchAs(grant, { resource: api })(`${api}/notes?a=1`, { method: 'post', body: 'x' }),
    )
    assert.equal(answer.status, 200)
    const [, claims] = (new Headers(seen[1]?.headers).get('dpop') ?? '').split('.')
    const said = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as { [name: string]: unknown }
    assert.equal(said['nonce'], 'of the api')
    assert.equal(said['htm'], 'POST')
    assert.equal(said['htu'], `${api}/notes`)
    assert.equal(said['iat'], Math.floor(clock.nowMs() / 1000))
    assert.equal(new Headers(seen[1]?.headers).get('authorization'), `DPoP ${tokens.access_token}`)
    assert.equal(server.refreshes(), 0)
  })
})
