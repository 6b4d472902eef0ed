import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inWords, waitInWords } from './durations.ts'

describe('inWords', () => {
  it('says the lifetimes of every client kind as people do', () => {
    const said = [3600, 8 * 3600, 30 * 86_400, 90 * 86_400, 365 * 86_400].map(inWords)
    assert.deepEqual(said, ['1 hour', '8 hours', '30 days', '90 days', '365 days'])
  })

  it('says the two largest units and leaves out what is nothing', () => {
    assert.equal(inWords(5400), '1 hour 30 minutes')
    assert.equal(inWords(86_400 + 59), '1 day')
    assert.equal(inWords(86_399), '23 hours 59 minutes')
    assert.deepEqual([0, 1, 59, 60].map(inWords), ['0 seconds', '1 second', '59 seconds', '1 minute'])
  })
})

describe('waitInWords', () => {
  it('never tells anybody to come back too early', () => {
    assert.deepEqual([1, 60, 119, 120, 121, 900].map(waitInWords), [
      '1 second',
      '1 minute',
      '1 minute 59 seconds',
      '2 minutes',
      '3 minutes',
      '15 minutes',
    ])
    assert.equal(waitInWords(20_700), '6 hours')
    assert.equal(waitInWords(82_000), '23 hours')
  })
})
