import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineageIn, lineageMemory } from './lineage.ts'

const system = '7449'
const on = (timeline: number, of = system) => ({ system: of, timeline })

describe('a server that takes writes', () => {
  it('is of the past once another was promoted since, and not before', () => {
    const memory = lineageMemory()
    assert.equal(memory.judge(on(4)), null)
    assert.equal(memory.judge(on(4)), null)
    assert.equal(memory.judge(on(5)), null)
    assert.match(memory.judge(on(4)) ?? '', /timeline 4, and a server was promoted to 5/)
    assert.equal(memory.judge(on(5)), null)
  })

  it('is not compared with one of another origin, nor where the engine has no timelines', () => {
    const memory = lineageMemory()
    assert.equal(memory.judge(on(9)), null)
    assert.equal(memory.judge(on(1, 'restored')), null)
    assert.equal(memory.judge(null), null)
    assert.notEqual(memory.judge(on(8)), null)
  })

  it('is not remembered beyond a number of origins', () => {
    const memory = lineageMemory()
    for (let origin = 0; origin < 16; origin++) assert.equal(memory.judge(on(2, `origin ${origin}`)), null)
    assert.equal(memory.judge(on(2, 'one more')), null)
    assert.equal(memory.judge(on(1, 'one more')), null)
    assert.notEqual(memory.judge(on(1, 'origin 0')), null)
  })
})

describe('what a server tells of its origin', () => {
  it('is a system and a timeline in hexadecimal digits, or nothing', () => {
    const told = (...row: readonly (string | null)[]) => lineageIn({ rows: [row], count: 1, failure: null })
    assert.deepEqual(told(system, '0000001F'), on(31))
    assert.equal(told(system, null), null)
    assert.equal(lineageIn({ rows: [], count: 0, failure: new Error('no such function') }), null)
    assert.equal(lineageIn(undefined), null)
  })
})
