import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { postgresDialect } from './dialect.ts'

describe('the dialect of PostgreSQL', () => {
  it('names each text once', () => {
    const prepare = postgresDialect(false)
    const first = prepare('SELECT 1')
    assert.notEqual(prepare('SELECT 2').name, first.name)
    assert.equal(prepare('SELECT 1'), first)
  })
  it('asks the database for the time, and takes the later of the two', () => {
    const { text } = postgresDialect(false)('SELECT store_now(c.high_ms), store_now($1) - $2')
    const parts = /^SELECT greatest\(c\.high_ms, (?<now>.+)\), greatest\(\$1::bigint, (?<again>.+)\) - \$2$/.exec(text)
    assert.match(parts?.groups?.['now'] ?? '', /clock_timestamp\(\)/)
    assert.equal(parts?.groups?.['now'], parts?.groups?.['again'])
  })
  it('takes what it is given where a test tells the time', () => {
    assert.equal(
      postgresDialect(true)('SELECT store_now(high_ms), store_now($1)').text,
      'SELECT (high_ms), ($1::bigint)',
    )
  })
})
