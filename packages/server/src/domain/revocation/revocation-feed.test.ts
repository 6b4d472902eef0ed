/** The feed read along: real rows in memory, a clock that is set, and timers that go off when it says so. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { seededEntropy, settableClock, startMs } from '../../store/contract/fixture.test.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { StoreUnavailable } from '../store.ts'
import { type FeedAnswer, feedPageRowsMax, revocationFeed } from './revocation-feed.ts'
import { placeAt, type RevocationStore, revocationToldSeconds } from './revocation-store.ts'
import { lookEveryMs, type StartTimer } from './watched-line.ts'

async function world(test: TestContext) {
  const clock = settableClock(startMs)
  const timers = drivenTimers(clock.nowMs)
  const store = await openSqliteStore({ path: ':memory:', clock, entropy: seededEntropy(test.name) })
  test.after(() => store.close())
  const asked = { looks: 0, pages: 0 }
  let isAway = false
  const counted: RevocationStore = {
    line: () => {
      asked.looks += 1
      return isAway ? Promise.reject(new StoreUnavailable('away')) : store.revocations.line()
    },
    after: (place, rows) => {
      asked.pages += 1
      return store.revocations.after(place, rows)
    },
  }
  const feed = revocationFeed({ store: counted, nowMs: clock.nowMs, startTimer: timers.startTimer })
  return {
    feed,
    asked,
    goAway: (away: boolean) => {
      isAway = away
    },
    deny: (...tokenIds: string[]) =>
      Promise.all(tokenIds.map(tokenId => store.deniedAccessTokens.deny(tokenId, clock.nowMs() + 600_000))),
    /** Lets time pass, timer by timer, with all that each of them sets off. */
    pass: async (byMs: number) => {
      const untilMs = clock.nowMs() + byMs
      await settled()
      for (let next = timers.nextMs(); next <= untilMs; next = timers.nextMs()) {
        clock.set(Math.max(next, clock.nowMs()))
        timers.goOff()
        await settled()
      }
      clock.set(untilMs)
    },
    underWay: timers.count,
  }
}

/** What can go on without time passing has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await setImmediate()
}

function drivenTimers(nowMs: () => number) {
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const startTimer: StartTimer = (callback, afterMs) => {
    const timer = { atMs: nowMs() + afterMs, callback }
    timers.add(timer)
    return () => timers.delete(timer)
  }
  return {
    startTimer,
    nextMs: () => Math.min(...[...timers].map(({ atMs }) => atMs)),
    count: () => timers.size,
    goOff: () => {
      const due = [...timers].filter(({ atMs }) => atMs <= nowMs())
      for (const timer of due) {
        if (timers.delete(timer)) timer.callback()
      }
    },
  }
}

function tokensIn({ revocations }: FeedAnswer): readonly string[] {
  return revocations.map(({ revoked }) => (revoked.kind === 'token' ? revoked.tokenId : revoked.kind)).toSorted()
}

describe('the revocation feed', () => {
  it('answers whoever has no place at once, with all that counts, and how old that is', async test => {
    const { feed, deny } = await world(test)
    await deny('one', 'two')
    const answer = await feed.read(null, 30_000)
    assert.deepEqual(tokensIn(answer), ['one', 'two'])
    const { more, reset, asOfMs, ageMs } = answer
    assert.deepEqual({ more, reset, asOfMs, ageMs }, { more: false, reset: true, asOfMs: startMs, ageMs: 0 })
  })

  it('waits until there is news, and tells it within one look', async test => {
    const { feed, deny, pass } = await world(test)
    const { place } = await feed.read(null, 0)
    let answer: FeedAnswer | null = null
    const reading = feed.read(place, 30_000).then(read => {
      answer = read
    })
    await pass(5000)
    assert.equal(answer, null)
    await deny('one')
    await pass(lookEveryMs)
    await reading
    assert.ok(answer !== null)
    assert.deepEqual(tokensIn(answer), ['one'])
  })

  it('answers with nothing when the time is over, and as of a moment that is no older than two looks', async test => {
    const { feed, pass, underWay } = await world(test)
    const { place } = await feed.read(null, 0)
    const reading = feed.read(place, 20_000)
    await pass(20_000)
    const answer = await reading
    assert.deepEqual([answer.revocations, answer.place, answer.more, answer.reset], [[], place, false, false])
    assert.ok(answer.asOfMs >= startMs + 20_000 - 2 * lookEveryMs, `as of ${answer.asOfMs - startMs}`)
    assert.equal(answer.ageMs, startMs + 20_000 - answer.asOfMs)
    await pass(2 * lookEveryMs)
    assert.equal(underWay(), 0)
  })

  it('asks the store as often for a hundred readers as for one, and never while nobody waits', async test => {
    const { feed, asked, deny, pass } = await world(test)
    const { place } = await feed.read(null, 0)
    const readings = Array.from({ length: 100 }, () => feed.read(place, 10_000))
    await pass(5000)
    assert.ok(asked.looks <= 5000 / lookEveryMs + 2, `${asked.looks} looks`)
    await deny('one')
    const pagesBefore = asked.pages
    await pass(lookEveryMs)
    for (const answer of await Promise.all(readings)) assert.deepEqual(tokensIn(answer), ['one'])
    assert.equal(asked.pages, pagesBefore + 1)
    await pass(lookEveryMs)
    const { looks } = asked
    await pass(60_000)
    assert.equal(asked.looks, looks)
  })

  it('is read page by page where there is much, and missed by nobody who is slow', async test => {
    const { feed, deny, pass } = await world(test)
    const count = 2 * feedPageRowsMax + 7
    await deny(...Array.from({ length: count }, (_, at) => `token-${at}`))
    const told = new Set<string>()
    let answer = await feed.read(null, 0)
    for (const one of tokensIn(answer)) told.add(one)
    assert.equal(answer.more, true)
    await deny('late')
    await pass(1000)
    while (answer.more) {
      answer = await feed.read(answer.place, 0)
      for (const one of tokensIn(answer)) told.add(one)
      assert.equal(answer.reset, false)
    }
    assert.equal(told.size, count + 1)
    assert.ok(answer.asOfMs >= startMs + 1000 - lookEveryMs)
  })

  it('says that there is no more where a full page ends with the line', async test => {
    const { feed, deny } = await world(test)
    await deny(...Array.from({ length: feedPageRowsMax }, (_, at) => `token-${at}`))
    const answer = await feed.read(null, 0)
    assert.deepEqual([answer.revocations.length, answer.more], [feedPageRowsMax, false])
  })

  it('goes on at a place however old it is, and leaves out what no living token can be', async test => {
    const { feed, deny, pass } = await world(test)
    const first = await feed.read(null, 0)
    await deny('early')
    await pass(1000)
    assert.deepEqual(tokensIn(await feed.read(first.place, 0)), ['early'])
    await pass(revocationToldSeconds * 1000 + 2)
    await deny('late')
    const answer = await feed.read(first.place, 0)
    assert.deepEqual([tokensIn(answer), answer.reset], [['late'], false])
  })

  it('begins anew for a place that is ahead of its time: it was put back from a backup', async test => {
    const { feed, deny } = await world(test)
    await deny('one')
    const answer = await feed.read(placeAt(startMs + 60_000), 30_000)
    assert.deepEqual([tokensIn(answer), answer.reset], [['one'], true])
  })

  it('looks again before it takes a place for one of the future: another node may have just given it', async test => {
    const { feed, deny, pass } = await world(test)
    const other = await world(test)
    await feed.read(null, 0)
    await deny('one')
    await pass(lookEveryMs - 50)
    const answer = await feed.read(placeAt(startMs + lookEveryMs - 50), 0)
    assert.equal(answer.reset, false)
    assert.equal((await other.feed.read(placeAt(startMs + 1), 0)).reset, true)
  })

  it('tells those who wait that the store is away, and goes on when it is back', async test => {
    const { feed, deny, pass, goAway } = await world(test)
    const { place } = await feed.read(null, 0)
    const reading = assert.rejects(feed.read(place, 30_000), StoreUnavailable)
    goAway(true)
    await pass(lookEveryMs)
    await reading
    await pass(1000)
    await assert.rejects(feed.read(place, 30_000), StoreUnavailable)
    goAway(false)
    await deny('one')
    assert.deepEqual(tokensIn(await feed.read(place, 30_000)), ['one'])
  })

  it('answers all who wait when it is stopped, and lets nobody wait afterwards', async test => {
    const { feed, pass } = await world(test)
    const { place } = await feed.read(null, 0)
    const readings = Array.from({ length: 3 }, () => feed.read(place, 30_000))
    await pass(1000)
    feed.stop()
    for (const answer of await Promise.all(readings)) assert.deepEqual(tokensIn(answer), [])
    assert.deepEqual(tokensIn(await feed.read(place, 30_000)), [])
  })

  it('is not stale where the clock of its machine was set back', async test => {
    const { feed, deny, pass } = await world(test)
    const { place } = await feed.read(null, 0)
    await deny('one')
    await pass(-60_000)
    assert.deepEqual(tokensIn(await feed.read(place, 0)), ['one'])
  })
})
