import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from './time.ts'

describe('systemClock', () => {
  it('tells whole milliseconds since the epoch, between two looks at the machine’s clock', () => {
    const beforeMs = Date.now()
    const nowMs = systemClock.nowMs()
    const afterMs = Date.now()
    assert.ok(Number.isSafeInteger(nowMs))
    assert.ok(nowMs >= beforeMs && nowMs <= afterMs)
  })
})
