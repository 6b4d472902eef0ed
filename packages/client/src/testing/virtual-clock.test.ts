import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClockStuck, virtualClock } from './virtual-clock.ts'

describe('virtualClock', () => {
  it('wakes who waits in the order of their instants, and lets each finish before the next', async () => {
    const clock = virtualClock(0)
    const seen: string[] = []
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.wait(ms)
      seen.push(`${name} at ${clock.nowMs()}`)
      await crypto.subtle.digest('SHA-256', new Uint8Array(8))
      seen.push(`${name} done`)
    }
    const all = [sleeper('late', 300), sleeper('early', 100), sleeper('too late', 301)]
    await clock.advance(300)
    assert.deepEqual(seen, ['early at 100', 'early done', 'late at 300', 'late done'])
    await clock.advance(1)
    await Promise.all(all)
    assert.equal(clock.nowMs(), 301)
  })

  it('wakes in the order they came those who wait for the same instant', async () => {
    const clock = virtualClock(0)
    const seen: number[] = []
    const all = [0, 1, 2].map(async order => {
      await clock.wait(5)
      seen.push(order)
    })
    await clock.advance(5)
    await Promise.all(all)
    assert.deepEqual(seen, [0, 1, 2])
  })

  it('sleeps: the day moves on, and no timer with it', async () => {
    const clock = virtualClock(0)
    let isAwake = false
    const waiting = clock.wait(1000).then(() => {
      isAwake = true
    })
    clock.sleep(8 * 3_600_000)
    await clock.advance(999)
    assert.equal(isAwake, false)
    await clock.advance(1)
    await waiting
    assert.equal(isAwake, true)
    assert.equal(clock.nowMs(), 8 * 3_600_000 + 1000)
  })

  it('ends a wait when its signal is aborted, before it or during it', async () => {
    const clock = virtualClock(0)
    const during = new AbortController()
    const waiting = clock.wait(1000, during.signal)
    during.abort()
    await waiting
    await clock.wait(1000, AbortSignal.abort())
    assert.equal(clock.waiting(), 0)
    assert.equal(clock.nowMs(), 0)
  })

  it('runs work to its end through any number of waits, and answers as it does', async () => {
    const clock = virtualClock(0)
    const work = async (): Promise<number> => {
      for (let turn = 0; turn < 10; turn++) {
        await clock.wait(60_000)
        await crypto.subtle.digest('SHA-256', new Uint8Array(8))
      }
      return clock.nowMs()
    }
    assert.equal(await clock.run(work()), 600_000)
    await assert.rejects(clock.run(Promise.reject(new RangeError('the work failed'))), RangeError)
  })

  it('lets no time pass while something is done that takes none', async () => {
    const clock = virtualClock(0)
    const waiting = clock.wait(1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = clock.during(() => promise)
    const run = clock.run(work)
    // Real threads and files take their turns of the event loop.
    for (let turn = 0; turn < 50; turn++) await new Promise(next => setImmediate(next))
    assert.equal(clock.nowMs(), 0)
    resolve()
    await run
    assert.equal(clock.nowMs(), 0)
    await clock.run(waiting)
  })

  it('says so when the work never ends, whatever time passes', async () => {
    const clock = virtualClock(0)
    const never = new Promise<never>(() => {})
    await assert.rejects(clock.run(never), ClockStuck)
    const forever = async (): Promise<never> => {
      for (;;) await clock.wait(1000)
    }
    await assert.rejects(clock.run(forever(), 10_000), ClockStuck)
    assert.equal(clock.nowMs(), 10_000)
  })
})
