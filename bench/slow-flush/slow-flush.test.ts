import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { prepareSlowFlush, slowedMicros } from './slow-flush.ts'

const commits = 20

describe('the slow flush', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-slow-flush-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  const program = `
    const database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t (a)')
    const from = performance.now()
    for (let at = 0; at < ${commits}; at++) database.exec('INSERT INTO t VALUES (1)')
    console.log(performance.now() - from)`

  it('counts and slows every flush of the pinned Node, or says why it cannot', () => {
    const slowFlush = prepareSlowFlush(directory)
    if (slowFlush.kind === 'missing') return assert.match(slowFlush.reason, /compiler|LD_PRELOAD/)
    const gauge = slowFlush.gauge('test')
    const ride = (): number =>
      Number(
        execFileSync(process.execPath, ['-e', program, join(directory, 'test.sqlite')], {
          env: { ...process.env, ...gauge.env },
          stdio: ['ignore', 'pipe', 'inherit'],
        }),
      )
    ride()
    const flushesAsIs = gauge.flushes()
    assert.ok(flushesAsIs >= commits, `${flushesAsIs} flushes were counted`)
    gauge.set('slowed')
    const elapsedMs = ride()
    assert.ok(gauge.flushes() - flushesAsIs >= commits)
    assert.ok(elapsedMs >= (commits * slowedMicros) / 1000, `${commits} slowed commits took ${elapsedMs} ms`)
    gauge.close()
  })
})
