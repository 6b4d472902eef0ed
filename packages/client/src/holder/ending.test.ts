import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustodyStore } from '../custody/custody-store.ts'
import { accessSeconds, expiredGround, grant, ground, outcomeOf } from './ground.test.ts'

describe('signing out', () => {
  it('revokes at the server, removes the record, and is seen by other processes', async () => {
    const { clock, server, first, holder, store } = await expiredGround()
    const other = holder()
    await clock.run(other.look(grant))
    assert.equal(await clock.run(first.end(grant)), 'revoked')
    assert.equal(server.families()[0]?.end, 'revoked')
    assert.equal(await store.load(grant), null)
    await clock.advance(6000)
    assert.equal(await outcomeOf(clock.run(other.accessToken(grant))), 'SignInNeeded')
    assert.equal(await clock.run(first.end(grant)), 'absent')
  })

  it('removes the record also when the server is away, and says so', async () => {
    const { clock, server, first, store } = await expiredGround()
    server.fault('lose-request', { to: 'revoke' })
    assert.equal(await clock.run(first.end(grant)), 'unreachable')
    assert.equal(await store.load(grant), null)
  })

  it('wins over a refresh that is under way elsewhere, whose tokens die', async () => {
    const { clock, server, first, holder, store } = await expiredGround('reuse-revokes')
    server.fault('slow')
    const refreshing = outcomeOf(holder().accessToken(grant))
    await clock.advance(1000)
    await clock.run(first.end(grant))
    assert.equal(await clock.run(refreshing), 'SignInNeeded')
    await clock.settle()
    assert.equal(await store.load(grant), null)
    assert.equal(server.families()[0]?.end, 'revoked')
  })
})

describe('signing in anew', () => {
  it('revokes what was kept before', async () => {
    const { clock, server, first } = await expiredGround()
    const tokens = server.signIn({ isKeyed: true })
    await clock.run(first.keep(grant, { tokens }))
    await clock.settle()
    assert.deepEqual(
      server.families().map(({ end }) => end),
      ['revoked', null],
    )
    assert.equal((await clock.run(first.accessToken(grant))).token, tokens.access_token)
  })

  it('is not overwritten by a refresh of the grant before, and that is revoked', async () => {
    const { clock, server, first, holder } = await expiredGround('reuse-revokes')
    server.fault('slow')
    const refreshing = outcomeOf(holder().accessToken(grant))
    await clock.advance(1000)
    const tokens = server.signIn()
    await clock.run(first.keep(grant, { tokens }))
    assert.equal(await clock.run(refreshing), 'ok')
    await clock.settle()
    assert.deepEqual(
      server.families().map(({ end }) => end),
      ['revoked', null],
    )
    await clock.advance(6000)
    assert.equal((await clock.run(holder().accessToken(grant))).token, tokens.access_token)
  })

  it('mends a record that no longer opens', async () => {
    const { clock, server, store, holder } = ground()
    await store.save(grant, { version: 'v'.repeat(22), sealed: 'pc1.x.y.z' }, null)
    const held = holder()
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'CustodyFailed')
    await clock.run(held.keep(grant, { tokens: server.signIn() }))
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'ok')
  })
})

describe('what a holder says of a grant', () => {
  it('has no token in it, and neither have its events and errors', async () => {
    const { clock, server, first, events } = await expiredGround()
    const said: unknown[] = [await clock.run(first.look(grant))]
    server.fault('503', { times: 200 })
    await clock.run(first.accessToken(grant).catch((error: unknown) => said.push(error)))
    server.heal()
    await clock.advance(60_000)
    await clock.run(first.refresh(grant))
    server.end()
    await clock.run(first.refresh(grant).catch((error: unknown) => said.push(error)))
    const { inspect } = await import('node:util')
    const text = inspect([said, events], { depth: 20, showHidden: true })
    assert.equal(/\b(?:rt|at)_\w{6}|rk1\./.exec(text), null)
    assert.ok(said.length === 3 && events.length > 3)
  })

  it('is what the server said of its times', async () => {
    const { clock, server, holder } = ground()
    const held = holder()
    const tokens = { ...server.signIn(), refresh_token_timeout: 3600, authorization_expires_in: 7200 }
    const view = await clock.run(held.keep(grant, { tokens, subject: 'ada' }))
    assert.equal(view.idleExpiresAtMs, clock.nowMs() + 3_600_000)
    assert.equal(view.absoluteExpiresAtMs, clock.nowMs() + 7_200_000)
    assert.equal(view.subject, 'ada')
  })

  it('is that it expired, when the server refuses after its time', async () => {
    const { clock, server, holder, outcomes } = ground()
    const held = holder()
    await clock.run(
      held.keep(grant, { tokens: { ...server.signIn({ isKeyed: true }), authorization_expires_in: 700 } }),
    )
    await clock.advance(accessSeconds * 2000)
    server.end()
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'SignInNeeded')
    assert.deepEqual(outcomes(), ['ended:expired'])
  })

  it('reaches others through a store that tells', async () => {
    const listeners = new Set<(name: string, version: string | null) => void>()
    const over = (store: CustodyStore): CustodyStore => ({
      ...store,
      watch(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    })
    const { clock, server, first, holder, events } = await expiredGround('reuse-revokes', over)
    const other = holder()
    await clock.run(other.look(grant))
    await clock.run(first.end(grant))
    for (const listener of listeners) listener(grant, null)
    assert.ok(events.some(event => event.kind === 'moved' && event.isRemoved))
    assert.equal(await outcomeOf(clock.run(other.accessToken(grant))), 'SignInNeeded', 'at once')
    await clock.run(other.close())
    assert.equal(listeners.size, 1)
    assert.equal(server.refreshes(), 0)
  })
})
