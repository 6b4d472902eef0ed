/** The MCP SDK with tokens in custody: its own transport and auth flow, unmodified, over a store that processes share. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { holdGrants, RefreshPostponed } from '@pawl/client'
import { bodyOf, claimsOf, clockOf, custodyKey, mcpServerUrl, openMcpWorld, redirectUrl } from './mcp-ground.ts'

const hourSeconds = 3600

describe('an MCP client in custody', () => {
  it('is an OAuthClientProvider of the SDK', async test => {
    const world = await openMcpWorld(test)
    const provider: OAuthClientProvider = world.process().custody.provider
    assert.equal(provider.clientMetadata.token_endpoint_auth_method, 'none')
  })

  it('signs a person in and calls a tool, with a token for that MCP server', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    const answer = await client.callTool({ name: 'tide' })
    assert.deepEqual(answer.content, [{ type: 'text', text: 'high at noon' }])
    const token = await process.custody.accessToken()
    assert.equal(claimsOf(token?.token ?? '').aud, mcpServerUrl)
  })

  it('asks for a grant that outlives the session of the browser', async test => {
    const world = await openMcpWorld(test)
    world.scopes = ['email']
    const process = world.process()
    await process.signIn()
    const token = await process.custody.accessToken()
    assert.ok(token?.scope?.split(' ').includes('offline_access'), token?.scope ?? 'no scope')
  })

  it('never shows the SDK a refresh token, and refreshes once for all processes', async test => {
    const world = await openMcpWorld(test)
    const first = world.process()
    const clients = [await first.signIn(), await world.process().connect(), await world.process().connect()]
    assert.deepEqual(Object.keys((await first.custody.provider.tokens()) ?? {}).sort(), [
      'access_token',
      'expires_in',
      'scope',
      'token_type',
    ])
    const before = world.tokenRequests()
    world.stage.clock.advanceSeconds(hourSeconds)
    const answers = await Promise.all(clients.map(client => client.callTool({ name: 'tide' })))
    assert.equal(answers.length, 3)
    assert.equal(world.tokenRequests() - before, 1)
  })

  it('answers a 401 with a fresh token before the SDK sees it, and sends nobody to a browser', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    world.refused.add((await process.custody.accessToken())?.token ?? '')
    await client.callTool({ name: 'tide' })
    assert.equal(process.sentTo.length, 1, 'only to sign in at first')
    assert.equal((await process.custody.look())?.generation, 2)
  })

  it('keeps the grant and asks nobody while the server does not answer', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    world.stage.clock.advanceSeconds(hourSeconds)
    world.intercept = url => (url.pathname === '/token' ? Promise.reject(new TypeError('no network')) : null)
    await assert.rejects(client.callTool({ name: 'tide' }), RefreshPostponed)
    world.intercept = () => null
    world.stage.clock.advanceSeconds(hourSeconds)
    await client.callTool({ name: 'tide' })
    assert.equal(process.sentTo.length, 1)
  })

  it('waits for the process that has a person away, instead of sending them away twice', async test => {
    const world = await openMcpWorld(test)
    const first = world.process()
    const second = world.process()
    const signingIn = first.signIn()
    while (first.sentTo.length === 0) await new Promise(next => setImmediate(next))
    const [, client] = await Promise.all([signingIn, second.connect()])
    await client.callTool({ name: 'tide' })
    assert.deepEqual([first.sentTo.length, second.sentTo.length], [1, 0])
    assert.equal(world.log.filter(line => line === 'POST /register').length, 1)
  })

  it('keeps nobody waiting when it cannot send a person away', async test => {
    const world = await openMcpWorld(test)
    const [first, second] = [world.process(), world.process()]
    for (const status of [500, 400]) {
      world.intercept = url =>
        url.pathname === (status === 500 ? '/.well-known/oauth-authorization-server' : '/register')
          ? Promise.resolve(Response.json({ error: 'invalid_client_metadata' }, { status }))
          : null
      await assert.rejects(first.connect())
    }
    world.intercept = () => null
    const beganAtMs = world.stage.clock.nowMs()
    await second.signIn()
    assert.equal(world.stage.clock.nowMs(), beganAtMs, 'it waited for nobody')
    assert.deepEqual([first.sentTo.length, second.sentTo.length], [0, 1])
  })

  it('ends up with one grant when two people sign in at once', async test => {
    const world = await openMcpWorld(test)
    const processes = [world.process(), world.process({ signInSeconds: 0 })] as const
    const [one, other] = await Promise.all(processes.map(each => each.signIn()))
    await Promise.all([one?.callTool({ name: 'tide' }), other?.callTool({ name: 'tide' })])
    const [view, sameView] = await Promise.all(processes.map(each => each.custody.look()))
    assert.notEqual(view, null)
    assert.deepEqual(view, sameView)
  })

  it('sees in every process that one signed out', async test => {
    const world = await openMcpWorld(test)
    const first = world.process()
    await first.signIn()
    const second = world.process()
    const client = await second.connect()
    assert.equal(await first.custody.signOut(), 'revoked')
    await assert.rejects(client.callTool({ name: 'tide' }), /Unauthorized/)
    assert.equal(second.sentTo.length, 1)
    assert.equal(await second.custody.look(), null)
  })

  it('goes to the person for more scope, which no refresh brings', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    world.wantedScope = 'tides:write'
    await assert.rejects(client.callTool({ name: 'tide' }), /Unauthorized/)
    assert.match(process.sentTo.at(-1)?.searchParams.get('scope') ?? '', /\btides:write\b/)
  })

  it('registers again when the server has forgotten its clients', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    await process.signIn()
    const client = claimsOf((await process.custody.accessToken())?.token ?? '').client_id
    world.stage.clock.advanceSeconds(hourSeconds)
    world.intercept = (url, init) =>
      url.pathname === '/token' && bodyOf(init).includes(client)
        ? Promise.resolve(Response.json({ error: 'invalid_client' }, { status: 401 }))
        : null
    const again = await process.signIn()
    await again.callTool({ name: 'tide' })
    assert.notEqual(claimsOf((await process.custody.accessToken())?.token ?? '').client_id, client)
  })

  it('takes the callback in another process than the one that sent the person away', async test => {
    const world = await openMcpWorld(test)
    const [sender, receiver] = [world.process(), world.process({ signInSeconds: 0 })]
    await assert.rejects(sender.connect(), /Unauthorized/)
    await assert.rejects(receiver.connect(), /Unauthorized/)
    await receiver.finish(await receiver.custody.codeFrom(await sender.person()))
    await (await sender.connect()).callTool({ name: 'tide' })
  })

  it('sends the person away once for requests that are refused together', async test => {
    const world = await openMcpWorld(test)
    const process = world.process()
    const client = await process.signIn()
    await process.custody.signOut()
    const calls = [1, 2, 3].map(() => client.callTool({ name: 'tide' }))
    const outcomes = await Promise.allSettled(calls)
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    assert.equal(process.sentTo.length, 2, 'once at first, and once now')
  })

  it('refuses a name that leaves no room in the store', async test => {
    const world = await openMcpWorld(test)
    assert.throws(() => world.process({ name: 'a'.repeat(178) }), RangeError)
    assert.throws(() => world.process({ name: '' }), RangeError)
    assert.equal(await world.process({ name: 'a'.repeat(177) }).custody.look(), null)
  })
})

describe('an application that signs in by itself', () => {
  it('gives the transport a fetch of its holder, which refreshes and asks again', async test => {
    const world = await openMcpWorld(test)
    const { stage, store } = world
    const registered = await stage.addClient({ id: 'agent', kind: 'native', redirectUris: [redirectUrl] })
    const { body } = await stage.app(registered).signIn(stage.browser(), { resource: mcpServerUrl })
    const holder = holdGrants({
      server: stage.issuer,
      client: { client_id: 'agent' },
      store,
      custodyKey,
      fetch: world.fetch,
      clock: clockOf(stage),
    })
    await holder.keep('agent', { tokens: body, resource: mcpServerUrl })
    world.refused.add((await holder.accessToken('agent', { resource: mcpServerUrl })).token)
    const fetch = holder.fetchAs('agent', { resource: mcpServerUrl })
    const client = new Client({ name: 'tides', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(mcpServerUrl), { fetch }))
    const { content } = await client.callTool({ name: 'tide' })
    assert.deepEqual(content, [{ type: 'text', text: 'high at noon' }])
    assert.equal((await holder.look('agent'))?.generation, 2)
    await client.close()
  })
})
