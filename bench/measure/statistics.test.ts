import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { median, medianKnown, percentile } from './statistics.ts'

describe('statistics of the bench', () => {
  it('takes the nearest rank as percentile', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1)
    assert.equal(percentile(hundred, 0.5), 50)
    assert.equal(percentile(hundred, 0.99), 99)
    assert.equal(percentile(hundred, 1), 100)
    assert.equal(percentile([7], 0.5), 7)
  })

  it('takes the middle of odd and even counts, in any order', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 3, 2]), 2.5)
  })

  it('knows no median of what was not measured', () => {
    assert.ok(Number.isNaN(median([])))
    assert.ok(Number.isNaN(percentile([], 0.5)))
    assert.equal(medianKnown([1, null, 3]), null)
    assert.equal(medianKnown([]), null)
    assert.equal(medianKnown([1, 2, 3]), 2)
  })
})
