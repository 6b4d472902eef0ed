/** What an MCP client in custody refuses, and what it brings through: other issuers, wrong callbacks, lost answers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CustodyFailed } from '@pawl/client'
import { bodyOf, type McpWorld, openMcpWorld } from './mcp-ground.ts'

const evil = 'https://evil.example'

/** What the stage says of itself, as somebody else would publish it. */
async function metadataOf(world: McpWorld): Promise<{ readonly [name: string]: unknown }> {
  const response = await world.stage.send('/.well-known/oauth-authorization-server')
  return (await response.json()) as { readonly [name: string]: unknown }
}

describe('an MCP client in custody', () => {
  it('goes to no other authorization server because the MCP server says so', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await process.signIn()
    await process.custody.signOut()
    const asked: string[] = []
    const metadata = { ...(await metadataOf(world)), issuer: evil, token_endpoint: `${evil}/token` }
    world.authorizationServers = [evil]
    world.intercept = (url, init) => {
      if (url.origin !== evil) return null
      asked.push(`${init.method ?? 'GET'} ${url.pathname}`)
      return Promise.resolve(Response.json(metadata))
    }
    await assert.rejects(process.connect(), { name: 'ServerNotTrusted' })
    assert.deepEqual(asked, ['GET /.well-known/oauth-authorization-server'], 'nothing was sent there')
    assert.equal(process.sentTo.length, 1)
  })

  it('follows to another authorization server once the application forgets the first', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await process.signIn()
    assert.equal(await process.custody.forget(), 'revoked')
    await process.signIn()
    assert.equal(world.log.filter(line => line === 'POST /register').length, 2)
  })

  it('sends nobody to a server whose metadata is of another issuer', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const metadata = await metadataOf(world)
    world.authorizationServers = [evil]
    world.intercept = url => (url.origin === evil ? Promise.resolve(Response.json(metadata)) : null)
    await assert.rejects(process.connect(), { name: 'ServerNotTrusted' })
    assert.equal(process.sentTo.length, 0)
  })

  it('trusts the issuers it was given and no other', async test => {
    const world = await openMcpWorld(test)
    await assert.rejects(world.process({ issuers: [evil] }).connect(), { name: 'ServerNotTrusted' })
    await world.process({ issuers: [world.stage.issuer] }).signIn()
  })

  it('takes no code from a callback that is not the answer', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await assert.rejects(process.connect(), /Unauthorized/)
    const good = await process.person()
    for (const [name, value] of [
      ['state', 'another'],
      ['iss', evil],
      ['iss', null],
      ['code', null],
    ] as const) {
      const bad = new URL(good)
      if (value === null) bad.searchParams.delete(name)
      else bad.searchParams.set(name, value)
      await assert.rejects(process.custody.codeFrom(bad), { name: 'SignInFailed', reason: 'not_ours' })
    }
    await process.custody.codeFrom(good)
    await assert.rejects(process.custody.codeFrom(good), { name: 'SignInFailed' }, 'once and never again')
  })

  it('says that the person said no, and keeps nobody waiting for them', async test => {
    const world = await openMcpWorld(test)
    const [first, second] = [world.process(), world.process()]
    await assert.rejects(first.connect(), /Unauthorized/)
    const no = await first.person()
    no.searchParams.delete('code')
    no.searchParams.set('error', 'access_denied')
    await assert.rejects(first.custody.codeFrom(no), { name: 'SignInRefused', code: 'access_denied' })
    const beganAtMs = world.stage.clock.nowMs()
    await second.signIn()
    assert.equal(world.stage.clock.nowMs(), beganAtMs)
  })

  it('redeems no code that the application took by itself', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await assert.rejects(process.connect(), /Unauthorized/)
    await assert.rejects(process.finish('a code'), /codeFrom/)
    assert.equal(world.tokenRequests(), 0)
  })

  it('gets the tokens of a redemption whose answer was lost', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    let lost = 0
    world.intercept = (url, init) => {
      if (url.pathname !== '/token' || lost > 0) return null
      lost += 1
      return world.stage.send(url.pathname, init).then(() => Promise.reject(new TypeError('connection reset')))
    }
    await assert.rejects(process.connect(), /Unauthorized/)
    await assert.rejects(process.finish(await process.custody.codeFrom(await process.person())), {
      name: 'SignInFailed',
      reason: 'unanswered',
    })
    // A code never gets a second 200: the answer is gone, but nothing is punished, and the person simply comes again.
    const client = await process.signIn()
    await client.callTool({ name: 'tide' })
    assert.equal(lost, 1)
  })

  it('redeems again, with the same retry key, where the server did not do it', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const keys: (string | null)[] = []
    world.intercept = (url, init) => {
      if (url.pathname !== '/token') return null
      keys.push(new Headers(init.headers).get('idempotency-key'))
      return keys.length > 1 ? null : Promise.resolve(new Response(null, { status: 503 }))
    }
    await process.signIn()
    assert.equal(keys.length, 2)
    assert.match(keys[0] ?? '', /^"rk1\.[\w-]{43}"$/)
    assert.equal(keys[0], keys[1])
  })

  it('keeps what was redeemed when the store failed for a while', async test => {
    const world = await openMcpWorld(test)
    let isBroken = false
    const store: McpWorld['store'] = {
      ...world.store,
      save: (name, record, ifVersion) =>
        isBroken ? Promise.reject(new Error('disk full')) : world.store.save(name, record, ifVersion),
    }
    const process = world.process({ store })
    await assert.rejects(process.connect(), /Unauthorized/)
    const code = await process.custody.codeFrom(await process.person())
    isBroken = true
    await assert.rejects(process.finish(code), CustodyFailed)
    isBroken = false
    await process.finish(code)
    assert.equal(world.tokenRequests(), 1)
    await process.connect()
  })

  it('leaves nothing readable in the store, and no token in what it shows', async test => {
    const world = await openMcpWorld(test)
    const sealed: string[] = []
    const store: McpWorld['store'] = {
      ...world.store,
      save: (name, record, ifVersion) => {
        sealed.push(name + record.sealed)
        return world.store.save(name, record, ifVersion)
      },
    }
    const process = world.process({ store })
    const secrets: string[] = []
    world.intercept = (url, init) => {
      if (url.pathname === '/token') secrets.push(...new URLSearchParams(bodyOf(init)).values())
      return null
    }
    await process.signIn()
    secrets.push((await process.custody.accessToken())?.token ?? 'none')
    assert.ok(secrets.length > 4)
    for (const text of [...sealed, JSON.stringify(await process.custody.look())]) {
      for (const secret of secrets) assert.ok(!text.includes(secret))
    }
  })

  it('sends an access token to its MCP server only', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await process.signIn()
    const headers = { authorization: `Bearer ${(await process.custody.accessToken())?.token}` }
    await assert.rejects(process.custody.fetch(`${evil}/mcp`, { headers }), TypeError)
  })
})
