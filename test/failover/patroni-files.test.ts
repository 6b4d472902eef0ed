/** What an operator reads in docs/failover.md is what the failover test runs. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const manual = read('../../docs/failover.md')

describe('the files for Patroni', () => {
  it('stand in the manual as they are run', () => {
    const settings = read('patroni/patroni.yml').replace(/^(?:#.*\n)+/, '')
    assert.ok(manual.includes(settings), 'docs/failover.md shows another patroni.yml')
  })

  it('stand in the manual with addresses of their own', () => {
    const shared = read('patroni/haproxy.cfg')
      .split('\n')
      .filter(line => line.trim() !== '' && !/^\s*(?:#|bind|server) ?/.test(line))
    assert.ok(shared.length > 10)
    const shown = new Set(manual.split('\n'))
    assert.deepEqual(
      shared.filter(line => !shown.has(line)),
      [],
    )
  })
})
