import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { StoreUnavailable } from '../../domain/store.ts'
import { seededEntropy, settableClock, startMs } from '../contract/fixture.test.ts'
import type { Unit } from '../sql/sql.ts'
import { openStoreClock } from '../sql/store-clock.ts'
import { connect, memoryPath } from './connection.ts'
import { migrate } from './migrations.ts'
import { busyMsMax, patience } from './patience.ts'
import { batchUnitsMax, createWriter, queuedUnitsMax } from './writer.ts'

function writerOnMemory() {
  const connection = connect(memoryPath)
  migrate(connection.database)
  connection.database.exec('CREATE TABLE written (place INTEGER PRIMARY KEY, what TEXT, batch_id TEXT)')
  const entropy = seededEntropy('writer')
  const clock = openStoreClock(settableClock(startMs), 0)
  const writer = createWriter({ connection, stamp: clock, patiently: patience(entropy), entropy })
  const written = () => connection.all({ text: 'SELECT what, batch_id FROM written ORDER BY place', params: [] })
  return { writer, written }
}

const writeText = `INSERT INTO written (what, batch_id) SELECT $1, batch_id FROM store_clock WHERE id = 1`

function unitOf(what: string, about: string | null): Unit {
  return { about, guard: { text: writeText, params: [what] }, statements: [] }
}

describe('group commit', () => {
  it('writes what arrives in one turn in one batch, in the order of what it is about', async () => {
    const { writer, written } = writerOnMemory()
    await Promise.all(['c', 'a', 'b'].map(about => writer.write(unitOf(about, about))))
    const rows = written()
    assert.deepEqual(
      rows.map(row => row[0]),
      ['a', 'b', 'c'],
    )
    assert.equal(new Set(rows.map(row => row[1])).size, 1)
  })
  it('keeps a second unit about the same thing for the next batch', async () => {
    const { writer, written } = writerOnMemory()
    await Promise.all(['first', 'second', 'third'].map(what => writer.write(unitOf(what, 'one family'))))
    const rows = written()
    assert.deepEqual(
      rows.map(row => row[0]),
      ['first', 'second', 'third'],
    )
    assert.equal(new Set(rows.map(row => row[1])).size, 3)
  })
  it('writes no more in one batch than it may', async () => {
    const { writer, written } = writerOnMemory()
    const units = Array.from({ length: batchUnitsMax + 1 }, (_, at) => unitOf(String(at), null))
    await Promise.all(units.map(unit => writer.write(unit)))
    const batches = written().map(row => row[1])
    assert.equal(new Set(batches.slice(0, batchUnitsMax)).size, 1)
    assert.equal(new Set(batches).size, 2)
  })
  it('refuses what does not fit into the queue, and writes the rest', async () => {
    const { writer, written } = writerOnMemory()
    const taken = Array.from({ length: queuedUnitsMax }, (_, at) => writer.write(unitOf(String(at), null)))
    await assert.rejects(writer.write(unitOf('one too many', null)), StoreUnavailable)
    const outcomes = new Set(await Promise.all(taken))
    assert.deepEqual([...outcomes], ['done'])
    assert.equal(written().length, queuedUnitsMax)
  })
  it('refuses a guard that changes more than one row, and undoes it', async () => {
    const { writer, written } = writerOnMemory()
    await Promise.all([writer.write(unitOf('a', null)), writer.write(unitOf('b', null))])
    const guard = { text: "UPDATE written SET what = 'both'", params: [] }
    const outcomes = await Promise.allSettled([
      writer.write({ about: null, guard, statements: [] }),
      writer.write(unitOf('c', null)),
    ])
    assert.deepEqual(
      outcomes.map(outcome => outcome.status),
      ['rejected', 'fulfilled'],
    )
    assert.deepEqual(
      written().map(row => row[0]),
      ['a', 'b', 'c'],
    )
  })
  it('tells everybody who waits, after one wait, that the database is away, and writes again once it is back', async test => {
    const directory = await mkdtemp(join(tmpdir(), 'pawl-writer-'))
    test.after(() => rm(directory, { recursive: true }))
    const path = join(directory, 'pawl.db')
    const connection = connect(path)
    migrate(connection.database)
    connection.database.exec('CREATE TABLE written (place INTEGER PRIMARY KEY, what TEXT, batch_id TEXT)')
    const other = connect(path)
    other.database.exec('BEGIN IMMEDIATE')
    const waiting: Promise<unknown>[] = []
    let waitedMs = 0
    const entropy = seededEntropy('writer')
    const patiently = patience(entropy, async pauseMs => {
      waitedMs += pauseMs
      if (waiting.length < 3) waiting.push(writer.write(unitOf(String(waiting.length), 'one family')))
    })
    const stamp = openStoreClock(settableClock(startMs), 0)
    const writer = createWriter({ connection, stamp, patiently, entropy })
    waiting.push(writer.write(unitOf('first', 'one family')))
    await assert.rejects(waiting[0] ?? Promise.resolve(), StoreUnavailable)
    assert.deepEqual(new Set((await Promise.allSettled(waiting)).map(({ status }) => status)), new Set(['rejected']))
    assert.equal(waiting.length, 3)
    assert.ok(waitedMs >= busyMsMax && waitedMs < 2 * busyMsMax, `waited ${waitedMs} ms`)
    other.database.close()
    assert.equal(await writer.write(unitOf('after', null)), 'done')
    connection.database.close()
  })
  it('answers what it took before it finishes', async () => {
    const { writer } = writerOnMemory()
    const writing = writer.write(unitOf('last', null))
    await writer.finish()
    assert.equal(await writing, 'done')
    await assert.rejects(writer.write(unitOf('late', null)), StoreUnavailable)
  })
})
