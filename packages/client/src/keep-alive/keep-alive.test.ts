import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { CustodyStore } from '../custody/custody-store.ts'
import { ground } from '../holder/ground.test.ts'
import type { Holder } from '../holder/holder.ts'
import { flakyPolicies } from '../testing/flaky-policy.ts'
import type { FlakyServer } from '../testing/flaky-server.ts'
import { seededChance } from '../testing/seeded-chance.ts'
import type { KeepAliveEvent } from './attend.ts'
import type { KeepAlivePolicy } from './due.ts'
import { type KeepAlive, type KeepAliveOptions, keepAlive } from './keep-alive.ts'
import { passingClock, type Turns, turnsOf } from './turns.test.ts'

const dayMs = 86_400_000
const idleDays = 30
const policy: Partial<KeepAlivePolicy> = { listSeconds: 86_400, lookSeconds: 86_400, refreshSecondsMax: 365 * 86_400 }

interface Scene {
  readonly server: FlakyServer
  readonly names: readonly string[]
  readonly told: KeepAliveEvent[]
  readonly turns: Turns
  holder(): Holder
  worker(changes?: Partial<KeepAliveOptions>): KeepAlive
}

interface SceneOptions {
  readonly absoluteDays?: number
  readonly over?: (store: CustodyStore) => CustodyStore
}

/** `count` partners have signed in, and nobody uses what they granted. */
async function scene(test: TestContext, count: number, { absoluteDays, over }: SceneOptions = {}): Promise<Scene> {
  const begun = ground({ ...flakyPolicies['retry-keys'], idleSeconds: idleDays * 86_400 }, over)
  const { clock, server } = begun
  const holder = () => begun.holder({ clock: passingClock(clock) })
  const names = Array.from({ length: count }, (_, index) => `partner ${index}`)
  const first = holder()
  const life = absoluteDays === undefined ? {} : { authorization_expires_in: absoluteDays * 86_400 }
  for (const name of names) await first.keep(name, { tokens: { ...server.signIn({ isKeyed: true }), ...life } })
  const told: KeepAliveEvent[] = []
  const turns = turnsOf(clock)
  let workers = 0
  return {
    server,
    names,
    told,
    turns,
    holder,
    worker(changes) {
      const alive = keepAlive({
        holder: holder(),
        grants: () => listOf(names),
        policy,
        clock: turns.worker(),
        chance: seededChance(`worker ${workers++}`).next,
        onEvent: event => told.push(event),
        ...changes,
      })
      test.after(() => alive.stop())
      return alive
    },
  }
}

async function* listOf(names: readonly string[]): AsyncGenerator<string> {
  yield* names
}

function states(alive: KeepAlive): readonly string[] {
  return [...new Set([...alive.health()].map(({ state }) => state))]
}

describe('keepAlive', () => {
  it('keeps grants alive far beyond their idle time, and asks no oftener than it must', async test => {
    const { worker, turns, server, names } = await scene(test, 4)
    const alive = worker()
    await turns.pass(100 * dayMs)
    assert.deepEqual(states(alive), ['alive'])
    const each = server.refreshes() / names.length
    // Due between 40 and 50 % of thirty days, each time, as days are counted.
    assert.ok(each >= 6 && each <= 8, `${each} refreshes each`)
    assert.equal(alive.counts().outcomes.refreshed, server.refreshes())
  })

  it('spreads what came together', async test => {
    const { worker, turns, server } = await scene(test, 20)
    worker()
    await turns.pass(16 * dayMs)
    const instants = new Set(server.requests.filter(({ to }) => to === 'token').map(({ atMs }) => atMs))
    assert.equal(server.refreshes(), 20)
    assert.ok(instants.size > 15, `${instants.size} different instants`)
  })

  it('shares the work: three workers ask as often as one', async test => {
    const { worker, turns, server, names } = await scene(test, 6)
    const workers = [worker(), worker(), worker()]
    await turns.pass(60 * dayMs)
    const each = server.refreshes() / names.length
    assert.ok(each >= 4 && each <= 5, `${each} refreshes each`)
    for (const alive of workers) {
      assert.deepEqual(states(alive), ['alive'])
      assert.ok(alive.counts().outcomes.refreshed > 0, 'each has its part')
    }
  })

  it('asks once although several workers find the same grant due at the same moment', async test => {
    const { worker, turns, server } = await scene(test, 5)
    await turns.pass(20 * dayMs)
    const workers = [worker(), worker(), worker()]
    await turns.pass(60_000)
    assert.equal(server.refreshes(), 5)
    for (const alive of workers) assert.deepEqual(states(alive), ['alive'])
  })

  it('tells who fails, since when and why, comes again with patience, and loses nothing', async test => {
    const { worker, turns, server, names, told } = await scene(test, 6)
    await turns.pass(20 * dayMs)
    server.fault('503', { times: 10_000 })
    const alive = worker()
    await turns.pass(3_600_000)
    const line = alive.healthOf('partner 0')
    assert.deepEqual([line?.state, line?.failure], ['failing', 'no_answer'])
    assert.ok((line?.failingSinceMs ?? 0) > 0 && (line?.nextAttemptAtMs ?? 0) > turns.nowMs())
    assert.equal(told.filter(({ kind }) => kind === 'failing').length, names.length, 'told once, not each time')
    server.heal()
    await turns.pass(3_600_000)
    assert.deepEqual(states(alive), ['alive'])
    assert.equal(alive.healthOf('partner 0')?.failingSinceMs, null)
  })

  it('tells an end once, with its reason, and asks for that grant no more', async test => {
    const { worker, turns, server, told } = await scene(test, 3)
    server.end()
    const alive = worker()
    await turns.pass(20 * dayMs)
    assert.deepEqual(
      [alive.healthOf('partner 0')?.state, alive.healthOf('partner 0')?.endReason, alive.healthOf('partner 1')?.state],
      ['ended', 'refused', 'alive'],
    )
    const before = server.requests.length
    await turns.pass(10 * dayMs)
    assert.equal(told.filter(({ kind }) => kind === 'ended').length, 1)
    assert.ok(server.requests.length - before <= 6, 'the others go on')
    assert.ok(!JSON.stringify([...alive.health(), ...told]).includes(server.families()[0]?.name ?? 'none'))
  })

  it('warns ahead of the day on which somebody must sign in again, and says that it came', async test => {
    const { worker, turns, told } = await scene(test, 1, { absoluteDays: 20 })
    const alive = worker()
    await turns.pass(12 * dayMs)
    assert.deepEqual(told, [])
    await turns.pass(2 * dayMs)
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['endsSoon'],
    )
    assert.equal(alive.healthOf('partner 0')?.endsSoon, true)
  })

  it('looks again after the store failed', async test => {
    let isBroken = false
    const over = (store: CustodyStore): CustodyStore => ({
      ...store,
      load: name => (isBroken ? Promise.reject(new Error('no connection')) : store.load(name)),
    })
    const { worker, turns } = await scene(test, 2, { over })
    isBroken = true
    const alive = worker()
    await turns.pass(1000)
    assert.deepEqual([...alive.health()].map(({ state, failure }) => [state, failure])[0], ['failing', 'store'])
    isBroken = false
    await turns.pass(3_600_000)
    assert.deepEqual(states(alive), ['alive'])
  })

  it('drops who is listed no more, drops nobody when the list breaks off, and leaves out what is too much', async test => {
    const { worker, turns, told } = await scene(test, 1)
    let listed = ['a', 'b', 'c', 'd']
    const alive = worker({
      async *grants() {
        yield* listed
        if (listed.length === 2) throw new Error('the database went away')
      },
      policy: { ...policy, listSeconds: 60, grantsMax: 3 },
    })
    await turns.pass(1000)
    assert.deepEqual([alive.counts().grants, alive.counts().left], [3, 1])
    listed = ['a', 'b']
    await turns.pass(60_000)
    assert.deepEqual([alive.counts().grants, told.map(({ kind }) => kind)], [3, ['trouble']])
    listed = ['a']
    await turns.pass(60_000)
    assert.equal(alive.counts().grants, 1)
    assert.equal(alive.healthOf('a')?.state, 'absent')
  })

  it('asks for no more grants at a time than it may', async test => {
    const { worker, turns, holder, server } = await scene(test, 12)
    await turns.pass(20 * dayMs)
    let now = 0
    let most = 0
    const { look, refresh } = holder()
    const counted = async (name: string) => {
      most = Math.max(most, ++now)
      return refresh(name).finally(() => {
        now -= 1
      })
    }
    worker({ holder: { look, refresh: counted }, policy: { ...policy, concurrency: 3 } })
    await turns.pass(60_000)
    assert.deepEqual([most, server.refreshes()], [3, 12])
  })

  it('begins nothing after it was stopped', async test => {
    const { worker, turns, server } = await scene(test, 3)
    const alive = worker()
    await turns.pass(0)
    await alive.stop()
    turns.dismiss()
    await turns.pass(100 * dayMs)
    assert.equal(server.refreshes(), 0)
  })

  it('looks at once at whom somebody has just signed in', async test => {
    const { worker, turns, holder, server } = await scene(test, 1)
    server.end()
    const alive = worker()
    await turns.pass(16 * dayMs)
    assert.equal(alive.healthOf('partner 0')?.state, 'ended')
    await holder().keep('partner 0', { tokens: server.signIn({ isKeyed: true }) })
    alive.lookAgain('partner 0')
    await turns.pass(1000)
    assert.equal(alive.healthOf('partner 0')?.state, 'alive')
  })
})
