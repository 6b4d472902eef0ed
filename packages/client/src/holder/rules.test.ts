import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accessSeconds, expiredGround, grant, ground, outcomeOf } from './ground.test.ts'
import { RefreshPostponed, RefreshRefused, SignInNeeded } from './failures.ts'

describe('a holder serves what lives', () => {
  it('asks for nothing while the access token lives', async () => {
    const { clock, server, holder } = ground()
    const held = holder()
    const tokens = server.signIn({ isKeyed: true })
    await clock.run(held.keep(grant, { tokens }))
    for (const share of [0, 0.3, 0.4]) {
      await clock.advance(accessSeconds * share * 1000)
      assert.equal((await clock.run(held.accessToken(grant))).token, tokens.access_token)
    }
    assert.equal(server.refreshes(), 0)
  })

  it('serves the old one and renews ahead in the background, once', async () => {
    const { clock, server, holder, outcomes } = ground()
    const held = holder()
    const tokens = server.signIn({ isKeyed: true })
    await clock.run(held.keep(grant, { tokens }))
    await clock.advance(accessSeconds * 0.9 * 1000)
    const served = await clock.run(Promise.all([1, 2, 3].map(() => held.accessToken(grant))))
    assert.deepEqual(new Set(served.map(({ token }) => token)), new Set([tokens.access_token]))
    await clock.settle()
    assert.equal(server.refreshes(), 1)
    assert.deepEqual(outcomes(), ['advanced'])
    assert.notEqual((await clock.run(held.accessToken(grant))).token, tokens.access_token)
  })

  it('renews ahead at another moment in each process', async () => {
    const began = new Set<number>()
    for (const share of [0, 0.5, 0.99]) {
      const { clock, server, holder } = ground()
      const held = holder({ chance: () => share })
      await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }) }))
      while (server.refreshes() === 0) {
        await clock.advance(5000)
        await clock.run(held.accessToken(grant))
        await clock.settle()
      }
      began.add(clock.nowMs())
    }
    assert.equal(began.size, 3)
  })

  it('serves the living token when the renewal ahead gets no answer', async () => {
    const { clock, server, holder, outcomes } = ground()
    const held = holder()
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }) }))
    await clock.advance(accessSeconds * 0.9 * 1000)
    server.fault('503', { times: 1000 })
    await clock.run(held.accessToken(grant))
    await clock.advance(30_000)
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'ok')
    assert.deepEqual(outcomes(), ['postponed'])
  })
})

describe('a holder refreshes once', () => {
  it('makes one request of a hundred asks in one process', async () => {
    const { clock, server, first } = await expiredGround()
    const tokens = await clock.run(Promise.all(Array.from({ length: 100 }, () => first.accessToken(grant))))
    assert.equal(new Set(tokens.map(({ token }) => token)).size, 1)
    assert.equal(server.refreshes(), 1)
  })

  it('makes one request of asks in ten processes', async () => {
    const { clock, server, holder, outcomes } = await expiredGround('reuse-revokes')
    const holders = Array.from({ length: 10 }, () => holder())
    const tokens = await clock.run(Promise.all(holders.map(each => each.accessToken(grant))))
    assert.equal(new Set(tokens.map(({ token }) => token)).size, 1)
    assert.equal(server.refreshes(), 1)
    assert.deepEqual([...outcomes()].sort(), [...Array.from({ length: 9 }, () => 'adopted'), 'advanced'])
  })

  it('makes one refresh of simultaneous 401s, in one process and in others', async () => {
    const { clock, server, holder } = ground('reuse-revokes')
    const holders = [holder(), holder(), holder()]
    const tokens = server.signIn()
    await clock.run(holders[0]?.keep(grant, { tokens }) ?? Promise.reject(new Error('none')))
    const ifNot = tokens.access_token ?? ''
    const asks = holders.flatMap(each => [1, 2, 3].map(() => each.accessToken(grant, { ifNot })))
    const got = await clock.run(Promise.all(asks))
    assert.equal(new Set(got.map(({ token }) => token)).size, 1)
    assert.equal(server.refreshes(), 1)
  })

  it('asks once per resource and scope, and keeps each of them', async () => {
    const { clock, server, first } = await expiredGround()
    const wants = [{}, { resource: 'https://a.example' }, { resource: 'https://a.example', scope: 'read' }]
    for (const _ of [1, 2]) {
      await clock.run(Promise.all(wants.flatMap(wanted => [1, 2].map(() => first.accessToken(grant, wanted)))))
    }
    assert.equal(server.refreshes(), 3)
  })

  it('goes on with the next holder when the one with the lease is gone', async () => {
    const { clock, server, store, first } = await expiredGround()
    assert.notEqual(await store.lease(grant, 30), null)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 1)
  })
})

describe('a holder asks again', () => {
  it('with the same retry key, until the answer arrives', async () => {
    const { clock, server, first, outcomes } = await expiredGround()
    server.fault('lose-response', { times: 4 })
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 5)
    assert.ok(server.requests.filter(({ to }) => to === 'token').every(({ hasRetryKey }) => hasRetryKey))
    assert.deepEqual(outcomes(), ['recovered'])
    assert.equal(server.families()[0]?.generation, 2)
  })

  it('once where the server has no retry keys, and then keeps the token', async () => {
    const { clock, server, first } = await expiredGround('grace')
    server.fault('503', { times: 2 })
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'RefreshPostponed')
    assert.equal(server.refreshes(), 2)
    await clock.advance(60_000)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
  })

  it('no sooner than Retry-After, and not at all when that is past its time', async () => {
    const { clock, server, first } = await expiredGround()
    server.fault('503-retry-after')
    const beganMs = clock.nowMs()
    await clock.run(first.accessToken(grant))
    assert.ok(clock.nowMs() - beganMs >= 7000)
    const { server: other, clock: time, first: held } = await expiredGround()
    other.fault('429', { times: 10 })
    assert.equal(await outcomeOf(time.run(held.accessToken(grant))), 'RefreshPostponed')
    assert.ok(other.refreshes() <= 4)
  })

  it('not for a while after it was postponed, whoever asks', async () => {
    const { clock, server, first } = await expiredGround()
    server.fault('hang', { times: 100 })
    await assert.rejects(clock.run(first.accessToken(grant)), RefreshPostponed)
    const before = server.refreshes()
    await assert.rejects(clock.run(first.accessToken(grant)), (error: unknown) => {
      assert.ok(error instanceof RefreshPostponed)
      assert.ok(error.retryAfterMs > 0)
      return true
    })
    assert.equal(server.refreshes(), before)
  })

  it('is cancelled by nobody once it is sent: whoever gave up finds the answer stored', async () => {
    const { clock, server, first, store } = await expiredGround()
    server.fault('slow')
    const before = (await store.load(grant))?.version
    const asked = outcomeOf(first.accessToken(grant))
    await clock.advance(10_000)
    assert.equal(await asked, 'ok')
    assert.notEqual((await store.load(grant))?.version, before)
  })

  it('after a night asleep, also one that began in the middle of a request', async () => {
    const { clock, server, first } = await expiredGround()
    server.fault('hang')
    const asked = outcomeOf(first.accessToken(grant))
    await clock.advance(1000)
    clock.sleep(8 * 3_600_000)
    assert.equal(await clock.run(asked), 'RefreshPostponed')
    await clock.advance(60_000)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
  })
})

describe('a holder that cannot have the metadata', () => {
  it('asks for them again, within its time', async () => {
    const { clock, server, holder } = ground()
    const held = holder()
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }) }))
    await clock.advance(accessSeconds * 1000)
    server.fault('lose-response', { to: 'metadata', times: 3 })
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 1)
  })
})

describe('a holder keeps the token', () => {
  it('when the client is refused, and tells so', async () => {
    const { clock, holder, store } = await expiredGround()
    const stranger = holder({ client: { client_id: 'nobody' } })
    assert.equal(
      await outcomeOf(clock.run(stranger.accessToken(grant))),
      'CustodyFailed',
      'it opens for its client only',
    )
    assert.notEqual(await store.load(grant), null)
    assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'ok')
  })

  it('when the answer is a page, half an answer, or nothing', async () => {
    for (const fault of [
      'html-instead-of-json',
      'broken-json',
      'lose-request',
      'lose-response',
      'hang',
      '503',
    ] as const) {
      const { clock, server, first } = await expiredGround()
      server.fault(fault, { times: 100 })
      assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'RefreshPostponed', fault)
      server.heal()
      await clock.advance(60_000)
      assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok', fault)
    }
  })

  it('when an answer brings no new one', async () => {
    const { clock, server, first } = await expiredGround('no-rotation')
    for (const _ of [1, 2, 3]) {
      assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
      await clock.advance(accessSeconds * 1000)
    }
    assert.equal(server.refreshes(), 3)
  })

  it('when the metadata cannot be had or is somebody else’s', async () => {
    for (const fault of ['503', 'wrong-issuer', 'lose-request'] as const) {
      const { clock, server, holder } = ground()
      server.fault(fault, { to: 'metadata', times: 1000 })
      const held = holder()
      await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }) }))
      await clock.advance(accessSeconds * 1000)
      assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'RefreshPostponed', fault)
      assert.equal(server.refreshes(), 0)
      server.heal()
      await clock.advance(60_000)
      assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'ok', fault)
    }
  })
})

describe('a holder whose token is refused', () => {
  it('takes what is newer in the store, and ends nothing', async () => {
    const { clock, server, holder, first } = await expiredGround('reuse-revokes')
    const slow = holder()
    await clock.run(slow.look(grant))
    await clock.run(first.accessToken(grant))
    assert.equal(await outcomeOf(clock.run(slow.accessToken(grant))), 'ok')
    assert.equal(server.families()[0]?.end, null)
  })

  it('ends the grant, once, with the token in hand revoked, and asks to sign in', async () => {
    const { clock, server, first, holder, outcomes } = await expiredGround()
    server.end()
    await assert.rejects(clock.run(first.accessToken(grant)), (error: unknown) => {
      assert.ok(error instanceof SignInNeeded)
      assert.equal(error.reason, 'refused')
      return true
    })
    assert.equal(server.requests.filter(({ to }) => to === 'revoke').length, 1)
    const before = server.refreshes()
    assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'SignInNeeded')
    assert.equal(server.refreshes(), before, 'a grant that is over is not asked for')
    assert.deepEqual(outcomes(), ['ended:refused'])
  })

  it('stops a thief who copied the store and moved on', async () => {
    const { clock, server, first } = await expiredGround('rotation')
    const thief = server.thief()
    assert.equal(thief.steal(), 'robbed')
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'SignInNeeded')
    assert.equal(thief.isIn(), false)
    assert.equal(thief.steal(), 'refused')
  })
})

describe('a holder that is refused for another reason', () => {
  it('says the code, and leaves the server alone for a while', async () => {
    const { clock, server, holder } = ground()
    const held = holder({ authentication: (_as, _client, body) => body.set('client_id', 'unknown') })
    await clock.run(held.keep(grant, { tokens: server.signIn({ isKeyed: true }) }))
    await clock.advance(accessSeconds * 1000)
    for (const _ of [1, 2]) {
      await assert.rejects(clock.run(held.accessToken(grant)), (error: unknown) => {
        assert.ok(error instanceof RefreshRefused)
        assert.equal(error.code, 'invalid_client')
        return true
      })
    }
    assert.equal(server.refreshes(), 1)
  })
})
