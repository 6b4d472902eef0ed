import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eachOnce, warningsToldMax } from './connect.ts'

describe('warnings of connections', () => {
  it('are told once each, and remembered up to a limit', () => {
    const told: string[] = []
    const report = eachOnce(warning => told.push(warning))
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < warningsToldMax; index++) report(`warning ${index}`)
    }
    assert.equal(told.length, warningsToldMax)
    report('one more')
    report('one more')
    assert.deepEqual(told.slice(warningsToldMax), ['one more'])
    report('warning 0')
    assert.equal(told.at(-1), 'warning 0')
  })
})
