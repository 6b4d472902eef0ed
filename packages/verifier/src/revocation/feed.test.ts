import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { ServerUnavailable } from '../fault.ts'
import type { GuardEvent } from '../report.ts'
import type { World } from '../world.ts'
import { followFeed, reconnectPauseMsMax, reconnectPauseMsMin } from './feed.ts'

const claims = { client_id: 'shop', jti: 'j1', pawl: { fam: 'f1', opened_ms: 1000, auth_ms: 900 } }
const family = { kind: 'family', fam: 'f1', until_ms: 9_000_000_000 }
const startMs = 1_000_000

interface Asked {
  readonly cursor: string | undefined
  readonly answer: (body: unknown) => Promise<void>
  readonly fail: () => Promise<void>
}

/** A feed whose answers the test gives one by one, and a clock and timers that it moves. */
function openFeed(failClosedAfterSeconds = 600) {
  let nowMs = startMs
  let chance = 1
  const waits: { readonly ms: number; readonly end: () => void }[] = []
  const asked: Asked[] = []
  const reported: GuardEvent[] = []
  let arrived = Promise.withResolvers<void>()
  const settled = async (): Promise<void> => {
    for (let at = 0; at < 5; at++) await setImmediate()
  }
  const world: World = {
    nowMs: () => nowMs,
    chance: () => chance,
    uniqueId: () => 'unused',
    wait: (ms, signal) =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        waits.push({ ms, end: resolve })
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    fetch: () => Promise.reject(new Error('unused')),
  }
  const source = followFeed({
    world,
    failClosedAfterSeconds,
    report: event => reported.push(event),
    endpoint: () => Promise.resolve('https://id.example/revocation-feed'),
    server: {
      post: (fields, { signal }) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new ServerUnavailable('stopped')), { once: true })
          if (signal?.aborted === true) reject(new ServerUnavailable('stopped'))
          asked.push({
            cursor: fields['cursor'],
            answer: body => {
              resolve(typeof body === 'string' ? body : JSON.stringify(body))
              return settled()
            },
            fail: () => {
              reject(new ServerUnavailable('the line is down'))
              return settled()
            },
          })
          arrived.resolve()
        }),
    },
  })
  return {
    source,
    asked,
    reported,
    waits,
    settled,
    passMs: (ms: number) => {
      nowMs += ms
    },
    draw: (next: number) => {
      chance = next
    },
    next: async (): Promise<Asked> => {
      await arrived.promise
      arrived = Promise.withResolvers<void>()
      const last = asked.at(-1)
      assert.ok(last !== undefined)
      return last
    },
  }
}

function told(cursor: string, entries: readonly unknown[] = [], more: object = {}): object {
  return { cursor, entries, more: false, as_of_ms: 50_000, age_ms: 2, reset: false, ...more }
}

describe('a follower of the feed', () => {
  it('asks nobody before the first token, and waits for all that counts before it answers', async test => {
    const feed = openFeed()
    test.after(() => feed.source.close())
    await feed.settled()
    assert.equal(feed.asked.length, 0)
    const word = Promise.resolve(feed.source.judge(claims))
    const first = await feed.next()
    assert.equal(first.cursor, undefined)
    await first.answer(told('c1', [{ ...family, fam: 'f2' }], { more: true, as_of_ms: null, age_ms: null }))
    assert.equal(feed.source.health().staleMs, null)
    const second = await feed.next()
    assert.equal(second.cursor, 'c1')
    await second.answer(told('c2', [family]))
    const { revoked, staleMs } = await word
    assert.match(revoked ?? '', /family/)
    assert.equal(staleMs, 2)
    assert.deepEqual(feed.source.health(), { staleMs: 2, failure: null, known: 2 })
  })

  it('judges at once from then on, and gets older while it hears nothing', async test => {
    const feed = openFeed(60)
    test.after(() => feed.source.close())
    const word = Promise.resolve(feed.source.judge(claims))
    await (await feed.next()).answer(told('c1'))
    assert.deepEqual(await word, { revoked: null, staleMs: 2 })
    feed.passMs(40)
    assert.deepEqual(feed.source.judge(claims), { revoked: null, staleMs: 42 })
    feed.passMs(60_000 - 42)
    assert.deepEqual(feed.source.judge(claims), { revoked: null, staleMs: 60_000 })
    feed.passMs(1)
    assert.throws(() => feed.source.judge(claims), ServerUnavailable)
  })

  it('says that a token is dead however old the word is', async test => {
    const feed = openFeed(60)
    test.after(() => feed.source.close())
    const word = Promise.resolve(feed.source.judge(claims))
    await (await feed.next()).answer(told('c1', [family]))
    await word
    feed.passMs(3_600_000)
    const { revoked } = await feed.source.judge(claims)
    assert.match(revoked ?? '', /family/)
  })

  it('resumes where it stopped after a failure, each pause up to twice the last, spread by chance', async test => {
    const feed = openFeed()
    test.after(() => feed.source.close())
    const word = Promise.resolve(feed.source.judge(claims))
    await (await feed.next()).answer(told('c1'))
    await word
    // The first answer said nothing and did not wait: that is one short pause, beside the timer for the first word.
    for (const { end } of feed.waits.splice(0)) end()
    await feed.settled()
    const paused: number[] = []
    for (let at = 0; at < 8; at++) {
      const asked = feed.asked.length
      await feed.asked.at(-1)?.fail()
      for (const { ms, end } of feed.waits.splice(0)) {
        paused.push(ms)
        end()
      }
      await feed.settled()
      if (feed.asked.length > asked) assert.equal(feed.asked.at(-1)?.cursor, 'c1')
    }
    assert.deepEqual(
      paused.slice(0, 6),
      [250, 500, 1000, 2000, 4000, 8000].map(ms => (ms / 250) * reconnectPauseMsMin),
    )
    assert.ok(paused.every(ms => ms <= reconnectPauseMsMax))
    assert.match(feed.source.health().failure ?? '', /line is down/)
    await feed.asked.at(-1)?.answer(told('c9', [family]))
    assert.equal(feed.source.health().failure, null)
    const lost = { kind: 'lost', what: 'feed', reason: 'the line is down' }
    assert.deepEqual(feed.reported, [lost, { kind: 'back', what: 'feed', reason: null }])
    assert.match((await feed.source.judge(claims)).revoked ?? '', /family/)
  })

  it('puts requests off where the first answer does not come, and where it cannot be read', async test => {
    const feed = openFeed()
    test.after(() => feed.source.close())
    feed.draw(0)
    const unreadable = [
      'text',
      {},
      told('c1', [{ kind: 'planet', until_ms: 1 }]),
      told('c1', [{ kind: 'family', until_ms: 1 }]),
      told('c1', [{ kind: 'client', client_id: 'shop', until_ms: 1 }]),
      told('c1', [], { as_of_ms: 'now' }),
      told('c1', [], { age_ms: -1 }),
      told('x'.repeat(129)),
    ]
    const word = Promise.resolve(feed.source.judge(claims))
    await feed.next()
    for (const body of unreadable) {
      const asked = feed.asked.length
      await feed.asked.at(-1)?.answer(body)
      assert.notEqual(feed.source.health().failure, null, JSON.stringify(body))
      feed.waits.at(-1)?.end()
      await feed.settled()
      assert.equal(feed.asked.length, asked + 1)
    }
    // The timer of whoever waits for the first answer was the first one of all.
    feed.waits[0]?.end()
    await assert.rejects(word, ServerUnavailable)
  })

  it('gets ready before the first token, and says where it cannot', async test => {
    const feed = openFeed()
    test.after(() => feed.source.close())
    const ready = feed.source.ready()
    await (await feed.next()).answer(told('c1'))
    await ready
    assert.deepEqual(feed.source.judge(claims), { revoked: null, staleMs: 2 })
    const late = openFeed()
    test.after(() => late.source.close())
    const unready = assert.rejects(late.source.ready(), ServerUnavailable)
    await late.next()
    late.waits[0]?.end()
    await unready
  })

  it('ends the request that waits when it is closed', async () => {
    const feed = openFeed()
    const word = Promise.resolve(feed.source.judge(claims))
    await feed.next()
    const refused = assert.rejects(word, ServerUnavailable)
    await feed.source.close()
    await refused
    assert.equal(feed.asked.length, 1)
  })
})
