import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustodyStore } from '../custody/custody-store.ts'
import { accessSeconds, expiredGround, grant, ground, outcomeOf } from './ground.test.ts'

/** A store whose saves fail on demand, before or after they did their work. */
function failing(): {
  over(store: CustodyStore): CustodyStore
  fail(how: 'before' | 'after', times?: number): void
  heal(): void
} {
  let how: 'before' | 'after' = 'before'
  let left = 0
  return {
    over: store => ({
      ...store,
      async save(name, record, ifVersion) {
        if (left > 0) {
          left--
          if (how === 'after') await store.save(name, record, ifVersion)
          throw new Error('the disk is full')
        }
        return store.save(name, record, ifVersion)
      },
    }),
    fail(when, times = 1) {
      how = when
      left = times
    },
    heal() {
      left = 0
    },
  }
}

describe('a holder whose store fails', () => {
  it('saves again what was answered', async () => {
    const store = failing()
    const { clock, server, first, outcomes } = await expiredGround('reuse-revokes', store.over)
    store.fail('before', 2)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.deepEqual(outcomes(), ['advanced'])
    assert.equal(server.refreshes(), 1)
  })

  it('recognises its own save whose acknowledgement was lost', async () => {
    const store = failing()
    const { clock, server, first, holder } = await expiredGround('reuse-revokes', store.over)
    store.fail('after')
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    await clock.advance(accessSeconds * 1000)
    assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'ok')
    assert.equal(server.families()[0]?.end, null)
  })

  it('reports it, serves what it has, and presents nothing that is not stored', async () => {
    const store = failing()
    const { clock, server, first, outcomes } = await expiredGround('retry-keys', store.over)
    store.fail('before', 1000)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.deepEqual(outcomes(), ['unsaved'])
    await clock.advance(30_000)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok', 'from memory')
    await clock.advance(accessSeconds * 1000)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'CustodyFailed')
    assert.equal(server.refreshes(), 1)
    store.heal()
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 2)
    assert.deepEqual(outcomes(), ['unsaved', 'recovered', 'advanced'])
  })

  it('loses nothing when it dies meanwhile, where the server takes retry keys', async () => {
    const store = failing()
    const { clock, server, first, holder } = await expiredGround('retry-keys', store.over)
    store.fail('before', 1000)
    await clock.run(first.accessToken(grant))
    store.heal()
    assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'ok')
    assert.equal(server.families()[0]?.generation, 2, 'the same answer again')
  })

  it('saves at the end what it could not before', async () => {
    const store = failing()
    const { clock, server, first, holder } = await expiredGround('reuse-revokes', store.over)
    store.fail('before', 1000)
    await clock.run(first.accessToken(grant))
    store.heal()
    await clock.run(first.close())
    await clock.advance(accessSeconds * 1000)
    assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'ok')
    assert.equal(server.families()[0]?.end, null)
  })

  it('tells whoever signs in that nothing is kept', async () => {
    const store = failing()
    const { clock, server, holder } = ground('retry-keys', store.over)
    store.fail('before', 1000)
    const held = holder()
    assert.equal(await outcomeOf(clock.run(held.keep(grant, { tokens: server.signIn() }))), 'CustodyFailed')
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'SignInNeeded')
  })

  it('sends nothing when it cannot read or lease', async () => {
    for (const verb of ['load', 'lease'] as const) {
      const fail = { now: false }
      const over = (store: CustodyStore): CustodyStore => ({
        ...store,
        [verb]: (name: string, seconds: number) => {
          if (fail.now) throw new Error('away')
          return verb === 'load' ? store.load(name) : store.lease(name, seconds)
        },
      })
      const { clock, server, first } = await expiredGround('reuse-revokes', over)
      fail.now = true
      assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'CustodyFailed', verb)
      assert.equal(server.refreshes(), 0)
      fail.now = false
      assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok', verb)
    }
  })
})
