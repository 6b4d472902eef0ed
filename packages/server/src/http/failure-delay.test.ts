import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  failureDelay,
  failureDelayMsMax,
  failureDelayStepMs,
  failureKeysMax,
  failuresPerMinuteMax,
  failuresWaitingMax,
  type StartTimer,
} from './failure-delay.ts'

/** A clock that stands still until it is moved, and timers that go off when it is. */
function stoppedTime(): {
  nowMs: () => number
  startTimer: StartTimer
  delays: number[]
  advance: (byMs: number) => void
} {
  let nowMs = 1_000_000_000_000 - (1_000_000_000_000 % 60_000)
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const delays: number[] = []
  return {
    nowMs: () => nowMs,
    startTimer: (callback, afterMs) => {
      const timer = { atMs: nowMs + afterMs, callback }
      delays.push(afterMs)
      timers.add(timer)
      return () => timers.delete(timer)
    },
    delays,
    advance: byMs => {
      nowMs += byMs
      for (const timer of timers) if (timer.atMs <= nowMs) timer.callback()
    },
  }
}

async function fail(failures: { delay: (key: string) => Promise<void> }, key: string, times: number): Promise<void> {
  for (let index = 0; index < times; index += 1) await failures.delay(key)
}

describe('the delay of failures', () => {
  it('CA-14 holds back nothing up to the limit', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    assert.deepEqual(time.delays, [])
  })

  it('AC-08 holds each answer over the limit a little longer, up to a second', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    const held = Array.from({ length: 100 }, () => failures.delay('a'))
    assert.equal(time.delays[0], failureDelayStepMs)
    assert.equal(time.delays[1], 2 * failureDelayStepMs)
    assert.equal(time.delays[99], failureDelayMsMax)
    assert.equal(failures.waiting(), 100)
    time.advance(failureDelayMsMax)
    await Promise.all(held)
    assert.equal(failures.waiting(), 0)
  })

  it('answers one that waits not a millisecond early', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    const held = failures.delay('a')
    time.advance(failureDelayStepMs - 1)
    assert.equal(failures.waiting(), 1)
    time.advance(1)
    await held
    assert.equal(failures.waiting(), 0)
  })

  it('CA-14 counts each client and network apart', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    await fail(failures, 'b', failuresPerMinuteMax)
    assert.deepEqual(time.delays, [])
  })

  it('forgets after the minute', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    time.advance(60_000)
    await fail(failures, 'a', failuresPerMinuteMax)
    assert.deepEqual(time.delays, [])
  })

  it('IN-06 counts keys past its memory together, so that a flood of keys hides nobody', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    for (let index = 0; index < failureKeysMax; index += 1) await failures.delay(`key ${index}`)
    for (let index = 0; index < failuresPerMinuteMax; index += 1) await failures.delay(`late ${index}`)
    assert.deepEqual(time.delays, [])
    const held = failures.delay('late again')
    assert.equal(failures.waiting(), 1)
    failures.release()
    await held
  })

  it('lets the one that waited longest go when too many wait', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    await fail(failures, 'a', failuresPerMinuteMax)
    const first = failures.delay('a')
    const others = Array.from({ length: failuresWaitingMax }, () => failures.delay('a'))
    await first
    assert.equal(failures.waiting(), failuresWaitingMax)
    failures.release()
    await Promise.all(others)
  })

  it('holds nothing back once released', async () => {
    const time = stoppedTime()
    const failures = failureDelay(time.nowMs, time)
    failures.release()
    await fail(failures, 'a', failuresPerMinuteMax + 5)
    assert.equal(failures.waiting(), 0)
  })
})
